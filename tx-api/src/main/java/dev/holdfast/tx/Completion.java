package dev.holdfast.tx;

/** What a transaction that ran well ends with. */
public enum Completion {
    /** Commit. The default. */
    COMMIT,
    /** Roll back, and return normally: for dry runs. */
    ROLLBACK,
    /**
     * Roll back, and let the code inside believe it runs alone: roots started inside by {@code transact} and
     * {@code execute} run as savepoints of this one, and {@link Transactor#begin} is refused. For tests around application
     * code.
     *
     * <p>What it does not hold: work in {@link Transactor#outside}, and on other threads, commits for good. Hooks fire at the
     * end of the fixture and are told that it was rolled back, so no afterCommit hook fires.
     */
    FIXTURE
}
