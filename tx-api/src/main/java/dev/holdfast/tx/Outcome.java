package dev.holdfast.tx;

import org.jspecify.annotations.Nullable;

/** How a transaction ended: there are three answers and no fourth. */
public sealed interface Outcome {
    /** The server acknowledged the commit, or nothing was ever sent. */
    record Committed() implements Outcome {}

    /**
     * Nothing of the transaction is there.
     *
     * @param reason why it was rolled back
     * @param cause the error behind it; null when it was asked for
     */
    record RolledBack(Reason reason, @Nullable Throwable cause) implements Outcome {}

    /**
     * COMMIT was sent and its answer lost, or the transaction was ended by something else than Holdfast, such as DDL where
     * that commits: its work may be there or not.
     *
     * @param cause how the answer was lost, or what ended it
     */
    record Unknown(Throwable cause) implements Outcome {}

    /** Why a transaction was rolled back. New reasons may be added: always have a default. */
    enum Reason {
        /** The scope that owns it called {@link Tx#setRollbackOnly}, or its {@link UnmanagedTx} rolled back. */
        REQUESTED,
        /** {@link TxOptions#forceRollback()} was in force. */
        FORCED,
        /** The body threw. */
        BODY_FAILED,
        /** A scope that had joined failed, or asked for the rollback. */
        JOINED_SCOPE_FAILED,
        /** A beforeCommit hook threw. */
        HOOK_FAILED,
        /** A child scope was still open when the body ended. */
        CHILD_STILL_OPEN,
        /** The server aborted or ended it before COMMIT. */
        ENDED_BY_SERVER,
        /** The server answered COMMIT with an error; or the connection was lost, and nothing can have been committed. */
        COMMIT_REFUSED,
        /** The whole timeout expired. */
        TIMED_OUT
    }
}
