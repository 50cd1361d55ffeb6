package dev.holdfast.tx.engine.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.spi.LockPlan;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Step;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class PlannedLocksTest {
    private static final String SQL = "select id from job FOR UPDATE";

    private final PlannedLocks locks = new PlannedLocks();

    private static PlannedLock plain() {
        return new PlannedLock(RowLock.forUpdate(), LockPlan.atEnd("FOR UPDATE", List.of()));
    }

    private static PlannedLock limited(int seconds) {
        LockPlan plan = new LockPlan(
                "",
                "FOR UPDATE",
                Message.each(Step.sql("SET wait = " + seconds)),
                Message.each(Step.sql("SET wait = 50")),
                List.of());
        return new PlannedLock(RowLock.forUpdate().waitAtMost(Duration.ofSeconds(seconds)), plan);
    }

    @Test
    void locks_that_are_rendered_alike_are_told_apart() {
        String unlimited = locks.plan(SQL, plain());
        String one = locks.plan(SQL, limited(1));
        String thirty = locks.plan(SQL, limited(30));
        assertThat(List.of(unlimited, one, thirty)).containsExactly(SQL, SQL + " /* lock 2 */", SQL + " /* lock 3 */");
        assertThat(locks.planned(unlimited)).isNull();
        assertThat(locks.planned(one)).isEqualTo(limited(1));
        assertThat(locks.planned(thirty)).isEqualTo(limited(30));
    }

    @Test
    void a_lock_without_a_limit_after_one_with_a_limit_has_none() {
        String one = locks.plan(SQL, limited(1));
        String unlimited = locks.plan(SQL, plain());
        assertThat(one).isEqualTo(SQL);
        assertThat(locks.planned(unlimited)).isNull();
        assertThat(locks.planned(one)).isEqualTo(limited(1));
    }

    @Test
    void the_same_lock_has_the_same_text_again() {
        assertThat(locks.plan(SQL, limited(1))).isEqualTo(SQL);
        assertThat(locks.plan(SQL, limited(30))).isEqualTo(locks.plan(SQL, limited(30)));
        assertThat(locks.plan(SQL, limited(1))).isEqualTo(SQL);
    }
}
