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
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Runs a transaction again where its policy says so: from its start, on a fresh one, with nothing held while it waits. */
final class Attempts {
    private Attempts() {}

    /**
     * How one attempt ended.
     *
     * @param transaction it ran in
     * @param error what the caller is to be thrown; null to return the result
     */
    record Ended<T extends @Nullable Object>(
            Transaction transaction,
            T result,
            Outcome outcome,
            @Nullable Throwable error) {
        T orThrow() {
            if (error != null) {
                throw Thrown.as(error);
            }
            return result;
        }
    }

    @FunctionalInterface
    interface Attempt<T extends @Nullable Object> {
        Ended<T> run(int number);
    }

    /**
     * Runs attempts until one does well, or the policy or the deadline ends it.
     *
     * @param deadline by which the whole must be done; null for no limit
     */
    static <T extends @Nullable Object> T run(
            Engine engine, RetryPolicy policy, @Nullable Deadline deadline, Attempt<T> attempt) {
        long start = engine.now();
        Throwable earlier = null;
        for (int number = 1; ; number++) {
            Ended<T> ended = attempt.run(number);
            Throwable error = ended.error();
            if (error == null) {
                return ended.result();
            }
            if (earlier != null) {
                Thrown.suppress(error, earlier);
            }
            if (!again(engine, policy, deadline, number, ended, start)) {
                throw Thrown.as(error);
            }
            earlier = error;
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

    /** Waits for the next attempt, if there is to be one. */
    private static boolean again(
            Engine engine, RetryPolicy policy, @Nullable Deadline deadline, int number, Ended<?> ended, long start) {
        Throwable error = Objects.requireNonNull(ended.error());
        if (isSettledAlready(error)) {
            return false;
        }
        Failure failure = engine.failures.behind(error);
        long now = engine.now();
        Duration elapsed = Duration.ofNanos(now - start);
        if (failure == null
                || !(policy.decide(number, failure, ended.outcome(), elapsed, engine.jitter())
                        instanceof RetryPolicy.Decision.Again next)
                || (deadline != null && deadline.left(now) <= next.delay().toNanos())) {
            return false;
        }
        try {
            Transaction failed = ended.transaction();
            engine.tell(() -> new TxEvent.Retrying(
                    failed.id(), failed.prepared.options().label(), number, failure, next.delay()));
            policy.listener().onAttempt(number, failure, next.delay());
            engine.pause(next.delay());
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            Thrown.suppress(error, new TxStateException("Interrupted while waiting for the next attempt", e));
        } catch (RuntimeException e) {
            Thrown.suppress(error, e);
        }
        return false;
    }
}
