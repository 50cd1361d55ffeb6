package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.spi.TextEffect;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
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
    private static final VarHandle BUSY = busy();
    /** Held while cancels are counted, never while one is made. Of all statements: a cancel is rare. */
    private static final Object CANCELS = new Object();

    private final GuardedConnection connection;
    private final S raw;

    @Nullable
    GuardedStatement<?> previous;

    @Nullable
    GuardedStatement<?> next;

    private boolean closed;
    /** Of the batch, the statement with the gravest effect on the transaction, if one has any. */
    private @Nullable String defining;

    /** What was planned for the text that was executed last. */
    private @Nullable PlannedLock lock;

    /** What was watched over last, of the statement or of its rows. */
    private volatile @Nullable Execution watched;
    /** Whether a call that may reach the server is made, of the statement or of its rows. */
    private volatile boolean busy;
    /** Whether its cancel was called while it was busy. */
    private volatile boolean cancelled;
    /** The cancels that were begun while it was busy. */
    private volatile int cancels;

    private static VarHandle busy() {
        try {
            return MethodHandles.lookup().findVarHandle(GuardedStatement.class, "busy", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

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

    @Override
    public void addBatch(String sql) throws SQLException {
        super.addBatch(sql);
        TextEffect effect = use.server().effectOf(sql);
        boolean tells = effect == TextEffect.UNTOLD ? TransactionText.defines(sql) : effect != TextEffect.NONE;
        if (tells && (defining == null || effect.compareTo(use.server().effectOf(defining)) > 0)) {
            defining = sql;
        }
    }

    @Override
    public void clearBatch() throws SQLException {
        super.clearBatch();
        defining = null;
    }

    /** What it was prepared with; null if it was not. */
    @Nullable
    String prepared() {
        return null;
    }

    private @Nullable String definingOnce() {
        String once = defining;
        defining = null;
        return once;
    }

    /** Drivers send nothing for an empty batch, not even the BEGIN that they hold back. */
    @Override
    public int[] executeBatch() throws SQLException {
        enterExecution(definingOnce());
        try {
            int[] counts = send(null, raw::executeBatch);
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
        enterExecution(definingOnce());
        try {
            long[] counts = send(null, raw::executeLargeBatch);
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

    @Override
    GuardedStatement<?> cancelledWith() {
        return this;
    }

    @Override
    void locking(@Nullable PlannedLock planned) {
        lock = planned;
    }

    /** What was planned for the text that was executed last; null for nothing. */
    @Nullable
    PlannedLock lock() {
        return lock;
    }

    /** Whether somebody has called its cancel in the call that has begun. */
    final boolean isCancelled() {
        return cancelled;
    }

    /**
     * Not in turn: it is called while another thread executes the statement. Where none does it does nothing, for with some
     * drivers it would hit whatever the connection does next.
     */
    @Override
    @SuppressWarnings("NonAtomicVolatileUpdate") // under the lock
    public void cancel() throws SQLException {
        synchronized (CANCELS) {
            cancels++;
            if (!busy) {
                cancels--;
                return;
            }
            cancelled = true;
        }
        try {
            Execution running = watched;
            if (running != null) {
                running.cancelledByCaller();
            }
            use.cancel(raw);
        } finally {
            synchronized (CANCELS) {
                cancels--;
                CANCELS.notifyAll();
            }
        }
    }

    /**
     * A call is about to be made, of the statement or of its rows. As that is so for each row, it is not waited for
     * until all threads see it: a cancel that does not see it yet has come before the call.
     */
    final void begins() {
        if (cancelled) {
            cancelled = false;
        }
        BUSY.setRelease(this, true);
    }

    /** What is watched over in the call that has begun. */
    final void watched(Execution begun) {
        watched = begun;
    }

    /** The call is over: no cancel comes after this returned. */
    final void ends() {
        busy = false; // seen by all threads before the cancels are looked at, or one could slip in between
        if (cancels > 0) {
            awaitCancels();
        }
    }

    private void awaitCancels() {
        boolean interrupted = false;
        synchronized (CANCELS) {
            while (cancels > 0) {
                try {
                    CANCELS.wait();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
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
