package dev.holdfast.tx.engine.internal;

/** What a library holds back or remembers for a transaction, as an object mapper does: it must keep in step with savepoints. */
public interface HeldBack {
    /**
     * Sends what was held back: a savepoint is about to be opened, or its scope is about to end well. In the scope that it
     * belongs into.
     *
     * @throws Exception the scope that was to be opened or ended fails with it, and so does the unit that the work is of
     */
    void flush() throws Exception;

    /** Forgets what it remembers: a savepoint has ended, and what was done in it may be undone. */
    void forget();
}
