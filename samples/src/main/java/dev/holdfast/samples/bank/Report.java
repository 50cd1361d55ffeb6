package dev.holdfast.samples.bank;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.spi.Dialect;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Comparator;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What is told at the end of the day.
 *
 * @param receipts what the tellers were told
 * @param tally what was counted
 * @param connectionsCut by the saboteur
 * @param findings of the check of the books
 * @param extras what else was tried, and what came of it
 * @param seconds the day took
 */
record Report(
        Receipts receipts,
        Tally tally,
        int connectionsCut,
        Books.Findings findings,
        Map<String, String> extras,
        double seconds) {
    private static final int WIDTH = 100;
    private static final TxOptions CALL = TxOptions.of(Isolation.SERIALIZABLE)
            .readWrite()
            .lockTimeout(Duration.ofSeconds(2))
            .label("pay");

    boolean isRight() {
        return findings.complaints().isEmpty();
    }

    void print(PrintStream out) {
        printDay(out);
        printBooks(out);
        printExtras(out);
        printPlans(out);
        out.printf(
                Locale.ROOT, "%n%s (%.1f s)%n", isRight() ? "Not a cent is missing." : "THE BOOKS ARE WRONG.", seconds);
    }

    private void printDay(PrintStream out) {
        out.printf("%nThe day%n");
        count(out, "orders committed", receipts.committed().size(), "");
        count(out, "orders rolled back", receipts.rolledBack().size(), "for want of money");
        receipts.gaveUp().values().stream().findFirst().ifPresent(error -> {
            count(out, "orders given up", receipts.gaveUp().size(), "the first for " + error);
        });
        if (!receipts.unknown().isEmpty()) {
            count(out, "orders in doubt", receipts.unknown().size(), "COMMIT was sent and its answer lost");
        }
        count(out, "transactions", tally.runs.sum(), tally.runsRolledBack + " of them rolled back");
        count(out, "retries", tally.retries.sum(), retries());
        count(out, "savepoints", tally.savepoints.sum(), tally.savepointsSurvived + " failed, and were survived");
        count(
                out,
                "hooks fired",
                tally.afterCommitHooks.sum() + tally.afterRollbackHooks.sum(),
                tally.afterCommitHooks + " after a commit, " + tally.afterRollbackHooks + " after a rollback");
        count(out, "connections cut", connectionsCut, tally.connectionsEvicted + " thrown away");
    }

    private String retries() {
        return tally.retriedFor().entrySet().stream()
                .map(entry -> entry.getValue() + " after " + entry.getKey())
                .collect(Collectors.joining(", "));
    }

    private static void count(PrintStream out, String what, long count, String more) {
        out.println(String.format(Locale.ROOT, "  %-20s %,9d   %s", what, count, more)
                .stripTrailing());
    }

    private void printBooks(PrintStream out) {
        out.printf("%nThe books, read by plain JDBC%n");
        out.printf("  %-20s %12s%n", "money before", Money.text(findings.before()));
        out.printf("  %-20s %12s%n", "money after", Money.text(findings.after()));
        if (isRight()) {
            out.println("  Each account has what it began with and what the ledger says came and went.");
            out.println("  Each order told as committed is in the ledger exactly once, and no other is.");
        }
        findings.complaints().forEach(complaint -> out.println("  WRONG: " + complaint));
    }

    private void printExtras(PrintStream out) {
        out.printf("%nAlso tried%n");
        extras.forEach((what, told) -> out.printf("  %-20s %s%n", what, wrapped(told, 23)));
    }

    /** Broken between words, the later lines indented. */
    private static String wrapped(String text, int indent) {
        StringBuilder lines = new StringBuilder();
        int column = indent;
        for (String word : text.split(" ", -1)) {
            if (column > indent && column + word.length() >= WIDTH) {
                lines.append(System.lineSeparator()).append(" ".repeat(indent));
                column = indent;
            }
            lines.append(column > indent ? " " : "").append(word);
            column += word.length() + 1;
        }
        return lines.toString();
    }

    private static void printPlans(PrintStream out) {
        out.printf("%nWhat one call becomes: SERIALIZABLE, read-write, lock timeout 2 s, label 'pay'%n");
        Holdfast.dialects().stream()
                .sorted(Comparator.comparing(Dialect::name))
                .map(dialect -> Holdfast.explain(dialect, CALL))
                .forEach(plan -> out.printf("%n%s", plan.indent(2)));
    }
}
