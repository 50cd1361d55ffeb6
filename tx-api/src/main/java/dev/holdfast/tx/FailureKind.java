package dev.holdfast.tx;

/** What went wrong, in words that hold for every database. New kinds may be added: always have a default. */
public enum FailureKind {
    /** The transaction conflicts with a concurrent one; run again, it may succeed. */
    SERIALIZATION(true),
    /** The transaction was chosen as the victim of a deadlock; run again, it may succeed. */
    DEADLOCK(true),
    /** A lock was not had within the limit. */
    LOCK_TIMEOUT(true),
    /** A lock was not free, and waiting was not wanted. */
    LOCK_NOT_AVAILABLE(false),
    /** A unique or primary key constraint. */
    UNIQUE(false),
    /** A foreign key constraint. */
    FOREIGN_KEY(false),
    /** A check constraint. */
    CHECK(false),
    /** A column that must not be null. */
    NOT_NULL(false),
    /** An exclusion constraint. */
    EXCLUSION(false),
    /** A value that does not fit: too long, out of range, not of the type. */
    DATA(false),
    /** A write where only reads are allowed: in a read-only transaction or on a read-only server. */
    READ_ONLY(false),
    /**
     * A write reached a server that takes none at the time, though the transaction may write: a standby, or a primary that
     * was demoted. Another connection may reach the one that does; this one is thrown away.
     */
    NOT_PRIMARY(true),
    /** The transaction was aborted by an earlier error. */
    TX_ABORTED(false),
    /** A transaction statement that does not fit the state of the transaction. */
    TX_STATE(false),
    /** A statement ran longer than its limit. */
    STATEMENT_TIMEOUT(false),
    /** The transaction lived, or idled, longer than its limit. */
    TX_TIMEOUT(false),
    /** A statement was cancelled by request. */
    CANCELLED(false),
    /** The connection is gone, or could not be made. */
    CONNECTION_LOST(true),
    /** The server is stopping, starting, or ended the session. */
    SERVER_SHUTDOWN(true),
    /** Neither the pool nor the server has a connection to give. */
    TOO_MANY_CONNECTIONS(true),
    /** Memory, disk or lock table is exhausted. */
    RESOURCES(false),
    /** The server cannot do this at all. */
    UNSUPPORTED(false),
    /** The statement is malformed, or names what does not exist. */
    SYNTAX(false),
    /** The user may not do this. */
    PERMISSION(false),
    /** None of the above, or unknown. */
    OTHER(false);

    private final boolean isTransient;

    FailureKind(boolean isTransient) {
        this.isTransient = isTransient;
    }

    /** Whether the same transaction, run again from its start, may well succeed. */
    public boolean isTransient() {
        return isTransient;
    }
}
