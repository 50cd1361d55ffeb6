package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.TxTimeoutException;
import dev.holdfast.tx.TxTimeoutException.Limit;
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
        return new Deadline(now + length.toNanos(), limit, length);
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

    TxTimeoutException expired(String doing, @Nullable String label, @Nullable Throwable cause) {
        String name = switch (limit) {
            case ACQUIRE -> "acquireTimeout";
            case LOCK -> "lockTimeout";
            case STATEMENT -> "statementTimeout";
            case WHOLE -> "wholeTimeout";
        };
        return new TxTimeoutException(
                doing + " took longer than its " + name + " of " + length, limit, length, label, cause);
    }
}
