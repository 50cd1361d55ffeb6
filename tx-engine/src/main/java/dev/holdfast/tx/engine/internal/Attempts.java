package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxHookException;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.TxStateException;
import java.time.Duration;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Decides whether a transaction is run again where its policy says so: from its start, on a fresh one, with nothing held while it
 * waits. Of one call; not for sharing between threads.
 */
final class Attempts {
    private final Engine engine;
    private final RetryPolicy policy;
    private final @Nullable Deadline deadline;
    private final long start;
    private int number = 1;
    private @Nullable Throwable earlier;

    /**
     * Attempts that begin now.
     *
     * @param deadline by which the whole must be done; null for no limit
     */
    Attempts(Engine engine, RetryPolicy policy, @Nullable Deadline deadline) {
        this.engine = engine;
        this.policy = policy;
        this.deadline = deadline;
        this.start = engine.now();
    }

    /** The number of the attempt that is made now, from 1. */
    int number() {
        return number;
    }

    /**
     * Looks at an attempt that failed.
     *
     * @param error what the caller is to be thrown if it was the last one; earlier ones are suppressed in it
     * @return how long to wait for the next attempt; null if there is none
     */
    @Nullable
    Duration afterFailed(Transaction failed, @Nullable Outcome outcome, Throwable error) {
        if (earlier != null) {
            Thrown.suppress(error, earlier);
        }
        earlier = error;
        if (outcome == null || isSettledAlready(error)) {
            return null;
        }
        Failure failure = engine.failures.behind(error);
        long now = engine.now();
        Duration elapsed = Duration.ofNanos(now - start);
        if (failure == null
                || !(policy.decide(number, failure, outcome, elapsed, engine.jitter())
                        instanceof RetryPolicy.Decision.Again next)
                || (deadline != null && deadline.left(now) <= next.delay().toNanos())) {
            return null;
        }
        try {
            int made = number;
            engine.tell(() ->
                    new TxEvent.Retrying(failed.id(), failed.prepared.options().label(), made, failure, next.delay()));
            policy.listener().onAttempt(number, failure, next.delay());
        } catch (RuntimeException e) {
            Thrown.suppress(error, e);
            return null;
        }
        number++;
        return next.delay();
    }

    /**
     * Waits for the next attempt by blocking the thread.
     *
     * @return whether the time has passed; if the thread was interrupted, that is suppressed in the error
     */
    boolean pause(Duration delay, Throwable error) {
        try {
            engine.pause(delay);
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            Thrown.suppress(error, new TxStateException("Interrupted while waiting for the next attempt", e));
            return false;
        }
    }

    /**
     * Whether an error says that some of the work may be there, or is: a commit inside that is unknown, or hooks that failed
     * after an end. Whatever else is behind it, running again could do that work twice.
     */
    private static boolean isSettledAlready(Throwable error) {
        Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        for (Throwable cause = error; cause != null && seen.add(cause); cause = cause.getCause()) {
            if (cause instanceof TxOutcomeUnknownException || cause instanceof TxHookException) {
                return true;
            }
        }
        return false;
    }
}
