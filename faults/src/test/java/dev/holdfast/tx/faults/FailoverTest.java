package dev.holdfast.tx.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.testkit.server.FailoverPair;
import org.junit.jupiter.api.Test;

/** A primary dies under eight writers, and its replica takes over: short runs of what {@link Failover} does. */
class FailoverTest {
    private static final int TRANSFERS = 200;

    private static void overTakesNothingWithIt(FailoverPair pair) throws Exception {
        try (pair) {
            FailoverRun.Result result = Failover.run(pair, TRANSFERS, 1);
            assertThat(result.isGood()).as(String.join("\n", result.lines())).isTrue();
        }
    }

    @Test
    void postgres() throws Exception {
        overTakesNothingWithIt(FailoverPair.postgres(18));
    }

    @Test
    void mysql() throws Exception {
        overTakesNothingWithIt(FailoverPair.mysql("9"));
    }

    @Test
    void mariadb() throws Exception {
        overTakesNothingWithIt(FailoverPair.mariadb("10.11"));
    }
}
