package dev.holdfast.tx.testkit;

import java.util.List;
import java.util.stream.Stream;

/** Faults of the driver and of connections (FLT). */
final class FaultCases {
    private FaultCases() {}

    static List<ConformanceCase> all() {
        return List.of(ConformanceCase.of(
                "FLT-20",
                "whichever call fails, nothing leaks, no session is given back dirty, and the caller is told the truth",
                run -> {
                    FaultTable table = new FaultTable(run);
                    table.play(Stream.concat(FaultScenarios.common().stream(), run.database().faultScenarios().stream())
                            .toList());
                    System.out.println(table);
                }));
    }
}
