package dev.holdfast.tx.sqlite;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collections;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.sqlite.BusyHandler;
import org.sqlite.SQLiteConnection;
import org.sqlite.core.DB;

/*
 * sqlite3_interrupt sets a flag that only running bytecode looks at. The handler that busy_timeout installs sleeps, tries
 * again and never looks, so a statement that waits for a lock goes on waiting. This handler waits as that one does, and in
 * addition until it is cancelled; the statement then ends with SQLITE_BUSY.
 *
 * SQLite has no busy_timeout while it has a handler: the pragma reads 0. So the handler is there during transactions only,
 * and what busy_timeout was is read when a connection is first met. Putting it back is a call of the driver, no statement.
 */
/** How the statements of one connection wait for locks. */
final class SqliteLockWait extends BusyHandler {
    /** As long as the driver keeps the database of a connection open, or longer. */
    private static final Map<DB, SqliteLockWait> OF = Collections.synchronizedMap(new WeakHashMap<>());

    private static final int LONGEST_PAUSE_MILLIS = 50;

    /** The connection's own busy_timeout; less than zero if it was not read yet. */
    private int own = -1;

    private boolean toPutBack;
    private long limit;
    private long waited;

    // for whoever cancels
    private volatile boolean cancelled;
    private volatile @Nullable Thread waiting;

    private SqliteLockWait() {}

    /** Has cancels end the waits of a connection, which last no longer than they do anyway. */
    static void begin(SQLiteConnection connection) throws SQLException {
        SqliteLockWait wait = of(connection);
        if (wait.own < 0) {
            wait.own = busyTimeout(connection);
        }
        if (wait.own > 0) {
            wait.install(connection, wait.own);
            wait.toPutBack = true;
        }
    }

    /** The same, where {@code busy_timeout} was set to this, and will be put back, by statements. */
    static void begin(SQLiteConnection connection, long millis) throws SQLException {
        SqliteLockWait wait = of(connection);
        wait.install(connection, millis);
        wait.toPutBack = false;
    }

    /** Ends {@link #begin(SQLiteConnection)}; nothing, where that was not begun. */
    static void end(SQLiteConnection connection) throws SQLException {
        SqliteLockWait wait = OF.get(connection.getDatabase());
        if (wait != null && wait.toPutBack) {
            connection.getDatabase().busy_timeout(wait.own);
            wait.toPutBack = false;
        }
    }

    /** Ends the wait of a connection; called by another thread than the one that waits. */
    static void cancel(SQLiteConnection connection) {
        SqliteLockWait wait = OF.get(connection.getDatabase());
        if (wait != null) {
            wait.cancelled = true;
            LockSupport.unpark(wait.waiting);
        }
    }

    private static SqliteLockWait of(SQLiteConnection connection) {
        return OF.computeIfAbsent(connection.getDatabase(), database -> new SqliteLockWait());
    }

    private static int busyTimeout(SQLiteConnection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("PRAGMA busy_timeout")) {
            return row.next() ? row.getInt(1) : 0;
        }
    }

    private void install(SQLiteConnection connection, long millis) throws SQLException {
        limit = TimeUnit.MILLISECONDS.toNanos(millis);
        BusyHandler.setHandler(connection, this);
    }

    /**
     * {@inheritDoc}
     *
     * <p>What counts are the waits, as with SQLite's own handler: a statement may work for long between two of them.
     */
    @Override
    protected int callback(int before) {
        if (before == 0) {
            waited = 0;
            cancelled = false; // it was meant for another statement; one that is meant for this one is made again
        }
        long pause = Math.min(TimeUnit.MILLISECONDS.toNanos(pauseMillis(before)), limit - waited);
        if (pause > 0) {
            waitFor(pause);
        }
        return pause > 0 && !cancelled ? 1 : 0;
    }

    private static int pauseMillis(int before) {
        return before < 6 ? 1 << before : LONGEST_PAUSE_MILLIS;
    }

    /** An interrupt of the thread does not end it, as it does not end a wait in SQLite's own handler. */
    private void waitFor(long nanos) {
        long begun = System.nanoTime();
        waiting = Thread.currentThread();
        boolean interrupted = false;
        long passed = 0;
        while (!cancelled && passed < nanos) {
            LockSupport.parkNanos(this, nanos - passed);
            interrupted |= Thread.interrupted();
            passed = System.nanoTime() - begun;
        }
        waiting = null;
        waited += passed;
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
