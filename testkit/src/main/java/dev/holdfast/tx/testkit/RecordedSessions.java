package dev.holdfast.tx.testkit;

import dev.holdfast.tx.testkit.fault.JdbcProxy;
import java.lang.reflect.Method;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** Sessions whose every call that can reach the server is written into a timeline, with what came of it. */
final class RecordedSessions {
    private static final Set<String> TOLD = Set.of(
            "commit",
            "rollback",
            "setAutoCommit",
            "setReadOnly",
            "setTransactionIsolation",
            "setSavepoint",
            "releaseSavepoint",
            "abort",
            "close");

    private final Timeline timeline;
    private final AtomicInteger opened = new AtomicInteger();
    private final AtomicInteger calls = new AtomicInteger();

    RecordedSessions(Timeline timeline) {
        this.timeline = timeline;
    }

    /** How many calls were written down. */
    int calls() {
        return calls.get();
    }

    DataSource of(DataSource real) {
        return JdbcProxy.of(DataSource.class, "recorded", (self, method, arguments) -> {
            Object result = JdbcProxy.call(real, method, arguments);
            if (!(result instanceof Connection connection)) {
                return result;
            }
            String name = "S" + opened.incrementAndGet();
            tell(name, "is opened");
            return connection(name, connection);
        });
    }

    private Connection connection(String name, Connection real) {
        return JdbcProxy.of(Connection.class, "recorded", (self, method, arguments) -> {
            if (method.getName().equals("isWrapperFor") || method.getName().equals("unwrap")) {
                return unwrapped(self, real, method, arguments);
            }
            if (!TOLD.contains(method.getName())) {
                Object result = JdbcProxy.call(real, method, arguments);
                if (!(result instanceof Statement)) {
                    return result;
                }
                String sql = arguments.length > 0 && arguments[0] instanceof String text ? text : "";
                return statement(name, result, sql, (Connection) self);
            }
            String text = "<" + method.getName() + (arguments.length == 0 ? "" : " " + arguments[0]) + ">";
            return told(name, text, real, method, arguments);
        });
    }

    private Object statement(String name, Object real, String prepared, Connection connection) {
        Class<? extends Statement> type = JdbcProxy.statementType(real);
        List<Object> values = new ArrayList<>();
        return JdbcProxy.of(type, "recorded", (self, method, arguments) -> {
            String called = method.getName();
            if (called.equals("isWrapperFor") || called.equals("unwrap")) {
                return unwrapped(self, real, method, arguments);
            }
            if (called.equals("getConnection")) {
                return connection;
            }
            if (called.startsWith("set") && arguments.length == 2 && !prepared.isEmpty()) {
                values.add(arguments[1]);
            }
            if (called.equals("addBatch") && arguments.length > 0) {
                tell(name, "<add batch> " + arguments[0]);
            }
            if (!called.startsWith("execute")) {
                return JdbcProxy.call(real, method, arguments);
            }
            String sql = arguments.length > 0 && arguments[0] instanceof String text ? text : prepared;
            Object result = told(name, sql + (values.isEmpty() ? "" : " " + values), real, method, arguments);
            values.clear();
            return result;
        });
    }

    private static @Nullable Object unwrapped(Object proxy, Object real, Method method, Object[] arguments)
            throws Throwable {
        if (arguments.length > 0 && arguments[0] instanceof Class<?> type && type.isInstance(proxy)) {
            return method.getName().equals("unwrap") ? proxy : (Object) true;
        }
        return JdbcProxy.call(real, method, arguments);
    }

    private @Nullable Object told(String session, String text, Object real, Method method, Object[] arguments)
            throws Throwable {
        try {
            Object result = JdbcProxy.call(real, method, arguments);
            tell(
                    session,
                    text + (result instanceof Integer rows ? " -> " + rows + (rows == 1 ? " row" : " rows") : ""));
            return result;
        } catch (SQLException e) {
            tell(session, text + " -> " + told(e));
            throw e;
        }
    }

    /** An error as timelines show it. */
    static String told(SQLException error) {
        return error.getClass().getSimpleName() + " " + error.getSQLState() + "/" + error.getErrorCode() + ": "
                + String.valueOf(error.getMessage()).lines().findFirst().orElse("");
    }

    private void tell(String session, String text) {
        calls.incrementAndGet();
        timeline.add(session, text);
    }
}
