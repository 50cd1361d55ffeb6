package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.TxStateException;
import java.time.Duration;
import java.util.concurrent.locks.AbstractQueuedSynchronizer;

/**
 * One connection, one user at a time: who wants to use it takes the turn and gives it back. A reentrant lock in one
 * object; each transaction makes one. The state is how often its owner has taken it.
 */
final class Turn extends AbstractQueuedSynchronizer {
    private static final long serialVersionUID = 1L;

    private final Duration patience;

    /**
     * A turn.
     *
     * @param patience how long another thread waits for it
     */
    Turn(Duration patience) {
        this.patience = patience;
    }

    @Override
    protected boolean tryAcquire(int once) {
        Thread me = Thread.currentThread();
        int taken = getState();
        if (taken == 0) {
            if (compareAndSetState(0, once)) {
                setExclusiveOwnerThread(me);
                return true;
            }
        } else if (getExclusiveOwnerThread() == me) {
            setState(taken + once);
            return true;
        }
        return false;
    }

    @Override
    protected boolean tryRelease(int once) {
        if (getExclusiveOwnerThread() != Thread.currentThread()) {
            throw new IllegalMonitorStateException("The turn is not this thread's to give back");
        }
        int left = getState() - once;
        if (left == 0) {
            setExclusiveOwnerThread(null);
        }
        setState(left);
        return left == 0;
    }

    /**
     * Takes it; again if the thread has it already.
     *
     * @throws TxStateException if another thread keeps it for too long, with the stacks of both
     */
    void take() {
        if (!tryAcquire(1)) {
            await();
        }
    }

    /** Takes it, or answers false if another thread keeps it for too long; an interrupt is kept for later. */
    boolean tryTake() {
        if (tryAcquire(1)) {
            return true;
        }
        long end = System.nanoTime() + patience.toNanos();
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return tryAcquireNanos(1, end - System.nanoTime());
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    void giveBack() {
        release(1);
    }

    private void await() {
        Thread owner = getExclusiveOwnerThread();
        boolean taken = false;
        boolean interrupted = false;
        try {
            taken = tryAcquireNanos(1, patience.toNanos());
        } catch (InterruptedException e) {
            interrupted = true;
            Thread.currentThread().interrupt();
        }
        if (!taken) {
            Thread now = getExclusiveOwnerThread();
            Thread keeps = now == null ? owner : now;
            TxStateException here = new TxStateException("The transaction is in use by thread "
                    + (keeps == null ? "(gone)" : "'" + keeps.getName() + "'") + ", and thread '"
                    + Thread.currentThread().getName() + "' "
                    + (interrupted
                            ? "was interrupted while it waited for its turn"
                            : "waited " + patience + " for its turn")
                    + "; use a transaction from one thread at a time, or end nested scopes sooner");
            if (keeps != null) {
                Throwable there = new Throwable("what thread '" + keeps.getName() + "' is doing");
                there.setStackTrace(keeps.getStackTrace());
                here.addSuppressed(there);
            }
            throw here;
        }
    }
}
