package dev.holdfast.tx.engine.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.spi.DriverPort;
import dev.holdfast.tx.spi.LockPlan;
import dev.holdfast.tx.spi.Moment.Cancelled;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A cancel by the caller hits what its statement does, is known to be the caller's, and hits nothing else. */
class GuardedStatementTest {
    private final List<String> calls = new ArrayList<>();
    private final FakeUse use = new FakeUse();
    private final Statement statement = new GuardedConnection(use).guarded(fake(Statement.class, "statement."));
    /** What the driver does in the call of this name. */
    private String name = "";

    private Callable<@Nullable Object> meanwhile = () -> null;

    private <T> T fake(Class<T> type, String prefix) {
        InvocationHandler driver = (proxy, method, arguments) -> {
            calls.add(prefix + method.getName());
            if (method.getName().equals(name)) {
                meanwhile.call();
            }
            if (method.getReturnType() == ResultSet.class) {
                return fake(ResultSet.class, "rows.");
            }
            return method.getReturnType() == boolean.class ? true : null;
        };
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, driver));
    }

    private void during(String call, Callable<@Nullable Object> work) {
        name = call;
        meanwhile = work;
    }

    private @Nullable Object cancelledAndFailing() throws SQLException {
        statement.cancel();
        throw new SQLException("cancelled");
    }

    @Test
    void cancel_whileTheStatementRuns_isTheCallers() {
        during("executeQuery", this::cancelledAndFailing);
        assertThatThrownBy(() -> statement.executeQuery("select 1")).hasMessage("cancelled");
        assertThat(calls).containsExactly("statement.executeQuery", "statement.cancel");
        assertThat(use.failed).isEqualTo(Cancelled.BY_CALLER);
    }

    @Test
    void cancel_whileItsRowsAreRead_isTheCallers() throws SQLException {
        ResultSet rows = statement.executeQuery("select 1");
        during("next", this::cancelledAndFailing);
        assertThatThrownBy(rows::next).hasMessage("cancelled");
        assertThat(calls).containsExactly("statement.executeQuery", "rows.next", "statement.cancel");
        assertThat(use.failed).isEqualTo(Cancelled.BY_CALLER);
    }

    @Test
    void an_error_of_its_rows_is_of_the_lock_that_was_planned_for_it() throws SQLException {
        use.lock = new PlannedLock(RowLock.forUpdate().noWait(), LockPlan.atEnd("FOR UPDATE", List.of()));
        ResultSet rows = statement.executeQuery("select 1 FOR UPDATE");
        during("next", () -> {
            throw new SQLException("locked");
        });
        assertThatThrownBy(rows::next).hasMessage("locked");
        assertThat(use.failedLock).isSameAs(use.lock);
    }

    @Test
    void an_error_of_rows_is_of_no_lock_that_came_before() throws SQLException {
        use.lock = new PlannedLock(RowLock.forUpdate().noWait(), LockPlan.atEnd("FOR UPDATE", List.of()));
        statement.executeQuery("select 1 FOR UPDATE");
        use.lock = null;
        ResultSet rows = statement.executeQuery("select 1");
        during("next", () -> {
            throw new SQLException("other");
        });
        assertThatThrownBy(rows::next).hasMessage("other");
        assertThat(use.failedLock).isNull();
    }

    @Test
    void cancel_whileNothingIsDone_doesNotReachTheDriver() throws SQLException {
        statement.cancel();
        statement.executeQuery("select 1");
        statement.cancel();
        assertThat(calls).containsExactly("statement.executeQuery");
    }

    @Test
    void cancel_thatIsOnItsWay_isWaitedForBeforeTheTurnIsGivenBack() throws Exception {
        CountDownLatch onItsWay = new CountDownLatch(1);
        Thread canceller = new Thread(() -> {
            try {
                statement.cancel();
            } catch (SQLException e) {
                throw new AssertionError(e);
            }
        });
        during("executeQuery", () -> {
            during("cancel", () -> {
                onItsWay.countDown();
                while (use.runner.getState() != Thread.State.WAITING) { // in the end of the call
                    Thread.onSpinWait();
                }
                use.seen.add("cancelled");
                return null;
            });
            canceller.start();
            onItsWay.await();
            return null;
        });
        statement.executeQuery("select 1");
        canceller.join();
        assertThat(use.seen).containsExactly("cancelled", "turn given back");
    }

    /** A use that lets everything be done, and watches over each execution. */
    private static final class FakeUse implements ConnectionUse {
        final Thread runner = Thread.currentThread();
        final List<String> seen = new ArrayList<>();

        @Nullable
        Cancelled failed;

        /** Of the statement whose rows failed. */
        @Nullable
        PlannedLock failedLock;

        /** Of the next statement. */
        @Nullable
        PlannedLock lock;

        @Override
        public void enter() {}

        @Override
        public void takeTurn() {}

        @Override
        public void exit() {
            seen.add("turn given back");
        }

        @Override
        public SQLException failed(Throwable error, @Nullable Execution execution, @Nullable PlannedLock rowsOf) {
            failedLock = rowsOf;
            failed = execution == null ? null : execution.cancelled();
            return (SQLException) error;
        }

        @Override
        public Execution executing(Statement statement, @Nullable String sql) {
            return Execution.of(statement, DriverPort.NONE, null, sql == null ? null : lock, null);
        }

        @Override
        public void executed(@Nullable Execution execution) {}

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public Connection raw() {
            throw new UnsupportedOperationException();
        }

        @Override
        public Lease lease() {
            throw new UnsupportedOperationException();
        }

        @Override
        public void escaping() {}

        @Override
        public Server server() {
            return Made.server();
        }

        @Override
        public Facts facts() {
            return new Facts(false, null, null);
        }

        @Override
        public void closed(GuardedConnection view) {}
    }
}
