package dev.holdfast.tx.testkit;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Waits for what can only be asked for. What asking raises is raised at once. */
final class Await {
    private static final long PAUSE_NANOS = 100_000;

    private Await() {}

    /** Asks again and again; whether it came to be so in time. */
    static boolean within(Duration bound, Callable<Boolean> condition) throws Exception {
        long end = System.nanoTime() + bound.toNanos();
        while (!condition.call()) {
            if (System.nanoTime() - end > 0) {
                return false;
            }
            LockSupport.parkNanos(PAUSE_NANOS); // what is waited for needs a processor too
        }
        return true;
    }

    /** Whether a thread has begun and waits. */
    static boolean waits(@Nullable Thread thread) {
        return thread != null
                && (thread.getState() == Thread.State.WAITING || thread.getState() == Thread.State.TIMED_WAITING);
    }

    /**
     * What a case needs before it can show anything comes within the bound of a step.
     *
     * @throws Inconclusive if it does not
     */
    static void met(String what, Callable<Boolean> condition) throws Exception {
        if (!within(Patience.step(), condition)) {
            throw new Inconclusive("it was waited too long until " + what);
        }
    }

    /**
     * What a case shows comes within the bound of a step.
     *
     * @throws AssertionError if it does not
     */
    static void shown(String what, Callable<Boolean> condition) throws Exception {
        if (!within(Patience.step(), condition)) {
            throw new AssertionError("In vain: " + what);
        }
    }
}
