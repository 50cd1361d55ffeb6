package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.spi.DriverPort;
import dev.holdfast.tx.spi.Moment.Cancelled;
import dev.holdfast.tx.spi.TextEffect;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Wrapper;
import org.jspecify.annotations.Nullable;

/**
 * Stands between the caller and one object of the driver: takes the turn before each call that may reach the server, and
 * shows each error to the use it is in. The delegates that extend it are written by the build.
 *
 * @param <S> the JDBC interface
 */
abstract class Guard<S extends Wrapper> implements Wrapper {
    final ConnectionUse use;
    private @Nullable Execution execution;
    private boolean executing;

    Guard(ConnectionUse use) {
        this.use = use;
    }

    /** The driver's object. */
    abstract S raw();

    /** The view that this came from, in one step or several. */
    abstract GuardedConnection connection();

    /** The statement that is executed; null where there is none to cancel. */
    @Nullable
    Statement cancellable() {
        return null;
    }

    /** The statement whose cancelling by the caller hits what this does; null where there is none. */
    @Nullable
    GuardedStatement<?> cancelledWith() {
        return null;
    }

    /** The lock of the statement whose rows these are: some servers raise its errors only where they are read. */
    @Nullable
    PlannedLock rowsOf() {
        return null;
    }

    /** A text is about to be executed, by this itself. */
    void locking(@Nullable PlannedLock lock) {}

    private void watched(Execution begun) {
        GuardedStatement<?> statement = cancelledWith();
        if (statement != null) {
            statement.watched(begun);
        }
    }

    final void enter() throws SQLException {
        connection().requireOpen();
        use.enter();
        GuardedStatement<?> statement = cancelledWith();
        if (statement != null) {
            statement.begins();
        }
    }

    /** As {@link #enter}, for a statement's text. */
    void enterWith(String sql) throws SQLException {
        refuseControl(sql);
        enter();
    }

    /** As {@link #enter}, for an execution; of a prepared statement without a text. */
    void enterExecution(@Nullable String sql) throws SQLException {
        if (sql != null) {
            refuseControl(sql);
        }
        enterExecutionOf(sql);
    }

    private void refuseControl(String sql) throws SQLException {
        TransactionText.refuse(sql);
        TextEffect effect = use.server().effectOf(sql);
        if (effect == TextEffect.CONTROLS) {
            throw TransactionText.refusal(sql);
        }
        if (effect == TextEffect.COMMITS && Boolean.TRUE.equals(use.facts().readOnly())) {
            throw TransactionText.refusalInReadOnly(sql);
        }
    }

    /** As {@link #enterExecution}, of a text that was looked at before. */
    final void enterExecutionOf(@Nullable String sql) throws SQLException {
        enter();
        Statement statement = cancellable();
        if (statement != null) {
            try {
                execution = use.executing(statement, sql);
                executing = true;
                locking(execution == null ? null : execution.lock);
                if (execution != null) {
                    watched(execution);
                }
            } catch (Throwable e) {
                leave();
                throw e;
            }
        }
    }

    /** Makes a call of the driver that executes a text, or a batch if that is null. */
    final <T> T send(@Nullable String sql, DriverPort.Sending<T> call) throws SQLException {
        Statement statement = cancellable();
        return statement == null ? call.send() : use.server().dialect.port().send(statement, sql, call);
    }

    final void exit() throws SQLException {
        try {
            if (executing) {
                executing = false;
                Execution finished = execution;
                execution = null;
                use.executed(finished);
                if (cancelled(finished)) {
                    use.answeredThoughCancelled();
                }
            }
        } finally {
            leave();
        }
    }

    private boolean cancelled(@Nullable Execution finished) {
        GuardedStatement<?> statement = cancelledWith();
        return (statement != null && statement.isCancelled())
                || (finished != null && finished.cancelled() == Cancelled.BY_CALLER);
    }

    private void leave() {
        GuardedStatement<?> statement = cancelledWith();
        if (statement != null) {
            statement.ends();
        }
        use.exit();
    }

    /** The execution had nothing to send: it is as if it had not been. */
    final void nothingSent() {
        if (execution != null) {
            execution.over();
        }
        executing = false;
        execution = null;
    }

    final SQLException failed(Throwable error) {
        Execution failing = execution;
        executing = false;
        execution = null;
        return use.failed(error, failing, rowsOf());
    }

    @Override
    public <T> T unwrap(Class<T> type) throws SQLException {
        if (type.isInstance(this)) {
            return type.cast(this);
        }
        enter();
        try {
            use.escaping();
            return type.isInstance(raw()) ? type.cast(raw()) : raw().unwrap(type);
        } catch (Throwable e) {
            throw failed(e);
        } finally {
            exit();
        }
    }

    @Override
    public boolean isWrapperFor(Class<?> type) throws SQLException {
        if (type.isInstance(this)) {
            return true;
        }
        enter();
        try {
            return type.isInstance(raw()) || raw().isWrapperFor(type);
        } catch (Throwable e) {
            throw failed(e);
        } finally {
            exit();
        }
    }

    @Override
    public String toString() {
        return getClass().getSimpleName() + " of " + use;
    }
}
