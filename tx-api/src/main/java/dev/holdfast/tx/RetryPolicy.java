package dev.holdfast.tx;

import java.time.Duration;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * When a failed transaction is run again, from its start, on a fresh transaction. Only failures whose kind is
 * {@linkplain FailureKind#isTransient() transient} (or chosen by {@link #on}) are retried, never a transaction that is
 * committed or whose outcome is unknown. The connection is given back before the wait. Immutable.
 */
public final class RetryPolicy {
    /** Told before each new attempt; an exception it throws ends the retrying and is suppressed in the error. */
    @FunctionalInterface
    public interface AttemptListener {
        /**
         * Another attempt is about to wait and run.
         *
         * @param attempt the number of the attempt that failed, from 1
         * @param failure why it failed
         * @param delay how long the wait will be
         */
        void onAttempt(int attempt, Failure failure, Duration delay);
    }

    /** What to do after a failed attempt. */
    public sealed interface Decision {
        /**
         * Run again.
         *
         * @param delay after this wait
         */
        record Again(Duration delay) implements Decision {}

        /**
         * Raise the error.
         *
         * @param why for the event and the error
         */
        record GiveUp(String why) implements Decision {}
    }

    private final int attempts;
    private final Duration firstDelay;
    private final Duration longestDelay;
    private final @Nullable Duration deadline;
    private final Set<FailureKind> kinds;
    private final AttemptListener listener;

    private RetryPolicy(
            int attempts,
            Duration firstDelay,
            Duration longestDelay,
            @Nullable Duration deadline,
            Set<FailureKind> kinds,
            AttemptListener listener) {
        this.attempts = attempts;
        this.firstDelay = firstDelay;
        this.longestDelay = longestDelay;
        this.deadline = deadline;
        this.kinds = kinds;
        this.listener = listener;
    }

    /**
     * At most this many runs, the first included; waits of up to 20 ms doubling to 2 s, with full jitter.
     *
     * @throws IllegalArgumentException if fewer than one
     */
    public static RetryPolicy attempts(int attempts) {
        if (attempts < 1) {
            throw new IllegalArgumentException("A retry policy needs at least one attempt, not " + attempts);
        }
        EnumSet<FailureKind> kinds = EnumSet.noneOf(FailureKind.class);
        for (FailureKind kind : FailureKind.values()) {
            if (kind.isTransient()) {
                kinds.add(kind);
            }
        }
        return new RetryPolicy(
                attempts,
                Duration.ofMillis(20),
                Duration.ofSeconds(2),
                null,
                Collections.unmodifiableSet(kinds),
                (attempt, failure, delay) -> {});
    }

    /**
     * Waits a random time between zero and a bound that doubles with each attempt.
     *
     * @param first the bound after the first attempt
     * @param longest the bound that doubling stops at
     * @throws IllegalArgumentException unless {@code 0 < first <= longest}
     */
    public RetryPolicy backoff(Duration first, Duration longest) {
        Durations.requirePositive("backoff", first);
        Durations.requirePositive("backoff", longest);
        if (first.compareTo(longest) > 0) {
            throw new IllegalArgumentException("backoff: " + first + " is longer than " + longest);
        }
        return new RetryPolicy(attempts, first, longest, deadline, kinds, listener);
    }

    /** No new attempt starts later than this after the first one began. */
    public RetryPolicy deadline(Duration deadline) {
        return new RetryPolicy(
                attempts, firstDelay, longestDelay, Durations.requirePositive("deadline", deadline), kinds, listener);
    }

    /** Retries these kinds of failure and no others. */
    public RetryPolicy on(FailureKind first, FailureKind... more) {
        return new RetryPolicy(
                attempts,
                firstDelay,
                longestDelay,
                deadline,
                Collections.unmodifiableSet(EnumSet.of(first, more)),
                listener);
    }

    /** Tells this listener before each new attempt, on the thread that runs the transaction. */
    public RetryPolicy onAttempt(AttemptListener listener) {
        return new RetryPolicy(attempts, firstDelay, longestDelay, deadline, kinds, listener);
    }

    /** The listener that is told before each new attempt. */
    public AttemptListener listener() {
        return listener;
    }

    /**
     * Decides; a function of its arguments alone.
     *
     * @param attempt the number of the attempt that failed, from 1
     * @param failure why it failed; null if no database error is behind it
     * @param outcome how the attempt ended
     * @param elapsed since the first attempt began
     * @param jitter a random number in {@code [0, 1)}
     */
    public Decision decide(int attempt, @Nullable Failure failure, Outcome outcome, Duration elapsed, double jitter) {
        if (!(outcome instanceof Outcome.RolledBack)) {
            return new Decision.GiveUp("the outcome is " + outcome);
        }
        if (failure == null || !kinds.contains(failure.kind())) {
            return new Decision.GiveUp(failure == null ? "no database error" : failure.kind() + " is not retried");
        }
        if (attempt >= attempts) {
            return new Decision.GiveUp("all " + attempts + " attempts are used up");
        }
        long bound = longestDelay.toNanos();
        if (attempt < 32) {
            long doublings = 1L << (attempt - 1);
            long first = firstDelay.toNanos();
            bound = first > bound / doublings ? bound : first * doublings;
        }
        Duration delay = Duration.ofNanos((long) (bound * jitter));
        if (deadline != null && elapsed.plus(delay).compareTo(deadline) >= 0) {
            return new Decision.GiveUp("the deadline of " + deadline + " would pass before the next attempt");
        }
        return new Decision.Again(delay);
    }

    @Override
    public String toString() {
        return "up to " + attempts + " attempts on " + kinds + (deadline == null ? "" : " within " + deadline);
    }
}
