package dev.holdfast.tx.mutants;

import dev.holdfast.tx.testkit.Chapter;
import dev.holdfast.tx.testkit.Conformance;
import dev.holdfast.tx.testkit.ConformanceCase;
import dev.holdfast.tx.testkit.Needs;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** The cases that every database must pass: each of them must catch something. */
final class CoreCases {
    /** They write down what they see for the report, and have nothing to say against it. */
    private static final Set<String> TELLING = Set.of("DCL-03", "DCL-08", "HYG-10", "ISO-24");

    /** It is run when it is asked for, for as long as it is asked for. */
    private static final Set<String> ASKED_FOR = Set.of("STO-05");

    /** What it looks for is what a snapshot that sees its own updates does; the testkit's InterleavingsTest plays one. */
    private static final Set<String> ELSEWHERE = Set.of("ISO-15");

    /** Chapters that take long. */
    private static final Set<Chapter> SLOW = EnumSet.of(Chapter.STO, Chapter.CCY, Chapter.ISO);

    /** Cases that take long, and those of slow chapters, each with a mutant that it is run against. */
    private static final Map<String, String> SLOW_CASES = Map.ofEntries(
            Map.entry("FLT-07", "M92"),
            Map.entry("FLT-20", "M92"),
            Map.entry("NST-14", "M80"),
            Map.entry("CAN-04b", "M99"),
            Map.entry("HYG-12", "M42"),
            Map.entry("LIF-16", "M42"),
            Map.entry("LIF-20", "M119"),
            Map.entry("ISO-01", "M90"),
            Map.entry("CCY-01", "M90"),
            Map.entry("CCY-02", "M90"),
            Map.entry("CCY-08", "M90"),
            Map.entry("CCY-09", "M90"),
            Map.entry("CCY-10", "M90"),
            Map.entry("STO-01", "M90"),
            Map.entry("STO-02", "M90"),
            Map.entry("STO-04", "M90"),
            Map.entry("ISO-09", "M95"),
            Map.entry("ISO-11", "M95"),
            Map.entry("STO-03", "M21"),
            Map.entry("ISO-02", "M90"),
            Map.entry("ISO-03", "M90"),
            Map.entry("ISO-04", "M90"),
            Map.entry("ISO-05", "M90"),
            Map.entry("ISO-06", "M104"),
            Map.entry("ISO-07", "M104"),
            Map.entry("ISO-08", "M104"),
            Map.entry("ISO-12", "M104"),
            Map.entry("ISO-13a", "M104"),
            Map.entry("ISO-13b", "M104"),
            Map.entry("ISO-14", "M104"),
            Map.entry("ISO-16", "M104"),
            Map.entry("ISO-17", "M104"),
            Map.entry("ISO-18", "M104"),
            Map.entry("ISO-19", "M104"),
            Map.entry("ISO-20", "M104"),
            Map.entry("ISO-21", "M104"),
            Map.entry("ISO-22", "M104"),
            Map.entry("ISO-23", "M104"),
            Map.entry("CCY-03", "M88"),
            Map.entry("CCY-05", "M91"),
            Map.entry("CCY-06", "M89"));

    private CoreCases() {}

    /** Those that must catch something. */
    static List<ConformanceCase> all() {
        return Conformance.cases().stream()
                .filter(one -> one.needs().equals(Needs.nothing()))
                .filter(one -> Stream.of(TELLING, ASKED_FOR, ELSEWHERE).noneMatch(some -> some.contains(one.id())))
                .toList();
    }

    /** Whether the matrix has a case run against a mutant. That a dialect in disguise is no service is known. */
    static boolean areRunAgainst(Mutant mutant, ConformanceCase one) {
        if (!one.needs().equals(Needs.nothing()) || one.id().equals("DCL-01")) {
            return false;
        }
        String only = SLOW_CASES.get(one.id());
        return only == null ? !SLOW.contains(one.chapter()) : only.equals(mutant.id());
    }
}
