package dev.holdfast.tx.engine.internal;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;

/** Whose connection a guard is on: a scope of a transaction, or a loan outside of one. */
interface ConnectionUse {
    /**
     * Comes before each call of the driver: takes the turn, refuses what cannot be, and opens what is not open yet.
     *
     * @throws SQLException if the call must not be made; the turn is given back then
     */
    void enter() throws SQLException;

    /**
     * Takes the turn and looks at nothing: for what is done to views and statements, open or not.
     *
     * @throws SQLException if another thread keeps it; the turn is given back by {@link #exit}
     */
    void takeTurn() throws SQLException;

    /** Gives the turn back. */
    void exit();

    /** The pool's connection; between {@link #enter} and {@link #exit} only. */
    Connection raw();

    /** The lease it is on; between {@link #enter} and {@link #exit} only. */
    Lease lease();

    /**
     * Looks at what a call of the driver threw.
     *
     * @param rowsOf the lock of the statement whose rows were read; null if there is none
     * @return what to throw
     */
    SQLException failed(Throwable error, @Nullable Execution execution, @Nullable PlannedLock rowsOf);

    /**
     * A statement is about to be executed.
     *
     * @return what is watched over; null if nothing is
     */
    @Nullable
    Execution executing(Statement statement, @Nullable String sql) throws SQLException;

    /** The text of a caller's statement, as it is sent. */
    default String sent(String sql) {
        return sql;
    }

    /** Cancels what a statement is executing, not in turn. */
    default void cancel(Statement running) throws SQLException {
        server().dialect.port().cancel(running);
    }

    /** A statement was executed. */
    void executed(@Nullable Execution execution) throws SQLException;

    /**
     * A statement was answered well, though its caller has cancelled it.
     *
     * @throws SQLException where it counts as cancelled
     */
    default void answeredThoughCancelled() throws SQLException {}

    /** The caller is about to get the driver's own connection; between {@link #enter} and {@link #exit} only. */
    void escaping() throws SQLException;

    /** Where the connection leads. */
    Server server();

    /** Whether connections can still be had from it. */
    boolean isOpen();

    /** Answers of connections in this use, without asking the driver. */
    Facts facts();

    /** A view was closed by its holder. */
    void closed(GuardedConnection view) throws SQLException;

    /**
     * What a connection says of itself.
     *
     * @param autocommit outside of a transaction
     * @param readOnly as asked for; null where the driver is to be asked
     * @param isolation of {@link Connection}; null where the driver is to be asked
     */
    record Facts(
            boolean autocommit,
            @Nullable Boolean readOnly,
            @Nullable Integer isolation) {}
}
