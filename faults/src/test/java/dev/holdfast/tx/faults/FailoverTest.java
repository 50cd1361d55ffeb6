package dev.holdfast.tx.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.testkit.server.FailoverPair;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A primary dies under eight writers, and its replica takes over: short runs of what {@link Failover} does. */
class FailoverTest {
    private static final int TRANSFERS = 200;

    private static void overTakesNothingWithIt(FailoverPair pair, boolean waiting) throws Exception {
        try (pair) {
            FailoverRun.Result result = Failover.run(pair, waiting, TRANSFERS, 1);
            assertThat(result.isGood()).as(String.join("\n", result.lines())).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void postgres(boolean waiting) throws Exception {
        overTakesNothingWithIt(FailoverPair.postgres(18), waiting);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void mysql(boolean waiting) throws Exception {
        overTakesNothingWithIt(FailoverPair.mysql("9"), waiting);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void mariadb(boolean waiting) throws Exception {
        overTakesNothingWithIt(FailoverPair.mariadb("10.11"), waiting);
    }
}
