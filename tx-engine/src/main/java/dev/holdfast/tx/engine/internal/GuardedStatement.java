package dev.holdfast.tx.engine.internal;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;

/**
 * A statement of a guarded connection; the open ones of a connection form a chain through themselves.
 *
 * @param <S> the JDBC interface
 */
class GuardedStatement<S extends Statement> extends StatementDelegate<S> {
    private final GuardedConnection connection;
    private final S raw;

    @Nullable
    GuardedStatement<?> previous;

    @Nullable
    GuardedStatement<?> next;

    private boolean closed;

    GuardedStatement(GuardedConnection connection, S raw) {
        super(connection.use);
        this.connection = connection;
        this.raw = raw;
        connection.opened(this);
    }

    @Override
    S raw() {
        return raw;
    }

    @Override
    GuardedConnection connection() {
        return connection;
    }

    @Override
    Statement cancellable() {
        return raw;
    }

    @Override
    @Nullable
    ResultSet guarded(@Nullable ResultSet rows) {
        return rows == null ? null : new GuardedResultSet(this, rows);
    }

    /** Drivers send nothing for an empty batch, not even the BEGIN that they hold back. */
    @Override
    public int[] executeBatch() throws SQLException {
        enterExecution(null);
        try {
            int[] counts = raw.executeBatch();
            if (counts.length == 0) {
                nothingSent();
            }
            return counts;
        } catch (Throwable e) {
            throw failed(e);
        } finally {
            exit();
        }
    }

    /** As {@link #executeBatch}. */
    @Override
    public long[] executeLargeBatch() throws SQLException {
        enterExecution(null);
        try {
            long[] counts = raw.executeLargeBatch();
            if (counts.length == 0) {
                nothingSent();
            }
            return counts;
        } catch (Throwable e) {
            throw failed(e);
        } finally {
            exit();
        }
    }

    /** Not in turn: it is called while another thread executes the statement. */
    @Override
    public void cancel() throws SQLException {
        cancelledByCaller();
        raw.cancel();
    }

    @Override
    public boolean isClosed() throws SQLException {
        return closed || raw.isClosed();
    }

    @Override
    public void close() throws SQLException {
        if (closed) {
            return;
        }
        use.takeTurn();
        try {
            if (!closed) {
                closed = true;
                connection.closed(this);
                raw.close();
            }
        } finally {
            use.exit();
        }
    }

    /** Closes what its holder left open, in turn; what fails in doing so is no news to anybody. */
    void abandon() {
        closed = true;
        try {
            raw.close();
        } catch (SQLException | RuntimeException e) {
            Log.LOGGER.log(System.Logger.Level.DEBUG, "A statement that was left open did not close", e);
        }
    }

    @Override
    public Connection getConnection() {
        return connection;
    }
}
