package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.TxStateException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/** One connection, one user at a time: who wants to use it takes the turn and gives it back. */
final class Turn extends ReentrantLock {
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

    /**
     * Takes it; again if the thread has it already.
     *
     * @throws TxStateException if another thread keeps it for too long, with the stacks of both
     */
    void take() {
        if (!tryLock()) {
            await();
        }
    }

    /** Takes it, or answers false if another thread keeps it for too long. */
    boolean tryTake() {
        try {
            take();
            return true;
        } catch (TxStateException kept) {
            return false;
        }
    }

    void giveBack() {
        unlock();
    }

    private void await() {
        Thread owner = getOwner();
        boolean taken = false;
        boolean interrupted = false;
        try {
            taken = tryLock(patience.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            interrupted = true;
            Thread.currentThread().interrupt();
        }
        if (!taken) {
            Thread keeps = getOwner() == null ? owner : getOwner();
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
