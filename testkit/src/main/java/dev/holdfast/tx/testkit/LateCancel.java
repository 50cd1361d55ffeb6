package dev.holdfast.tx.testkit;

import dev.holdfast.tx.testkit.fault.JdbcProxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Sessions in which a cancel comes too late: one statement, known by its text, has ended well, and is answered only when it
 * was cancelled. The driver does not hear of the cancel. The answer is the driver's, or an error that the case wants.
 */
final class LateCancel {
    private final String text;
    private final @Nullable SQLException raised;
    private final CountDownLatch cancelled = new CountDownLatch(1);

    /**
     * As described.
     *
     * @param text of the statement, as it is prepared
     * @param raised instead of its answer; null for the answer
     */
    LateCancel(String text, @Nullable SQLException raised) {
        this.text = text;
        this.raised = raised;
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
            return made instanceof PreparedStatement statement && arguments[0].equals(text)
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
            if (!method.getName().startsWith("execute")) {
                return made;
            }
            if (!cancelled.await(Patience.step().toMillis(), TimeUnit.MILLISECONDS)) {
                throw new AssertionError("the limit has passed, and nobody cancelled");
            }
            if (raised != null) {
                throw raised;
            }
            return made;
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
}
