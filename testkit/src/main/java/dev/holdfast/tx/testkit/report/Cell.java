package dev.holdfast.tx.testkit.report;

import dev.holdfast.tx.testkit.CaseResult;
import dev.holdfast.tx.testkit.Verdict;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * A cell of the isolation matrix.
 *
 * @param mark {@code ✓}, {@code ✗}, {@code —} or {@code ?}
 * @param words how it was prevented, or what was seen
 */
record Cell(String mark, String words) {
    /** Of the cases that tried one anomaly at one level. */
    static Cell of(List<CaseResult> results) {
        if (results.isEmpty()) {
            return new Cell("", "");
        }
        if (results.stream().anyMatch(one -> one.verdict() == Verdict.FAIL || one.verdict() == Verdict.WAIVED)) {
            return new Cell("✗", "seen, though claimed to be prevented");
        }
        if (results.stream().allMatch(one -> one.verdict() == Verdict.PASS)) {
            return new Cell("✓", noted(results, "prevented"));
        }
        if (results.stream().anyMatch(one -> one.verdict() == Verdict.INFO)) {
            return new Cell("—", noted(results, "seen").contains("yes") ? "seen" : "possible, not seen");
        }
        return new Cell("?", results.get(0).verdict().name().toLowerCase(java.util.Locale.ROOT));
    }

    private static String noted(List<CaseResult> results, String name) {
        return results.stream()
                .map(one -> one.notes().get(name))
                .filter(Objects::nonNull)
                .filter(words -> !words.equals("yes") || name.equals("seen"))
                .distinct()
                .collect(Collectors.joining(", "));
    }
}
