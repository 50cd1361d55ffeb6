package dev.holdfast.tx.engine.internal;

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

    final void enter() throws SQLException {
        connection().requireOpen();
        use.enter();
    }

    /** As {@link #enter}, for a statement's text. */
    void enterWith(String sql) throws SQLException {
        TransactionText.refuse(sql);
        enter();
    }

    /** As {@link #enter}, for an execution; of a prepared statement without a text. */
    void enterExecution(@Nullable String sql) throws SQLException {
        if (sql != null) {
            TransactionText.refuse(sql);
        }
        enterExecutionOf(sql);
    }

    /** As {@link #enterExecution}, of a text that was looked at before. */
    final void enterExecutionOf(@Nullable String sql) throws SQLException {
        enter();
        Statement statement = cancellable();
        if (statement != null) {
            try {
                execution = use.executing(statement, sql);
                executing = true;
            } catch (Throwable e) {
                use.exit();
                throw e;
            }
        }
    }

    final void exit() throws SQLException {
        try {
            if (executing) {
                executing = false;
                Execution finished = execution;
                execution = null;
                use.executed(finished);
            }
        } finally {
            use.exit();
        }
    }

    /** The execution had nothing to send: it is as if it had not been. */
    final void nothingSent() {
        if (execution != null) {
            execution.over();
        }
        executing = false;
        execution = null;
    }

    /** The caller cancels what is being executed. */
    final void cancelledByCaller() {
        Execution running = execution;
        if (running != null) {
            running.cancelledByCaller();
        }
    }

    final SQLException failed(Throwable error) {
        Execution failing = execution;
        executing = false;
        execution = null;
        return use.failed(error, failing);
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
