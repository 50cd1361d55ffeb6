package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.TxTimeoutException;
import dev.holdfast.tx.TxTimeoutException.Limit;
import java.sql.SQLTimeoutException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The moment by which something must be done.
 *
 * @param at on the clock of {@link System#nanoTime}
 * @param limit which of the four limits it comes from
 * @param length how long that limit was
 */
record Deadline(long at, Limit limit, Duration length) {
    static Deadline after(long now, Limit limit, Duration length) {
        // Differences of moments on this clock must not overflow, whatever was asked for.
        return new Deadline(now + Math.min(length.toNanos(), Long.MAX_VALUE / 2), limit, length);
    }

    /** The sooner of two; null if there is neither. */
    static @Nullable Deadline sooner(@Nullable Deadline one, @Nullable Deadline other) {
        if (one == null || other == null) {
            return one == null ? other : one;
        }
        return one.at - other.at <= 0 ? one : other;
    }

    long left(long now) {
        return at - now;
    }

    boolean hasPassed(long now) {
        return left(now) <= 0;
    }

    /** What the caller is told when it passed before anything was sent. */
    TxTimeoutException expired(String doing, @Nullable String label) {
        return expired(doing, label, null);
    }

    /**
     * What the caller is told when it passed.
     *
     * @param failure the database error it showed as; null if none did
     */
    TxTimeoutException expired(String doing, @Nullable String label, @Nullable Failure failure) {
        String name = switch (limit) {
            case ACQUIRE -> "acquireTimeout";
            case LOCK -> "lockTimeout";
            case STATEMENT -> "statementTimeout";
            case WHOLE -> "wholeTimeout";
        };
        return new TxTimeoutException(
                doing + " took longer than its " + name + " of " + length,
                limit,
                length,
                failure,
                label,
                failure == null ? null : failure.error());
    }

    /** The same, as JDBC methods throw it. */
    SQLTimeoutException expiredInJdbc(String doing, @Nullable String label, @Nullable Failure failure) {
        TxTimeoutException expired = expired(doing, label, failure);
        return failure == null
                ? new SQLTimeoutException(expired.getMessage(), Refused.SQL_STATE, expired)
                : new SQLTimeoutException(expired.getMessage(), failure.sqlState(), failure.vendorCode(), expired);
    }
}
