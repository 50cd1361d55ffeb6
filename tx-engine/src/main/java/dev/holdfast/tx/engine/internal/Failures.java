package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Wish;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Finds the database error behind any error. The same code means different things at different moments, so the errors
 * that the engine saw happen are remembered for a while, as they were classified then.
 */
final class Failures {
    private static final int REMEMBERED = 64;

    private final Server server;
    private final Deque<Failure> recent = new ArrayDeque<>(REMEMBERED);

    Failures(Server server) {
        this.server = server;
    }

    /** Keeps a failure as it was classified when it happened, or later by who knew more. */
    void remember(Failure failure) {
        synchronized (recent) {
            recent.removeIf(known -> known.error() == failure.error());
            if (recent.size() == REMEMBERED) {
                recent.removeFirst();
            }
            recent.addLast(failure);
        }
    }

    private @Nullable Failure recalled(Throwable error) {
        if (error instanceof AnsweredLate late) {
            return late.failure();
        }
        synchronized (recent) {
            for (Failure failure : recent) {
                if (failure.error() == error) {
                    return failure;
                }
            }
        }
        return null;
    }

    /** The failure behind an error: the outermost one that is known, else the innermost database error in its causes. */
    @Nullable
    Failure behind(Throwable error) {
        Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        SQLException innermost = null;
        for (Throwable cause = error; cause != null && seen.add(cause); cause = cause.getCause()) {
            if (cause instanceof TxException ours && ours.failure() != null) {
                return ours.failure();
            }
            if (cause instanceof SQLException sql) {
                Failure known = recalled(sql);
                if (known != null) {
                    return known;
                }
                if (!Refused.SQL_STATE.equals(sql.getSQLState()) || innermost == null) {
                    innermost = sql;
                }
            }
        }
        return innermost == null
                ? null
                : server.dialect.classify(
                        innermost, Moment.of(Moment.Phase.OUTSIDE, Wish.of(TxOptions.none())), server.profile);
    }
}
