package dev.holdfast.tx.testkit;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What a failed case says: the fact, what was seen instead, what went over the wire, and where to look. */
final class FailureText {
    private FailureText() {}

    static String of(ConformanceCase one, CaseRun run, Throwable thrown) {
        List<String> lines = new ArrayList<>();
        lines.add(one + " FAILED on " + run.database().name() + " ("
                + run.profile().server() + ")");
        Optional<Rule> rule = Specification.rule(one.rule());
        lines.add(
                "  rule: " + one.rule() + rule.map(known -> " " + known.title()).orElse(""));
        lines.add("  seen: " + told(thrown));
        run.notes().forEach((name, value) -> lines.add("  " + name + ": " + value));
        run.timeline().lines().forEach(line -> lines.add("  " + line));
        rule.ifPresent(known -> lines.add("  check: " + known.check()));
        lines.add("  again: -Dholdfast.case=" + one.id());
        return String.join("\n", lines);
    }

    private static String told(Throwable thrown) {
        if (thrown instanceof AssertionError && thrown.getMessage() != null) {
            return thrown.getMessage().replace("\n", "\n    ");
        }
        return thrown instanceof SQLException sql ? RecordedSessions.told(sql) : thrown.toString();
    }
}
