package dev.holdfast.tx.sqlite;

import dev.holdfast.tx.spi.DriverPort.Sending;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collections;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.sqlite.BusyHandler;
import org.sqlite.SQLiteConnection;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;
import org.sqlite.core.DB;

/*
 * SQLite asks a busy handler whether to go on waiting for a lock, and only where waiting may help: not a transaction that reads
 * and wants to write, which would wait for itself (btree.c: the handler is asked while no transaction is begun, and by
 * COMMIT). What was asked of it tells what can be made again. Ours says no. The statement ends with SQLITE_BUSY,
 * nothing of it done, and COMMIT with its transaction open (lang_transaction.html); we wait in Java, and it is executed again.
 * So the wait is on no native stack, which would keep a virtual thread on its carrier, and a cancel ends it:
 * sqlite3_interrupt sets a flag that only running bytecode looks at. SQLITE_BUSY_SNAPSHOT, and "SQL statements in progress",
 * come without a question, and are never tried again.
 *
 * What cannot be made again, a batch above all, waits in the handler, which then is as SQLite's own, but cancellable, and
 * in a thread of the platform.
 *
 * SQLite has no busy_timeout while it has a handler: the pragma reads 0. So the handler is there during transactions, and
 * during single calls outside of them. What busy_timeout was is read when a connection is first met, and after each pragma that
 * names it. Putting it back is a call of the driver, no statement.
 */
/** How the statements of one connection wait for locks. */
final class SqliteLockWait extends BusyHandler {
    /** As long as the driver keeps the database of a connection open, or longer. */
    private static final Map<DB, SqliteLockWait> OF = Collections.synchronizedMap(new WeakHashMap<>());

    /** Which reads or sets what the handler is in place of. */
    private static final Pattern PRAGMA =
            Pattern.compile("\\bPRAGMA\\s+(\\w+\\.)?busy_timeout\\b\\s*(?<sets>[=(])?", Pattern.CASE_INSENSITIVE);

    private static final int LONGEST_PAUSE_MILLIS = 50;
    private static final int BUSY = 5;
    private static final int BUSY_SNAPSHOT = 517;

    /** What the handler does when it is asked. */
    private enum Asked {
        /** Wait, for a call that is not made here. */
        WAIT,
        /** Wait, for a call that cannot be made twice. */
        WAIT_FOR_CALL,
        /** Say no: the call will be made again. */
        REFUSE
    }

    /** The connection's own busy_timeout; less than zero if it is not known. */
    private int own = -1;

    /** What busy_timeout is to be when the transaction is over; less than zero if statements see to that, or there is none. */
    private int after = -1;

    /** Whether the handler is there. */
    private boolean installed;

    private Asked asked = Asked.WAIT;
    private boolean refused;
    private long limit;
    private long waited;

    // for whoever cancels
    private volatile boolean cancelled;
    private volatile @Nullable Thread waiting;

    private SqliteLockWait() {}

    /** Has cancels end the waits of a connection, which last no longer than they do anyway. */
    static void begin(SQLiteConnection connection) throws SQLException {
        SqliteLockWait wait = of(connection);
        int millis = wait.own(connection);
        if (millis > 0) {
            wait.install(connection, millis);
            wait.after = millis;
        }
    }

    /** The same, where {@code busy_timeout} was set to this, and will be put back, by statements. */
    static void begin(SQLiteConnection connection, long millis) throws SQLException {
        SqliteLockWait wait = of(connection);
        wait.install(connection, millis);
        wait.after = -1;
    }

    /** Ends {@link #begin(SQLiteConnection)}; nothing, where that was not begun. */
    static void end(SQLiteConnection connection) throws SQLException {
        SqliteLockWait wait = OF.get(connection.getDatabase());
        if (wait != null && wait.after >= 0) {
            wait.installed = false;
            wait.own = wait.after;
            wait.after = -1;
            connection.getDatabase().busy_timeout(wait.own);
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

    /** As {@link dev.holdfast.tx.spi.DriverPort#send}. */
    static <T> T send(SQLiteConnection connection, Statement statement, @Nullable String sql, Sending<T> call)
            throws SQLException {
        SqliteLockWait wait = of(connection);
        Matcher pragma = sql != null && sql.indexOf('_') >= 0 ? PRAGMA.matcher(sql) : null;
        if (pragma != null && pragma.find()) {
            T sent = call.send();
            if (pragma.group("sets") != null) {
                wait.installed = false;
                wait.own = -1;
            }
            return sent;
        }
        return wait.send(connection, statement, sql != null && isOne(sql), call);
    }

    /** Of several, the first may be done when the second is refused. */
    private static boolean isOne(String sql) {
        int end = sql.indexOf(';');
        return end < 0 || sql.substring(end + 1).isBlank();
    }

    private static SqliteLockWait of(SQLiteConnection connection) {
        return OF.computeIfAbsent(connection.getDatabase(), database -> new SqliteLockWait());
    }

    private int own(SQLiteConnection connection) throws SQLException {
        if (own < 0) {
            try (Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery("PRAGMA busy_timeout")) {
                own = row.next() ? row.getInt(1) : 0;
            }
        }
        return own;
    }

    private void install(SQLiteConnection connection, long millis) throws SQLException {
        limit = TimeUnit.MILLISECONDS.toNanos(millis);
        BusyHandler.setHandler(connection, this);
        installed = true;
    }

    private <T> T send(SQLiteConnection connection, Statement statement, boolean again, Sending<T> call)
            throws SQLException {
        cancelled = false; // it was meant for another statement; one that is meant for this one is made again
        int seconds = statement.getQueryTimeout();
        boolean lent = !installed;
        if (lent && !lend(connection, seconds)) {
            return call.send();
        }
        long before = limit;
        try {
            if (seconds > 0) {
                limit = TimeUnit.SECONDS.toNanos(seconds);
                queryTimeout(statement, 0);
            }
            return again ? sendAgain(call) : sendOnce(call);
        } finally {
            limit = before;
            if (seconds > 0) {
                queryTimeout(statement, seconds);
            }
            if (lent) {
                takeBack(connection);
            }
        }
    }

    /** Has the handler there for one call; not, where the connection never waits. */
    private boolean lend(SQLiteConnection connection, int seconds) {
        try {
            int millis = own(connection);
            if (millis > 0 || seconds > 0) {
                install(connection, millis);
            }
        } catch (SQLException closed) {
            own = -1; // the call will tell
        }
        return installed;
    }

    private void takeBack(SQLiteConnection connection) {
        installed = false;
        try {
            connection.getDatabase().busy_timeout(own);
        } catch (SQLException | RuntimeException closed) {
            own = -1; // there is nothing left to be what it was
        }
    }

    /**
     * sqlite-jdbc takes the query timeout of a statement for busy_timeout, sets that, and afterwards what the connection was
     * opened with. That would be the end of the handler. So the driver sees none, and the handler keeps it.
     */
    private static void queryTimeout(Statement statement, int seconds) {
        try {
            statement.setQueryTimeout(seconds);
        } catch (SQLException closed) {
            return; // the call tells
        }
    }

    /** In a thread of the platform, for it waits in the handler. */
    private <T> T sendOnce(Sending<T> call) throws SQLException {
        waited = 0;
        asked = Asked.WAIT_FOR_CALL;
        try {
            return PlatformThreads.send(call);
        } catch (SQLException busy) {
            throw cancelled && isBusy(busy) ? cancelled(busy) : busy;
        } finally {
            asked = Asked.WAIT;
        }
    }

    /** What counts are the waits, as with SQLite's own handler: a statement may work for long between two of them. */
    private <T> T sendAgain(Sending<T> call) throws SQLException {
        waited = 0;
        for (int before = 0; ; before++) {
            refused = false;
            asked = Asked.REFUSE;
            try {
                return call.send();
            } catch (SQLException busy) {
                if (!refused || !isBusy(busy)) {
                    throw busy;
                }
                if (!pause(before)) {
                    throw cancelled ? cancelled(busy) : busy;
                }
            } finally {
                asked = Asked.WAIT;
            }
        }
    }

    private static boolean isBusy(SQLException error) {
        int code = SqlitePort.code(error);
        return (code & 0xff) == BUSY && code != BUSY_SNAPSHOT;
    }

    /** As of a statement that works, so that nobody takes it for a wait that was too long. */
    private static SQLException cancelled(SQLException busy) {
        SQLException error = new SQLiteException(
                SQLiteErrorCode.SQLITE_INTERRUPT + " (a wait for a lock was cancelled)",
                SQLiteErrorCode.SQLITE_INTERRUPT);
        error.initCause(busy);
        return error;
    }

    @Override
    protected int callback(int before) {
        if (asked == Asked.REFUSE) {
            refused = true;
            return 0;
        }
        if (before == 0 && asked == Asked.WAIT) {
            waited = 0;
            cancelled = false;
        }
        return pause(before) ? 1 : 0;
    }

    /** Waits for a while, and answers whether to try again. */
    private boolean pause(int before) {
        long pause = Math.min(TimeUnit.MILLISECONDS.toNanos(pauseMillis(before)), limit - waited);
        if (pause > 0) {
            waitFor(pause);
        }
        return pause > 0 && !cancelled;
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
