package dev.holdfast.tx;

/** What a transaction that ran well ends with. */
public enum Completion {
    /** Commit. The default. */
    COMMIT,
    /** Roll back, and return normally: for dry runs. */
    ROLLBACK,
    /**
     * Roll back, and let the code inside believe it runs alone: roots started inside run as savepoints of this one.
     * For tests around application code.
     */
    FIXTURE
}
