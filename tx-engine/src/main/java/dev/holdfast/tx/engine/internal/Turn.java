package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.TxStateException;
import java.time.Duration;
import java.util.concurrent.locks.AbstractQueuedSynchronizer;
import org.jspecify.annotations.Nullable;

/**
 * One connection, one user at a time: who wants to use it takes the turn and gives it back. A reentrant lock in one
 * object; each transaction makes one. The state is how often its owner has taken it.
 *
 * <p>A nested scope that blocks its thread has the turn for its whole life. One that suspends has no thread to have it
 * with: it {@link #keepFor keeps} the connection, and whoever is not inside of it waits to use that.
 */
final class Turn extends AbstractQueuedSynchronizer {
    private static final long serialVersionUID = 1L;

    private final Duration patience;
    /** Made when there is somebody to wait; in turn. */
    private transient @Nullable ConditionObject freed;
    /** What has the connection to itself; null if nothing has. Written in turn. */
    private transient volatile @Nullable Unit keeper;

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
    protected boolean isHeldExclusively() {
        return getExclusiveOwnerThread() == Thread.currentThread();
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

    /**
     * As {@link #take}, for what sends something: also waits until no other nested scope keeps the connection.
     *
     * @throws TxStateException as {@link #take} does
     */
    void takeToUse() {
        take();
        if (isKeptFromCaller()) {
            awaitFreed();
        }
    }

    /**
     * Leaves the connection to a nested scope, or with null to all; in turn, by a caller that may use it.
     *
     * @return what kept it before
     */
    @Nullable
    Unit keepFor(@Nullable Unit unit) {
        Unit before = keeper;
        keeper = unit;
        if (freed != null) {
            freed.signalAll();
        }
        return before;
    }

    /** The unit in which a nested scope of the caller would be opened: what keeps the connection for it, or else this one. */
    Unit innermost(Unit unit) {
        Unit keeps = keeper;
        return keeps != null && Current.isInside(keeps) ? keeps : unit;
    }

    private boolean isKeptFromCaller() {
        Unit keeps = keeper;
        // who has it from before was let in then
        return keeps != null && getState() == 1 && !Current.isInside(keeps);
    }

    private void awaitFreed() {
        String why = "waited " + patience + " for it";
        CallersWait wait = new CallersWait(Current.caller());
        boolean interrupted = false;
        try {
            if (freed == null) {
                freed = new ConditionObject();
            }
            long left = patience.toNanos();
            while (left > 0 && isKeptFromCaller()) {
                left = freed.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            interrupted = true;
        }
        boolean cancelled = wait.over();
        if (interrupted) {
            why = interruptedWhile(cancelled, "it waited");
        } else if (!isKeptFromCaller()) {
            return;
        }
        giveBack();
        throw new TxStateException("The transaction is in use by a nested scope that is still open, and thread '"
                + Thread.currentThread().getName() + "', which is not inside of it, " + why
                + "; end nested scopes sooner, or do this inside");
    }

    /** Keeps an interrupt for later, unless it was ours, and says what came. */
    private static String interruptedWhile(boolean cancelled, String what) {
        if (cancelled) {
            return "was cancelled while " + what;
        }
        Thread.currentThread().interrupt();
        return "was interrupted while " + what;
    }

    private void await() {
        Thread owner = getExclusiveOwnerThread();
        CallersWait wait = new CallersWait(Current.caller());
        boolean taken = false;
        boolean interrupted = false;
        try {
            taken = tryAcquireNanos(1, patience.toNanos());
        } catch (InterruptedException e) {
            interrupted = true;
        }
        boolean cancelled = wait.over();
        if (!taken) {
            String why = interrupted
                    ? interruptedWhile(cancelled, "it waited for its turn")
                    : "waited " + patience + " for its turn";
            Thread now = getExclusiveOwnerThread();
            Thread keeps = now == null ? owner : now;
            TxStateException here = new TxStateException("The transaction is in use by thread "
                    + (keeps == null ? "(gone)" : "'" + keeps.getName() + "'") + ", and thread '"
                    + Thread.currentThread().getName() + "' " + why
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
