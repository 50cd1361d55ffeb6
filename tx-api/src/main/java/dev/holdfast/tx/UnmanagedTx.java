package dev.holdfast.tx;

/**
 * A transaction that the caller ends. Closing it without a commit rolls it back.
 *
 * <p>It may be handed from thread to thread; it ends once, and what is asked of it afterwards raises
 * {@link TxStateException}, but for {@link #close()}.
 */
public interface UnmanagedTx extends Tx, AutoCloseable {
    /**
     * Commits, gives the connection back and fires the hooks.
     *
     * @throws TxRolledBackException if the transaction had to be rolled back, for being rollback-only or by the server
     * @throws TxOutcomeUnknownException if COMMIT was sent and its answer lost
     * @throws TxTimeoutException if the whole timeout expired; it is rolled back
     * @throws TxHookException if a hook after the end failed
     * @throws TxStateException if the transaction has ended already
     */
    void commit();

    /**
     * Rolls back, gives the connection back and fires the hooks.
     *
     * @throws TxHookException if a hook after the end failed
     * @throws TxStateException if the transaction has ended already
     */
    void rollback();

    /**
     * Rolls back if the transaction has not ended; otherwise does nothing.
     *
     * @throws TxHookException if a hook after the end failed
     */
    @Override
    void close();
}
