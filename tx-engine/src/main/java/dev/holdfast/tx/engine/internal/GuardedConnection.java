package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.ConnectionBody;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.spi.SettingSql;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLClientInfoException;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * A view of a connection: closable by itself, unable to end a transaction, and its settings are put back at the end of
 * the use it is in.
 */
final class GuardedConnection extends ConnectionDelegate {
    @Nullable
    GuardedConnection next;

    private @Nullable GuardedStatement<?> statements;
    private @Nullable String preparing;
    private volatile boolean closed;

    GuardedConnection(ConnectionUse use) {
        super(use);
    }

    /** Gives the view to the body and closes it. */
    static <T extends @Nullable Object> T lend(GuardedConnection view, ConnectionBody<T> body) {
        Throwable thrown = null;
        try {
            return body.apply(view);
        } catch (Throwable e) {
            thrown = e;
            throw Thrown.as(e);
        } finally {
            view.closeAfter(thrown);
        }
    }

    private void closeAfter(@Nullable Throwable thrown) {
        try {
            close();
        } catch (SQLException | RuntimeException e) {
            if (thrown == null) {
                throw Thrown.as(e);
            }
            Thrown.suppress(thrown, e);
        }
    }

    /** The constant of {@link Connection} for a level; {@link Isolation#SNAPSHOT} has none and is told as the next. */
    static int jdbcLevel(Isolation isolation) {
        return switch (isolation) {
            case READ_UNCOMMITTED -> TRANSACTION_READ_UNCOMMITTED;
            case READ_COMMITTED -> TRANSACTION_READ_COMMITTED;
            case REPEATABLE_READ, SNAPSHOT -> TRANSACTION_REPEATABLE_READ;
            case SERIALIZABLE -> TRANSACTION_SERIALIZABLE;
        };
    }

    @Override
    Connection raw() {
        return use.raw();
    }

    @Override
    GuardedConnection connection() {
        return this;
    }

    void requireOpen() throws SQLException {
        if (closed) {
            throw Refused.of(new TxStateException(
                    use.isOpen()
                            ? "This connection was closed; take another from the same scope"
                            : "This connection belongs to a scope that has ended; use it only inside that scope"));
        }
    }

    // ---- statements

    @Override
    void enterWith(String sql) throws SQLException {
        super.enterWith(sql);
        preparing = sql;
    }

    @Override
    Statement guarded(Statement raw) {
        return new GuardedStatement<>(this, raw);
    }

    @Override
    PreparedStatement guarded(PreparedStatement raw) {
        return new GuardedPreparedStatement<>(this, raw, Objects.requireNonNull(preparing));
    }

    @Override
    CallableStatement guarded(CallableStatement raw) {
        return new GuardedCallableStatement(this, raw, Objects.requireNonNull(preparing));
    }

    @Override
    DatabaseMetaData guarded(DatabaseMetaData raw) {
        return new GuardedMetaData(this, raw);
    }

    // The chain of statements is guarded by the turn.

    void opened(GuardedStatement<?> statement) {
        statement.next = statements;
        if (statements != null) {
            statements.previous = statement;
        }
        statements = statement;
    }

    void closed(GuardedStatement<?> statement) {
        if (statement.previous != null) {
            statement.previous.next = statement.next;
        } else if (statements == statement) {
            statements = statement.next;
        }
        if (statement.next != null) {
            statement.next.previous = statement.previous;
        }
        statement.previous = null;
        statement.next = null;
    }

    // ---- the end of the view

    @Override
    public void close() throws SQLException {
        if (closed) {
            return;
        }
        use.takeTurn();
        try {
            if (!closed) {
                abandon();
                use.closed(this);
            }
        } finally {
            use.exit();
        }
    }

    /** Closes the view and what was left open on it; in turn. */
    void abandon() {
        closed = true;
        GuardedStatement<?> statement = statements;
        statements = null;
        while (statement != null) {
            GuardedStatement<?> following = statement.next;
            statement.abandon();
            statement = following;
        }
    }

    @Override
    public boolean isClosed() {
        return closed || !use.isOpen();
    }

    @Override
    public void abort(Executor executor) throws SQLException {
        enter();
        try {
            raw().abort(executor);
            throw new SQLException("The connection was aborted by its holder", "08003");
        } catch (Throwable e) {
            use.failed(e, null, null);
        } finally {
            exit();
        }
    }

    // ---- what would end a transaction

    private SQLException refusal(String call, String instead) {
        return Refused.of(new TxStateException(call + " on a connection of Holdfast was refused; " + instead));
    }

    @Override
    public void commit() throws SQLException {
        throw refusal("commit()", "return from the scope to commit");
    }

    @Override
    public void rollback() throws SQLException {
        throw refusal("rollback()", "throw from the scope, or call setRollbackOnly, to roll back");
    }

    @Override
    public void rollback(Savepoint savepoint) throws SQLException {
        throw refusal("rollback(savepoint)", "open a nested scope and throw from it");
    }

    @Override
    public Savepoint setSavepoint() throws SQLException {
        throw refusal("setSavepoint()", "open a nested scope");
    }

    @Override
    public Savepoint setSavepoint(String name) throws SQLException {
        throw refusal("setSavepoint(name)", "open a nested scope");
    }

    @Override
    public void releaseSavepoint(Savepoint savepoint) throws SQLException {
        throw refusal("releaseSavepoint(savepoint)", "return from the nested scope");
    }

    // ---- what the options decide

    @Override
    public boolean getAutoCommit() throws SQLException {
        requireOpen();
        return use.facts().autocommit();
    }

    @Override
    public void setAutoCommit(boolean wanted) throws SQLException {
        requireOpen();
        if (wanted != use.facts().autocommit()) {
            throw refusal(
                    "setAutoCommit(" + wanted + ")",
                    wanted ? "work outside(…) the transaction instead" : "start a transaction with transact instead");
        }
    }

    @Override
    public boolean isReadOnly() throws SQLException {
        Boolean known = use.facts().readOnly();
        if (known != null) {
            requireOpen();
            return known;
        }
        enter();
        try {
            return raw().isReadOnly();
        } catch (Throwable e) {
            throw failed(e);
        } finally {
            exit();
        }
    }

    @Override
    public void setReadOnly(boolean wanted) throws SQLException {
        if (wanted != isReadOnly()) {
            throw refusal("setReadOnly(" + wanted + ")", "ask for readOnly() in the options");
        }
    }

    @Override
    public int getTransactionIsolation() throws SQLException {
        Integer known = use.facts().isolation();
        if (known != null) {
            requireOpen();
            return known;
        }
        enter();
        try {
            return raw().getTransactionIsolation();
        } catch (Throwable e) {
            throw failed(e);
        } finally {
            exit();
        }
    }

    @Override
    public void setTransactionIsolation(int wanted) throws SQLException {
        if (wanted != getTransactionIsolation()) {
            throw refusal("setTransactionIsolation(" + wanted + ")", "ask for isolation(…) in the options");
        }
    }

    // ---- settings that are put back

    /** Reads the value in force, so that it can be put back. */
    @FunctionalInterface
    private interface Getter<V extends @Nullable Object> {
        V of(Connection connection) throws SQLException;
    }

    @FunctionalInterface
    private interface Setter<V extends @Nullable Object> {
        void on(Connection connection, V value) throws SQLException;
    }

    private <V extends @Nullable Object> void change(String setting, V wanted, Getter<V> getter, Setter<V> setter)
            throws SQLException {
        enter();
        try {
            V before = getter.of(raw());
            if (!Objects.equals(before, wanted)) {
                use.lease().undoLater(setting, connection -> setter.on(connection, before));
                setter.on(raw(), wanted);
            }
        } catch (Throwable e) {
            throw failed(e);
        } finally {
            exit();
        }
    }

    @Override
    public void setSchema(String schema) throws SQLException {
        SettingSql sql = use.server().schema;
        if (sql == null) {
            change("schema", schema, Connection::getSchema, Connection::setSchema);
            return;
        }
        enter();
        try {
            String before = read(raw(), sql.read());
            use.lease().undoLater("schema", connection -> write(connection, sql.write(), before));
            raw().setSchema(schema);
        } catch (Throwable e) {
            throw failed(e);
        } finally {
            exit();
        }
    }

    private static String read(Connection connection, String query) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            if (!row.next()) {
                throw new SQLException("No row is returned by " + query);
            }
            return row.getString(1);
        }
    }

    private static void write(Connection connection, String sql, String value) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setString(1, value);
            statement.execute();
        }
    }

    @Override
    public void setCatalog(String catalog) throws SQLException {
        change("catalog", catalog, Connection::getCatalog, Connection::setCatalog);
    }

    @Override
    public void setNetworkTimeout(Executor executor, int milliseconds) throws SQLException {
        enter();
        try {
            use.lease().answerTime().usual(executor, milliseconds);
        } catch (Throwable e) {
            throw failed(e);
        } finally {
            exit();
        }
    }

    @Override
    public int getNetworkTimeout() throws SQLException {
        enter();
        try {
            return use.lease().answerTime().usual();
        } catch (Throwable e) {
            throw failed(e);
        } finally {
            exit();
        }
    }

    @Override
    public void setHoldability(int holdability) throws SQLException {
        change("holdability", holdability, Connection::getHoldability, Connection::setHoldability);
    }

    @Override
    public void setTypeMap(Map<String, Class<?>> map) throws SQLException {
        change("type map", map, Connection::getTypeMap, Connection::setTypeMap);
    }

    @Override
    public void setClientInfo(String name, @Nullable String value) throws SQLClientInfoException {
        try {
            this.<@Nullable String>change(
                    "client info " + name,
                    value,
                    connection -> connection.getClientInfo(name),
                    (connection, info) -> connection.setClientInfo(name, info));
        } catch (SQLClientInfoException e) {
            throw e;
        } catch (SQLException e) {
            throw new SQLClientInfoException(e.getMessage(), e.getSQLState(), e.getErrorCode(), Map.of(), e);
        }
    }

    @Override
    public void setClientInfo(Properties properties) throws SQLClientInfoException {
        for (String name : properties.stringPropertyNames()) {
            setClientInfo(name, properties.getProperty(name));
        }
    }

    // ---- hints for pools that are not ours to pass on

    @Override
    public void beginRequest() {}

    @Override
    public void endRequest() {}
}
