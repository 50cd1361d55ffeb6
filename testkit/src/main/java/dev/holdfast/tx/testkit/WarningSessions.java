package dev.holdfast.tx.testkit;

import dev.holdfast.tx.testkit.fault.JdbcProxy;
import java.sql.Connection;
import java.sql.SQLWarning;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** Sessions that have a warning when they are told to, until it is cleared. No database gives one in portable SQL. */
final class WarningSessions {
    private final DataSource real;
    private final AtomicInteger opened = new AtomicInteger();
    private volatile @Nullable SQLWarning warning;

    WarningSessions(DataSource real) {
        this.real = real;
    }

    /** From now on, each session has a warning. */
    void warn() {
        warning = new SQLWarning("planned by a case");
    }

    /** How many sessions were opened. */
    int opened() {
        return opened.get();
    }

    DataSource sessions() {
        return JdbcProxy.of(DataSource.class, "warning", (self, method, arguments) -> {
            Object result = JdbcProxy.call(real, method, arguments);
            if (!(result instanceof Connection connection)) {
                return result;
            }
            opened.incrementAndGet();
            return session(connection);
        });
    }

    private Connection session(Connection connection) {
        return JdbcProxy.of(Connection.class, "warning", (self, method, arguments) -> {
            switch (method.getName()) {
                case "getWarnings" -> {
                    return warning;
                }
                case "clearWarnings" -> warning = null;
                default -> {}
            }
            return JdbcProxy.call(connection, method, arguments);
        });
    }
}
