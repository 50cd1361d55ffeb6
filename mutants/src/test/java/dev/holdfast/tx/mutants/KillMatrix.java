package dev.holdfast.tx.mutants;

import dev.holdfast.tx.testkit.CaseResult;
import dev.holdfast.tx.testkit.Conformance;
import dev.holdfast.tx.testkit.ConformanceCase;
import dev.holdfast.tx.testkit.Suite;
import dev.holdfast.tx.testkit.Verdict;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Which cases notice which mutant: its killer, and the core cases, against each of them. Written to the page that
 * {@code -Dmutants.into} names; with {@code -Dmutants.only} the rows of the other mutants stay as they are. All of it takes a
 * quarter of an hour, so the build leaves it out.
 */
class KillMatrix {
    @Test
    @EnabledIfSystemProperty(named = "mutants.into", matches = ".+")
    void is_written() throws Exception {
        Path file = Path.of(System.getProperty("mutants.into"));
        KillPage page = Files.exists(file) ? KillPage.read(file) : KillPage.empty();
        page.keepOnly(Mutants.all());
        for (Mutant mutant : Mutants.chosen()) {
            page.put(row(mutant));
            page.write(file); // what is known already is not lost with the rest
        }
    }

    private static KillPage.Row row(Mutant mutant) throws Exception {
        List<ConformanceCase> cases = Conformance.cases().stream()
                .filter(one -> one.id().equals(mutant.killer()) || CoreCases.areRunAgainst(mutant, one))
                .toList();
        Suite suite = Suite.of(mutant.database().get(), cases);
        String seen = "";
        Set<String> others = new TreeSet<>();
        for (ConformanceCase one : suite.cases()) {
            boolean isKiller = one.id().equals(mutant.killer());
            if (isKiller && !seen.isEmpty()) {
                continue; // at another level
            }
            CaseResult result = suite.run(one);
            if (result.verdict() == Verdict.FAIL && isKiller) {
                seen = seen(result);
            } else if (result.verdict() == Verdict.FAIL) {
                others.add(one.id());
            }
        }
        return new KillPage.Row(
                mutant.id(), mutant.what(), mutant.base(), mutant.killer(), seen, new ArrayList<>(others));
    }

    /** What the failure says was seen, without what is another each time. */
    private static String seen(CaseResult result) {
        return result.detail()
                .lines()
                .filter(line -> line.startsWith("  seen: "))
                .findFirst()
                .orElse("")
                .substring("  seen: ".length())
                .replaceAll("hf_case_\\d+", "hf_case")
                .replaceAll("@[0-9a-f]{5,8}\\b", "")
                .replaceAll("localhost:\\d+", "localhost")
                .replaceAll("Thread\\[#\\d+,", "Thread[")
                .replaceAll("HikariPool-\\d+", "HikariPool")
                .replaceAll("mutant\\d+(\\.db)?", "mutant")
                .replaceAll("(SQLite|Derby|H2|PostgreSQL) [0-9.]+ at \\S+", "$1")
                .strip();
    }
}
