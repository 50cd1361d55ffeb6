package dev.holdfast.tx.mutants;

import dev.holdfast.tx.testkit.fault.JdbcProxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.sql.DataSource;

/** A driver whose cancel ends whatever its connection does next. */
final class LateCancels {
    /** A connection of such a driver, to be found behind those of others. */
    interface Session extends Connection {}

    private LateCancels() {}

    static DataSource of(DataSource good) {
        return JdbcProxy.of(DataSource.class, "late cancels", (self, method, arguments) -> {
            Object made = JdbcProxy.call(good, method, arguments);
            return made instanceof Connection connection ? connection(connection) : made;
        });
    }

    private static Connection connection(Connection good) {
        AtomicBoolean cancelled = new AtomicBoolean();
        return JdbcProxy.of(Session.class, "late cancels", (self, method, arguments) -> {
            if (method.getName().equals("unwrap") && arguments[0] == Session.class) {
                return self;
            }
            Object made = JdbcProxy.call(good, method, arguments);
            return made instanceof Statement statement ? statement(statement, cancelled) : made;
        });
    }

    private static Statement statement(Statement good, AtomicBoolean cancelled) {
        return JdbcProxy.of(JdbcProxy.statementType(good), "late cancels", (self, method, arguments) -> {
            if (method.getName().equals("cancel")) {
                cancelled.set(true);
                return null;
            }
            if (method.getName().startsWith("execute") && cancelled.getAndSet(false)) {
                throw new SQLException("interrupted", null, 9);
            }
            return JdbcProxy.call(good, method, arguments);
        });
    }
}
