package dev.holdfast.tx;

/** What a transaction that ran well ends with. */
public enum Completion {
    /** Commit. The default. */
    COMMIT,
    /** Roll back, and return normally: for dry runs. */
    ROLLBACK,
    /**
     * Roll back, and let the code inside believe it runs alone. For tests around application code; the testkit's rollback
     * fixture is built on it.
     *
     * <p>A root that is started inside, a SEPARATE one too, runs as a savepoint of this one. It has the transactor's
     * defaults and its own retries, is told that it was committed when the savepoint is released, and fires its own hooks
     * then. What is lent outside of a transaction runs as a savepoint as well, and {@link Transactor#outside} and hooks stay
     * inside. What cannot be had like this is told by a {@link TxEvent.Noted}, and {@link Transactor#begin} is refused.
     *
     * <p>What it does not hold is work on other threads, unless they are handed the handle: it is committed. Constraints that
     * are deferred to the commit are not checked.
     */
    FIXTURE
}
