package dev.holdfast.tx;

import java.sql.Connection;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The handle of one scope in a transaction, good until the scope ends. What would reach the database or change the
 * transaction later raises {@link TxStateException}; {@link #options}, {@link #isActive}, {@link #isRollbackOnly} and
 * {@link #classify} still answer, and a data source that was taken earlier gives out no connection.
 *
 * <p>The scopes of one transaction share a connection. Any thread may use a handle, one at a time: another waits for its
 * turn, bounded, and then gets a {@link TxStateException} that shows both stacks. A savepoint scope keeps its turn until
 * it ends.
 */
public interface Tx extends ConnectionScope {
    /**
     * The guarded connection of this scope; the same object until it is closed. The transaction begins with the first
     * thing asked of it that needs the server.
     *
     * @throws TxStateException if the scope has ended
     */
    Connection connection();

    /**
     * Begins at once: takes the connection, and sends BEGIN and all pending savepoints.
     *
     * @return this
     * @throws TxException if there is no connection or the server refuses
     */
    Tx open();

    /** The options in force, inherited ones included. */
    TxOptions options();

    /** Whether the scope is open and its transaction not lost or ended by the server. */
    boolean isActive();

    /** Whether the innermost unit of this scope (its savepoint, or the root) will be rolled back whatever happens. */
    boolean isRollbackOnly();

    /**
     * Has the unit rolled back at its end. Called on the handle of the scope that owns the unit, the value of the body is
     * returned all the same; on that of a joined scope, the owner gets a {@link TxRolledBackException}.
     *
     * @param why told in the error that a joined scope's request raises
     */
    void setRollbackOnly(String why);

    /**
     * Runs the body in a savepoint, whatever the default propagation is: if it throws, what it did is undone and the
     * exception may be caught around this call.
     */
    <T extends @Nullable Object> T nested(TxBody<T> body);

    /** As {@link #nested}, without a result. */
    default void executeNested(TxAction action) {
        this.<@Nullable Object>nested(tx -> {
            action.apply(tx);
            return null;
        });
    }

    /**
     * Renders a select that locks its rows, for this database; sends nothing.
     *
     * <p>One template serves every database. <code>{table-lock}</code> stands right after each table, behind its alias;
     * <code>{table-lock:alias}</code> does so too, and lets the lock name the table ({@link RowLock#of}).
     * <code>{row-lock}</code> stands at the end of the same select, behind ORDER BY and the like. A select in brackets, as
     * that of a common table expression, that is to be locked has places of its own; there is none behind the name of such an
     * expression, whose rows many databases do not lock from outside. Whether rows of a table without a place
     * are locked too depends on the database.
     *
     * @param lock what to lock, and how to wait
     * @param template the select with these places
     * @return the select to prepare or execute as it is, in this transaction. What the lock asks for beyond the text, such as
     *     a limit on waiting that is a setting, is done for exactly this text: a changed one loses it. A comment at its end
     *     tells apart two locks of one transaction that are rendered alike
     * @throws IllegalArgumentException if a place is missing, misspelt, or not where every database has it, or the lock names
     *     a table that has none
     * @throws TxUnsupportedException if the database cannot lock like this
     */
    String lock(RowLock lock, String template);

    /** Makes a repository for this transaction. */
    default <R> R bind(Function<? super Tx, ? extends R> repository) {
        return repository.apply(this);
    }

    /**
     * Fires before COMMIT, inside the transaction, only if it is about to commit (or to be rolled back by
     * {@link TxOptions#forceRollback()}). Registered in a savepoint scope it fires at the root's end, unless the
     * savepoint was rolled back. If it throws, the transaction is rolled back and the caller gets the exception.
     */
    void beforeCommit(Hook hook);

    /**
     * Fires once the root is committed and its connection given back, with no ambient transaction. Hooks fire in the
     * order of registration, all of them; failures are collected in a {@link TxHookException}. A hook registered by a
     * hook fires in the same round.
     */
    void afterCommit(Hook hook);

    /** As {@link #afterCommit}, if the root, or the savepoint it was registered in, was rolled back. */
    void afterRollback(Hook hook);

    /**
     * As {@link #afterCommit}, however it ended.
     *
     * @param hook is told the outcome of the root, or of the savepoint it was registered in if that was rolled back
     */
    void afterCompletion(Consumer<? super Outcome> hook);
}
