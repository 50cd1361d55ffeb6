package dev.holdfast.tx;

import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * A database or a transaction: the type that helpers take so that they work with both.
 *
 * <p>Connections handed out are guarded views. Each can be closed by itself, and closing one ends nothing else. They
 * refuse {@code commit}, {@code rollback}, {@code setAutoCommit(true)}, JDBC savepoints, and statements whose first word
 * is one of {@code BEGIN}, {@code COMMIT}, {@code ROLLBACK} and the like; settings made through them (schema, catalog,
 * network timeout, client info, holdability, type map) are undone before the connection is given back. What they throw
 * is always an {@link java.sql.SQLException}. {@code unwrap} is allowed; the state of the connection is then verified
 * at the end, and the connection evicted where that cannot be done.
 */
public interface ConnectionScope {
    /**
     * Lends a connection: the transaction's, where one is running and ambient transactions are on or this is a
     * {@link Tx}; else one from the pool, on autocommit for the time of the loan.
     *
     * @param body what to do with it
     * @return what the body returned
     */
    <T extends @Nullable Object> T withConnection(ConnectionBody<T> body);

    /**
     * This scope as a data source, for libraries that take one. Each connection it hands out must be closed; inside a
     * transaction it is a view of the transaction's connection, otherwise one from the pool on autocommit.
     */
    DataSource asDataSource();

    /**
     * Runs the body in a transaction: commits when it returns, rolls back when it throws.
     *
     * @param body the work; called again for each attempt where a retry policy is in force
     * @return what the body returned, once the commit was acknowledged or a rollback asked for by this scope was made
     * @throws TxRolledBackException if the body returned but the transaction had to be rolled back
     * @throws TxOutcomeUnknownException if COMMIT was sent and its answer lost
     * @throws TxRejectedException if the options do not fit the running transaction
     * @throws TxUnsupportedException if the database cannot do what was asked for; nothing was sent
     * @throws TxTimeoutException if the whole timeout expired
     * @throws TxHookException if a hook after the end failed
     */
    default <T extends @Nullable Object> T transact(TxBody<T> body) {
        return transact(TxOptions.none(), body);
    }

    /**
     * As {@link #transact(TxBody)}, with options.
     *
     * @param options what the transaction must be
     */
    <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body);

    /** As {@link #transact(TxBody)}, without a result. */
    default void execute(TxAction body) {
        execute(TxOptions.none(), body);
    }

    /** As {@link #transact(TxOptions, TxBody)}, without a result. */
    default void execute(TxOptions options, TxAction body) {
        this.<@Nullable Object>transact(options, tx -> {
            body.apply(tx);
            return null;
        });
    }

    /**
     * As {@link #transact(TxBody)}, for Java callers who want the checked exception of the body declared.
     *
     * @throws X what the body throws, the same object
     */
    default <T extends @Nullable Object, X extends Exception> T transactChecked(CheckedBody<T, X> body) throws X {
        return transactChecked(TxOptions.none(), body);
    }

    /**
     * As {@link #transactChecked(CheckedBody)}, with options.
     *
     * @throws X what the body throws, the same object
     */
    default <T extends @Nullable Object, X extends Exception> T transactChecked(
            TxOptions options, CheckedBody<T, X> body) throws X {
        return transact(options, body::apply);
    }

    /**
     * Says in portable words what an error of this database was: looks through the causes of what libraries wrap, and
     * {@code getNextException} of what drivers raise. What is suppressed in an error did not cause it, and is not looked at.
     *
     * @param error any error
     * @return null if no database error is behind it
     */
    @Nullable
    Failure classify(Throwable error);
}
