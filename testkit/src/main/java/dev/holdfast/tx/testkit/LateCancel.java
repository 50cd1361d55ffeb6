package dev.holdfast.tx.testkit;

import dev.holdfast.tx.testkit.fault.JdbcProxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;

/**
 * Sessions in which a cancel comes too late: one query has ended well, and is answered only when it was cancelled. The
 * driver does not hear of the cancel; reading the rows raises what the case wants.
 */
final class LateCancel {
    private final String query;
    private final SQLException raisedByRows;
    private final CountDownLatch cancelled = new CountDownLatch(1);

    LateCancel(String query, SQLException raisedByRows) {
        this.query = query;
        this.raisedByRows = raisedByRows;
    }

    DataSource of(DataSource sessions) {
        return JdbcProxy.of(DataSource.class, "cancelled late", (self, method, arguments) -> {
            Object made = JdbcProxy.call(sessions, method, arguments);
            return made instanceof Connection connection ? connection(connection) : made;
        });
    }

    private Connection connection(Connection good) {
        return JdbcProxy.of(Connection.class, "cancelled late", (self, method, arguments) -> {
            Object made = JdbcProxy.call(good, method, arguments);
            if (method.getName().equals("unwrap")
                    && made != null
                    && arguments[0] instanceof Class<?> type
                    && type.isInterface()) {
                return own(type, made);
            }
            return made instanceof PreparedStatement statement && arguments[0].equals(query)
                    ? statement(statement)
                    : made;
        });
    }

    private PreparedStatement statement(PreparedStatement good) {
        return JdbcProxy.of(PreparedStatement.class, "cancelled late", (self, method, arguments) -> {
            if (method.getName().equals("cancel")) {
                cancelled.countDown();
                return null;
            }
            Object made = JdbcProxy.call(good, method, arguments);
            if (!method.getName().equals("executeQuery")) {
                return made;
            }
            if (!cancelled.await(Patience.step().toMillis(), TimeUnit.MILLISECONDS)) {
                throw new AssertionError("the limit has passed, and nobody cancelled");
            }
            return rows((ResultSet) Objects.requireNonNull(made));
        });
    }

    /** What the driver calls a connection of its own: it may have a cancel besides that of JDBC. */
    private <T> T own(Class<T> type, Object good) {
        return JdbcProxy.of(type, "cancelled late", (self, method, arguments) -> {
            if (method.getName().startsWith("cancel")) {
                cancelled.countDown();
                return null;
            }
            return JdbcProxy.call(good, method, arguments);
        });
    }

    private ResultSet rows(ResultSet good) {
        return JdbcProxy.of(ResultSet.class, "cancelled late", (self, method, arguments) -> {
            if (method.getName().equals("next")) {
                throw raisedByRows;
            }
            return JdbcProxy.call(good, method, arguments);
        });
    }
}
