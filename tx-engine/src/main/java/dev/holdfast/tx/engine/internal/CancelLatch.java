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
    private boolean cutting;
    private boolean forGood;

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

    /** Whether the connection may be cut; {@link #endsCut} follows it then. Once. */
    synchronized boolean beginsCut() {
        cutting = !over;
        return cutting;
    }

    /** The connection was cut. */
    synchronized void endsCut() {
        cutting = false;
        notifyAll();
    }

    /** The execution is over: no cancel comes after this returned. */
    synchronized void over() {
        over = true;
        notifyAll();
        boolean interrupted = false;
        while ((cancelling || cutting) && !forGood) {
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

    /** As {@link #over}, but a cancel that is being made is not waited for. */
    synchronized void overForGood() {
        over = true;
        forGood = true;
        notifyAll();
    }

    synchronized boolean isOver() {
        return over;
    }
}
