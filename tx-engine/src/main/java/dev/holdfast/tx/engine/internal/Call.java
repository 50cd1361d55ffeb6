package dev.holdfast.tx.engine.internal;

import java.time.Duration;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** What was decided for one call: the brackets of its attempts, of which most calls make one. */
public final class Call {
    private final IntFunction<Bracket> brackets;
    private final @Nullable Attempts attempts;

    /**
     * A call.
     *
     * @param brackets makes the bracket of an attempt, by its number from 1
     * @param attempts decides whether there is another; null for one only
     */
    Call(IntFunction<Bracket> brackets, @Nullable Attempts attempts) {
        this.brackets = brackets;
        this.attempts = attempts;
    }

    /** The bracket of the attempt that is to be made. */
    public Bracket next() {
        return brackets.apply(attempts == null ? 1 : attempts.number());
    }

    /**
     * Looks at an attempt that failed.
     *
     * @param error what the caller is to be thrown if it was the last one; earlier ones are suppressed in it
     * @return how long to wait for the next attempt; null if there is none
     */
    public @Nullable Duration afterFailed(Bracket failed, Throwable error) {
        return attempts == null ? null : attempts.afterFailed(failed.scope().transaction, failed.outcome(), error);
    }

    /** As {@link #afterFailed}, and waits by blocking the thread; answers whether there is another attempt. */
    boolean isAgainAfter(Bracket failed, Throwable error) {
        Duration delay = afterFailed(failed, error);
        return attempts != null && delay != null && attempts.pause(delay, error);
    }
}
