package dev.holdfast.tx.testkit;

import dev.holdfast.tx.testkit.report.ReportFiles;
import java.sql.SQLException;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * The cases as JUnit Jupiter tests: extend it, and say what is under test. After the last case the report is written, see
 * {@link ReportFiles}. Where the database is not there, which {@link DatabaseUnderTest#sessions} tells by {@link Untested},
 * nothing is run and the report says so.
 */
public abstract class DialectConformance {
    /** For subclasses. */
    protected DialectConformance() {}

    /** What is under test; asked once for a run. */
    protected abstract DatabaseUnderTest database();

    /** The cases to run; all of them unless overridden. */
    protected List<ConformanceCase> cases() {
        return Conformance.cases();
    }

    @TestFactory
    Stream<DynamicNode> conformance() throws SQLException {
        DatabaseUnderTest database = database();
        Suite suite;
        try {
            suite = Suite.of(database, cases());
        } catch (Untested e) {
            String why = String.valueOf(e.getMessage());
            ReportFiles.notRun(database.name(), why, "JUnit");
            return Assumptions.abort(why);
        }
        return tests(suite);
    }

    private static Stream<DynamicNode> tests(Suite suite) {
        Map<Chapter, List<ConformanceCase>> chapters = suite.cases().stream()
                .collect(Collectors.groupingBy(
                        ConformanceCase::chapter, () -> new EnumMap<>(Chapter.class), Collectors.toList()));
        return chapters.entrySet().stream()
                .map(chapter -> DynamicContainer.dynamicContainer(
                        chapter.getKey() + " " + chapter.getKey().title(),
                        chapter.getValue().stream()
                                .map(one -> DynamicTest.dynamicTest(one.toString(), () -> show(suite, one)))))
                .map(DynamicNode.class::cast)
                .onClose(() -> ReportFiles.write(suite, "JUnit")); // JUnit closes it when the last one has run
    }

    private static void show(Suite suite, ConformanceCase one) {
        CaseResult result = suite.run(one);
        result.throwIfFailed();
        Assumptions.assumeTrue(
                result.verdict() != Verdict.INCONCLUSIVE && result.verdict() != Verdict.UNTESTED,
                () -> result.verdict() + ": " + result.detail());
    }
}
