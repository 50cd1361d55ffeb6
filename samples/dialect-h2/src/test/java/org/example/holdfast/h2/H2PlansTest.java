package org.example.holdfast.h2;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.testkit.GoldenPlans;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** What H2 receives, as a file that is read when it changes. */
class H2PlansTest {
    private final H2Dialect dialect = new H2Dialect();
    private final Profile profile = dialect.typicalProfile();
    private final GoldenPlans plans = GoldenPlans.file("h2");

    private void plan(String name, TxOptions options) {
        plans.plan(name, dialect, profile, options);
    }

    private void lock(String name, RowLock lock) {
        plans.lock(name, dialect, profile, lock, Wish.of(TxOptions.none()));
    }

    @Test
    void plans() {
        TxOptions none = TxOptions.none();
        plans.section(profile.server());
        plan("plain", none);
        plan("a level", TxOptions.of(Isolation.SNAPSHOT));
        plan("a stronger level", TxOptions.of(Isolation.REPEATABLE_READ));
        plan("a level that cannot be had", TxOptions.of(Isolation.SERIALIZABLE));
        plan("a limit on waiting", none.lockTimeout(Duration.ofMillis(300)));
        plan("a limit on work", none.statementTimeout(Duration.ofMillis(300)));
        plan("read-only", none.readOnly());
        lock("to update", RowLock.forUpdate());
        lock("to update, for a while", RowLock.forUpdate().waitAtMost(Duration.ofMillis(300)));
        lock("to share one of two", RowLock.forShare().of("a").skipLocked());
        plans.verify();
    }
}
