package dev.holdfast.tx.sqlite;

import dev.holdfast.tx.spi.DriverPort;
import dev.holdfast.tx.spi.DriverState;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.Statement;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteConfig.TransactionMode;
import org.sqlite.SQLiteConnection;
import org.sqlite.SQLiteException;

/**
 * What is known of a connection and its errors; the only class that touches types of sqlite-jdbc, which may be absent, but
 * for {@link SqliteLockWait}, which is loaded where they are present.
 */
final class SqlitePort implements DriverPort {
    static final SqlitePort INSTANCE = new SqlitePort();

    /** The setting that says whether cancels can be made to end waits for locks. */
    static final String CANCELLABLE_WAITS = "cancellable waits";

    private static final int ERROR = 1;
    private static final int BUSY = 5;

    private SqlitePort() {}

    /** Whether the pool gives the driver's own connection out, without which no wait for a lock can be cancelled. */
    @Override
    public Map<String, String> settings(Connection connection) {
        try {
            return driversOwn(connection) == null ? Map.of() : Map.of(CANCELLABLE_WAITS, "true");
        } catch (SQLException | RuntimeException e) {
            return Map.of();
        }
    }

    /** By {@link SqliteLockWait}, or else where it may wait in native code. */
    @Override
    public <T> T send(Statement statement, @Nullable String sql, Sending<T> call) throws SQLException {
        SQLiteConnection connection = driversOwn(statement);
        return connection == null ? PlatformThreads.send(call) : SqliteLockWait.send(connection, statement, sql, call);
    }

    /** An interrupt reaches what works, and {@link SqliteLockWait} what waits for a lock. */
    @Override
    public void cancel(Statement running) throws SQLException {
        SQLiteConnection connection = driversOwn(running.getConnection());
        if (connection != null) {
            SqliteLockWait.cancel(connection);
        }
        running.cancel();
    }

    /** Has {@link #cancel} end waits for locks that last as long as they do anyway. */
    static void waitUntilCancelled(Connection connection) throws SQLException {
        SQLiteConnection own = driversOwn(connection);
        if (own != null) {
            SqliteLockWait.begin(own);
        }
    }

    /** Has {@link #cancel} end waits for locks that last as long as {@code busy_timeout} was just set to. */
    static void waitUntilCancelled(Connection connection, long millis) throws SQLException {
        SQLiteConnection own = driversOwn(connection);
        if (own != null) {
            SqliteLockWait.begin(own, millis);
        }
    }

    /** Has waits for locks be what they were before {@link #waitUntilCancelled(Connection)}. */
    static void waitAsBefore(Connection connection) throws SQLException {
        SQLiteConnection own = driversOwn(connection);
        if (own != null) {
            SqliteLockWait.end(own);
        }
    }

    /**
     * Tries {@code BEGIN}, which is refused inside a transaction and changes nothing there. Where it is not refused,
     * none was open, and the one just begun is ended again.
     */
    @Override
    public DriverState state(Connection connection) {
        Statement statement;
        try {
            statement = connection.createStatement();
        } catch (SQLException | RuntimeException closed) {
            return DriverState.UNKNOWN;
        }
        try {
            statement.execute("BEGIN");
            return ended(connection, statement);
        } catch (SQLException | RuntimeException e) {
            // Anything but this one: closed, or cancelled while a result set was half read.
            return isCode(e, ERROR) ? DriverState.OPEN : DriverState.UNKNOWN;
        } finally {
            close(statement);
        }
    }

    /** Ends what was begun to see whether it can be, so that nobody takes over a session with that in it. */
    private static DriverState ended(Connection connection, Statement statement) {
        try {
            statement.execute("ROLLBACK");
            return DriverState.IDLE;
        } catch (SQLException | RuntimeException e) {
            // A half read INSERT ... RETURNING keeps it from ending. What is open now is empty, and the abort of the
            // transaction ends it.
            return isCode(e, BUSY) || isRolledBack(connection) ? DriverState.IDLE : DriverState.UNKNOWN;
        }
    }

    /** A second try, for errors that are not SQLite's own. */
    private static boolean isRolledBack(Connection connection) {
        try (Statement another = connection.createStatement()) {
            another.execute("ROLLBACK");
            return true;
        } catch (SQLException | RuntimeException e) {
            return false;
        }
    }

    private static boolean isCode(Exception e, int code) {
        return e instanceof SQLException error && error.getErrorCode() == code;
    }

    private static void close(Statement statement) {
        try {
            statement.close();
        } catch (SQLException | RuntimeException ignored) {
            return; // it has done its work
        }
    }

    /** Whether the driver gives the extended code of an error. */
    static boolean isDriverError(SQLException error) {
        try {
            return error instanceof SQLiteException;
        } catch (LinkageError absent) {
            return false;
        }
    }

    /** The extended code; the primary one where the driver's own exception is not to be had. */
    static int code(SQLException error) {
        return isDriverError(error) ? extended(error) : error.getErrorCode();
    }

    private static int extended(SQLException error) {
        return ((SQLiteException) error).getResultCode().code;
    }

    /**
     * For pools that idle with autocommit off.
     *
     * @throws SQLFeatureNotSupportedException if an idle connection would hold the write lock
     */
    static void refuseIdlingWithWriteLock(Connection connection) throws SQLException {
        if (takesWriteLock(connection)) {
            throw new SQLFeatureNotSupportedException("This pool idles with autocommit off and a transaction_mode that"
                    + " takes the write lock, so an idle connection keeps every other from writing; open the pool with"
                    + " autocommit on, or without transaction_mode");
        }
    }

    private static boolean takesWriteLock(Connection connection) throws SQLException {
        SQLiteConnection own = driversOwn(connection);
        return own != null && own.getConnectionConfig().getTransactionMode() != TransactionMode.DEFERRED;
    }

    /** The driver's own; null if that is not to be had, or not any more. */
    private static @Nullable SQLiteConnection driversOwn(Statement statement) {
        try {
            return driversOwn(statement.getConnection());
        } catch (SQLException closed) {
            return null;
        }
    }

    /** The driver's own; null if that is not to be had. */
    private static @Nullable SQLiteConnection driversOwn(Connection connection) throws SQLException {
        try {
            return connection.isWrapperFor(SQLiteConnection.class) ? connection.unwrap(SQLiteConnection.class) : null;
        } catch (LinkageError absent) {
            return null;
        }
    }
}
