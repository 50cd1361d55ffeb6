package dev.holdfast.tx.testkit;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The cases as JUnit Jupiter tests: extend it, and say what is under test. */
public abstract class DialectConformance {
    /** For subclasses. */
    protected DialectConformance() {}

    /** What is under test; asked once for each case. */
    protected abstract DatabaseUnderTest database();

    /** The cases to run; all of them unless overridden. */
    protected List<ConformanceCase> cases() {
        return Conformance.cases();
    }

    @TestFactory
    Stream<DynamicNode> conformance() {
        DatabaseUnderTest database = database();
        return Conformance.applicable(database, cases()).stream()
                .map(one -> DynamicTest.dynamicTest(one.toString(), () -> one.run(database)));
    }
}
