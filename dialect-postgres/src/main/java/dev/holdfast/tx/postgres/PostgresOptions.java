package dev.holdfast.tx.postgres;

import dev.holdfast.tx.TxOption;

/**
 * The transaction options that only PostgreSQL has, for {@link dev.holdfast.tx.TxOptions#with}. Each lasts as long as its
 * transaction. CockroachDB and YugabyteDB refuse them.
 */
public final class PostgresOptions {
    /**
     * Whether a serializable, read-only transaction waits for a snapshot in which it can neither fail with a serialization
     * failure nor cause one: the best choice for long reports and backups (PostgreSQL manual, SET TRANSACTION).
     *
     * <p>The server receives {@code SET TRANSACTION … DEFERRABLE}. Its first query may take until every concurrent
     * serializable read-write transaction has ended, and then no more than at REPEATABLE READ. PostgreSQL ignores the word
     * in other transactions, so {@code true} is refused unless SERIALIZABLE and READ_ONLY are asked for as well.
     */
    public static final TxOption<Boolean> DEFERRABLE = TxOption.of("postgres.deferrable", Boolean.class);

    /**
     * What COMMIT waits for. The server receives {@code SET LOCAL synchronous_commit}; see {@link SynchronousCommit} for what
     * each value may lose.
     */
    public static final TxOption<SynchronousCommit> SYNCHRONOUS_COMMIT =
            TxOption.of("postgres.synchronousCommit", SynchronousCommit.class);

    /**
     * Whether the label is the name of the application while the transaction runs, for {@code pg_stat_activity} and the
     * server's log ({@code %a}). The server receives {@code SET LOCAL application_name} together with the other options: with
     * none of them, a labelled transaction costs one round trip more. One without a label sends nothing. What is no ASCII letter,
     * digit, blank or one of {@code _.:/+-} is shown as {@code _}, and 63 characters at most.
     */
    public static final TxOption<Boolean> LABEL_AS_APPLICATION_NAME =
            TxOption.of("postgres.labelAsApplicationName", Boolean.class);

    private PostgresOptions() {}

    /** What has to happen before COMMIT is acknowledged (PostgreSQL manual, Write Ahead Log, synchronous_commit). */
    public enum SynchronousCommit {
        /** Nothing: a crash of the server may lose the last commits, but never breaks the database. */
        OFF,
        /** The commit is on the server's own disk. */
        LOCAL,
        /** Synchronous standbys have received it: it survives unless they crash at the same time. */
        REMOTE_WRITE,
        /** Synchronous standbys have it on disk. */
        ON,
        /** Synchronous standbys have replayed it: whoever reads there sees it. */
        REMOTE_APPLY
    }
}
