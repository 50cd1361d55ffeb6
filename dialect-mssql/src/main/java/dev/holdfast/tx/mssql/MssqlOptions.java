package dev.holdfast.tx.mssql;

import dev.holdfast.tx.TxOption;

/** The transaction option that only SQL Server and Azure SQL have, for {@link dev.holdfast.tx.TxOptions#with}. */
public final class MssqlOptions {
    /**
     * Whether an error of a statement ends the whole transaction (T-SQL reference, SET XACT_ABORT). The server receives
     * {@code SET XACT_ABORT} with BEGIN, and what the session had before with COMMIT or ROLLBACK.
     *
     * <p>With {@code false}, the default of a session unless the server's {@code user options} say otherwise, most errors undo
     * their statement only: the transaction goes on, and a savepoint can be rolled back to. With {@code true} a unique
     * violation, a lock timeout, or a cancelled statement rolls everything back on the server at once, and its locks are
     * released even if the client is slow or gone. Then no savepoint survives a database error: a nested scope can fail by
     * an exception of its own and be survived, but not by an error of the server. Some errors, a deadlock among them, end
     * the transaction with either.
     */
    public static final TxOption<Boolean> XACT_ABORT = TxOption.of("mssql.xactAbort", Boolean.class);

    private MssqlOptions() {}
}
