package dev.holdfast.tx.testkit;

import java.util.ArrayList;
import java.util.List;

/** Faults of the driver and of connections (FLT). */
final class FaultCases {
    private FaultCases() {}

    static List<ConformanceCase> all() {
        return List.of(
                ConformanceCase.of(
                        "FLT-07",
                        "a begin that fails at any step leaves the session as found, or its connection is thrown away",
                        run -> FaultTable.play(run, FaultScenarios.begins())),
                ConformanceCase.of(
                        "FLT-20",
                        "whichever call fails, nothing leaks, no session goes back dirty, and the caller is told the truth",
                        run -> {
                            List<FaultScenario> all = new ArrayList<>(FaultScenarios.common());
                            all.addAll(run.database().faultScenarios());
                            System.out.println(FaultTable.play(run, all));
                        }));
    }
}
