package dev.holdfast.tx;

/** What an error did to the transaction it happened in. */
public enum FailureEffect {
    /** The statement is undone, the transaction is open and may go on. */
    NONE,
    /** The transaction is aborted until it is rolled back, to a savepoint or as a whole. */
    SCOPE,
    /** The transaction is open but lost: only a rollback as a whole helps. */
    DOOMED,
    /** The server has ended the transaction already. */
    ENDED,
    /** The connection is gone, and the transaction with it. */
    LOST,
    /**
     * The error does not tell: driver or server must be asked, and without an answer the transaction counts as doomed. Said by
     * dialects; in a failure of a transaction the answer stands in its place.
     */
    ASK
}
