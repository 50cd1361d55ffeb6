package dev.holdfast.tx.engine.internal;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The row locks of a transaction, by the text that asks for them: what is to be done for a lock is known by its text alone.
 * Guarded by the transaction's turn.
 */
final class PlannedLocks {
    /** Made when there is one. */
    private @Nullable Map<String, PlannedLock> bySql;

    /**
     * Plans what is done when a text is executed.
     *
     * @param sql as it was rendered
     * @return the text to execute: marked by a comment where another lock has this one
     */
    String plan(String sql, PlannedLock lock) {
        if (bySql == null) {
            bySql = new HashMap<>();
        }
        String text = sql;
        for (int number = 2; ; number++) {
            PlannedLock planned = bySql.putIfAbsent(text, lock);
            if (planned == null || planned.isTreatedAs(lock)) {
                return text;
            }
            text = sql + " /* lock " + number + " */";
        }
    }

    /** What is watched over when this text is executed; null if nothing is. */
    @Nullable
    PlannedLock planned(@Nullable String sql) {
        PlannedLock lock = bySql == null || sql == null ? null : bySql.get(sql);
        return lock != null && lock.isWatched() ? lock : null;
    }
}
