package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.TxStateException;

/** COMMIT was not sent, for its caller was cancelled just before. */
public final class CommitWithdrawn extends TxStateException {
    private static final long serialVersionUID = 1L;

    private CommitWithdrawn() {
        super("COMMIT was not sent, for its caller was cancelled");
    }

    /** Throws one if the caller of this thread is cancelled. */
    static void ifCancelled() {
        if (Current.isCallerCancelled()) {
            throw new CommitWithdrawn();
        }
    }
}
