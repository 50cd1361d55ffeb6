package dev.holdfast.tx;

/** What an error that answers COMMIT says about the transaction. */
public enum CommitFate {
    /** Nothing of it is there. */
    ROLLED_BACK,
    /** It was refused and is still open, to be rolled back. */
    STILL_OPEN,
    /** It is committed all the same. */
    COMMITTED,
    /** It may be committed or not. */
    UNKNOWN
}
