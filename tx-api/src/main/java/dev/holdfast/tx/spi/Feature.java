package dev.holdfast.tx.spi;

/**
 * What a database may or may not be able to do. A feature is declared in the profile or refused in every plan; the
 * testkit checks both.
 */
public enum Feature {
    /** Savepoints. */
    SAVEPOINTS,
    /** Savepoints can be released. */
    SAVEPOINT_RELEASE,
    /** {@code READ_ONLY} refuses writes on the server. */
    READ_ONLY,
    /** A savepoint scope of a read-write transaction can be read-only. */
    READ_ONLY_SAVEPOINT,
    /** All deferrable constraints can be deferred. */
    DEFERRED_CONSTRAINTS,
    /** All deferrable constraints can be checked at once. */
    IMMEDIATE_CONSTRAINTS,
    /** Single constraints can be named. */
    NAMED_CONSTRAINTS,
    /** The begin mode can be chosen. */
    BEGIN_MODE,
    /** Waiting for locks can be limited for one transaction. */
    LOCK_TIMEOUT,
    /** Statements can be limited, by the server or by cancelling them. */
    STATEMENT_TIMEOUT,
    /** A lost commit can be settled. */
    VERIFIABLE,
    /** Row locks of strength UPDATE, or stronger ones in its place. */
    LOCK_UPDATE,
    /** Row locks of strength SHARE, or stronger ones in its place. */
    LOCK_SHARE,
    /** Row locks on some of the tables of a join. */
    LOCK_OF,
    /** Row locks that fail at once. */
    LOCK_NO_WAIT,
    /** Row locks that leave out what is locked. */
    LOCK_SKIP_LOCKED,
    /** Row locks that wait for a limited time. */
    LOCK_WAIT_AT_MOST,
    /** DDL is rolled back with its transaction. */
    TRANSACTIONAL_DDL,
    /** Only one transaction can write at a time, in the whole database. */
    SINGLE_WRITER,
    /** Servers that follow this one can be read from. */
    REPLICAS,
    /** Commits have positions, and a replica tells how far it has come. */
    CAUSAL_READS
}
