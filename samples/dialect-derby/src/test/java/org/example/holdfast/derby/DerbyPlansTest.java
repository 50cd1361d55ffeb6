package org.example.holdfast.derby;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Savepoints;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.testkit.GoldenPlans;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** What Derby receives, as a file that is read when it changes. */
class DerbyPlansTest {
    private final DerbyDialect dialect = new DerbyDialect();
    private final Profile profile = dialect.typicalProfile();
    private final GoldenPlans plans = GoldenPlans.file("derby");

    private void plan(String name, TxOptions options) {
        plans.plan(name, dialect, profile, options);
    }

    @Test
    void plans() {
        TxOptions none = TxOptions.none();
        plans.section(profile.server());
        plan("plain", none);
        plan("a level", TxOptions.of(Isolation.REPEATABLE_READ));
        plan("a stronger level", TxOptions.of(Isolation.SNAPSHOT).readOnly());
        plan("constraints", none.deferConstraints("parent"));
        plan("a limit on waiting", none.lockTimeout(Duration.ofMillis(300)));
        plan("a limit on all of it", none.wholeTimeout(Duration.ofMillis(300)));
        plans.lock("to update", dialect, profile, RowLock.forUpdate(), Wish.of(none));
        plans.lock("to update at once", dialect, profile, RowLock.forUpdate().noWait(), Wish.of(none));
        Savepoints savepoints = dialect.savepoints(profile);
        plans.entry("savepoints", () -> savepoints.set("a") + "\n" + savepoints.rollbackTo("a"));
        plans.verify();
    }
}
