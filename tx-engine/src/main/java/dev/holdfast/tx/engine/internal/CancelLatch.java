package dev.holdfast.tx.engine.internal;

import java.util.concurrent.TimeUnit;

/**
 * Between an execution and those who cancel it: a cancel is either not begun when the execution is over, or waited for. So
 * none hits what comes next.
 */
final class CancelLatch {
    // guarded by this
    private boolean over;
    private boolean cancelling;

    /** Whether a cancel may be made; {@link #ends} follows it then. By one thread at a time. */
    synchronized boolean begins() {
        cancelling = !over;
        return cancelling;
    }

    /** The cancel was made; returns after a pause, or when the execution is over if that is sooner. */
    synchronized void ends(long pauseMillis) {
        cancelling = false;
        notifyAll();
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(pauseMillis);
        try {
            while (!over) {
                long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
                if (left <= 0) {
                    return;
                }
                wait(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // which nobody does: the threads are the engine's
            over = true;
        }
    }

    /** The execution is over: no cancel comes after this returned. */
    synchronized void over() {
        over = true;
        notifyAll();
        boolean interrupted = false;
        while (cancelling) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    synchronized boolean isOver() {
        return over;
    }
}
