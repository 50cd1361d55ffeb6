package dev.holdfast.tx.testkit;

import dev.holdfast.tx.testkit.interleaving.Pace;
import java.util.List;
import java.util.stream.Stream;

/** The catalogue of cases. */
public final class Conformance {
    /** The version of the suite; reports say it. */
    public static final String VERSION = "0.1";

    /** The case whose notes are round trips by scenario. */
    public static final String ROUND_TRIPS = "LIF-20";

    private Conformance() {}

    /** All cases, chapter by chapter. */
    public static List<ConformanceCase> cases() {
        return Stream.of(
                        DeclarationCases.all(),
                        LifeCycleCases.all(),
                        EndingCases.all(),
                        RoundTripCases.all(),
                        TrapCases.all(),
                        ErrorCases.all(),
                        CancelCases.all(),
                        HygieneCases.all(),
                        SessionCases.all(),
                        TimeoutCases.all(),
                        SilenceCases.all(),
                        IdleCases.all(),
                        FaultCases.all(),
                        NestingCases.all(),
                        SavepointCases.all(),
                        NestedScopeCases.all(),
                        HookCases.all(),
                        RetryCases.all(),
                        UnknownCases.all(),
                        SettleCases.all(),
                        OptionCases.all(),
                        UnmanagedCases.all(),
                        ConstraintCases.all(),
                        ReadOnlyCases.all(),
                        ConcurrencyCases.all(),
                        FixtureCases.all(),
                        ScopeTreeCases.all(),
                        IsolationCases.all(),
                        StochasticCases.all(),
                        LockCases.all(),
                        LockWaitCases.all(),
                        LockFailureCases.all(),
                        LockStrengthCases.all(),
                        LockTemplateCases.all(),
                        LockLimitCases.all(),
                        ReplicaCases.all())
                .flatMap(List::stream)
                .toList();
    }

    /**
     * The isolation cases played at another pace: whatever the timing, they accuse nobody falsely.
     *
     * @param pace that all of them are played at
     */
    public static List<ConformanceCase> isolation(Pace pace) {
        return IsolationCases.all(pace);
    }
}
