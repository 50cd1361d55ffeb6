package dev.holdfast.tx.testkit;

import dev.holdfast.tx.spi.Feature;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** The catalogue of cases. */
public final class Conformance {
    private Conformance() {}

    /** All cases, chapter by chapter. */
    public static List<ConformanceCase> cases() {
        return Stream.of(
                        LifeCycleCases.all(),
                        TrapCases.all(),
                        SessionCases.all(),
                        TimeoutCases.all(),
                        FaultCases.all(),
                        NestingCases.all(),
                        SavepointCases.all(),
                        HookCases.all(),
                        RetryCases.all(),
                        OptionCases.all(),
                        UnmanagedCases.all(),
                        ScopeTreeCases.all())
                .flatMap(List::stream)
                .toList();
    }

    /** Those of the cases that say something about this database. */
    public static List<ConformanceCase> applicable(DatabaseUnderTest database, List<ConformanceCase> cases) {
        Set<Feature> features = database.dialect().typicalProfile().features();
        return cases.stream().filter(one -> features.containsAll(one.needs())).toList();
    }
}
