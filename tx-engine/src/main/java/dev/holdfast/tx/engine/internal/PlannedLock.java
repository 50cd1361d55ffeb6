package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.spi.LockPlan;

/**
 * A row lock that was rendered for a transaction.
 *
 * @param lock what was asked for
 * @param plan what the dialect answered
 */
record PlannedLock(RowLock lock, LockPlan plan) {
    /** Whether something is done for it, or its errors are read in its light. */
    boolean isWatched() {
        return !plan.before().isEmpty() || lock.waiting() != RowLock.Waiting.BLOCK;
    }

    /** Whether the same is done for both. */
    boolean isTreatedAs(PlannedLock other) {
        return lock.waiting() == other.lock.waiting()
                && plan.before().equals(other.plan.before())
                && plan.after().equals(other.plan.after());
    }
}
