package dev.holdfast.tx.testkit;

import dev.holdfast.tx.spi.Step.Drive;
import dev.holdfast.tx.testkit.fault.JdbcProxy;
import java.sql.Connection;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * What is taken from a pool and sent over its connections, in order: a statement as its text, a call of the driver as
 * plans show it ({@code <commit>}), a connection taken as {@value #TAKEN}. Safe for several threads.
 */
final class SentLog {
    static final String TAKEN = "<connection>";

    private final List<String> lines = new ArrayList<>();
    private @Nullable Connection last;

    /** What was taken and sent since the last {@link #clear}. */
    synchronized List<String> lines() {
        return List.copyOf(lines);
    }

    /** The statements among it. */
    List<String> statements() {
        return lines().stream().filter(line -> !line.startsWith("<")).toList();
    }

    synchronized void clear() {
        lines.clear();
    }

    /** The connection that was taken last, for a look past the engine. */
    synchronized Connection last() {
        if (last == null) {
            throw new IllegalStateException("No connection was taken");
        }
        return last;
    }

    private synchronized void add(String line) {
        lines.add(line);
    }

    private synchronized void taken(Connection connection) {
        lines.add(TAKEN);
        last = connection;
    }

    DataSource of(DataSource pool) {
        return JdbcProxy.of(DataSource.class, "logged " + pool, (proxy, method, given) -> {
            Object answer = JdbcProxy.call(pool, method, given);
            if (!(answer instanceof Connection connection)) {
                return answer;
            }
            taken(connection);
            return connection(connection);
        });
    }

    private Connection connection(Connection real) {
        return JdbcProxy.of(Connection.class, "logged " + real, (proxy, method, given) -> {
            String line = driven(method.getName(), given);
            if (line != null) {
                add(line);
            }
            Object answer = JdbcProxy.call(real, method, given);
            if (!(answer instanceof Statement) || method.getName().equals("unwrap")) {
                return answer;
            }
            String prepared = given.length > 0 && given[0] instanceof String text ? text : "";
            return statement((Connection) proxy, answer, prepared);
        });
    }

    private static @Nullable String driven(String method, Object[] given) {
        boolean on = given.length > 0 && Boolean.TRUE.equals(given[0]);
        return switch (method) {
            case "commit" -> Drive.COMMIT.toString();
            case "rollback" -> given.length == 0 ? Drive.ROLLBACK.toString() : "<rollback to savepoint>";
            case "setAutoCommit" -> (on ? Drive.AUTOCOMMIT_ON : Drive.AUTOCOMMIT_OFF).toString();
            case "setReadOnly" -> (on ? Drive.READ_ONLY_ON : Drive.READ_ONLY_OFF).toString();
            case "setSavepoint", "releaseSavepoint" -> "<" + method + ">";
            case "setTransactionIsolation", "setSchema", "setCatalog", "isValid" ->
                "<" + method + (given.length == 0 ? "" : " " + given[0]) + ">";
            default -> null;
        };
    }

    private Object statement(Connection connection, Object real, String prepared) {
        Class<? extends Statement> type = JdbcProxy.statementType(real);
        List<String> batch = new ArrayList<>();
        return JdbcProxy.of(type, "logged " + real, (proxy, method, given) -> {
            String called = method.getName();
            String text = given.length > 0 && given[0] instanceof String sql ? sql : prepared;
            if (called.equals("getConnection")) {
                return connection;
            }
            if (called.equals("addBatch")) {
                batch.add(text);
            } else if (called.equals("executeBatch") || called.equals("executeLargeBatch")) {
                batch.forEach(this::add);
                batch.clear();
            } else if (called.startsWith("execute")) {
                add(text);
            }
            return JdbcProxy.call(real, method, given);
        });
    }
}
