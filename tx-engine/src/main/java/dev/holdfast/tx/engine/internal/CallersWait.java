package dev.holdfast.tx.engine.internal;

import org.jspecify.annotations.Nullable;

/**
 * A wait of the calling thread that can be interrupted, from its making to {@link #over}: it is, when the caller is cancelled.
 * That interrupt hits nothing after it.
 */
final class CallersWait {
    private final Thread thread = Thread.currentThread();
    private final Caller.@Nullable Watch watch;

    // guarded by this
    private boolean over;
    private boolean interrupted;

    CallersWait(@Nullable Caller caller) {
        watch = caller == null ? null : caller.whenCancelled(this::cancelled);
    }

    private synchronized void cancelled() {
        if (!over) {
            interrupted = true;
            thread.interrupt();
        }
    }

    /** Ends it, by the thread that has waited; answers whether its caller was cancelled meanwhile. */
    boolean over() {
        if (watch == null) {
            return false;
        }
        watch.close();
        synchronized (this) {
            over = true;
            if (interrupted) {
                Thread.interrupted(); // the wait may have ended before it
            }
            return interrupted;
        }
    }
}
