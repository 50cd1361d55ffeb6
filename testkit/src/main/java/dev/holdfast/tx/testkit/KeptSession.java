package dev.holdfast.tx.testkit;

import dev.holdfast.tx.testkit.fault.JdbcProxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * The least that a pool can be: it lends one session at a time, keeps it when it is closed, sends nothing by itself, and
 * opens another where that one was thrown away. What is counted behind it is the engine's. As with other pools, the driver's
 * connection can be unwrapped when the driver has closed it. Safe for several threads.
 */
final class KeptSession implements AutoCloseable {
    private final DataSource sessions;
    private final Duration networkTimeout;
    private @Nullable Connection kept;
    /** What the driver has answered, by the type that was asked for. */
    private final Map<Class<?>, Object> unwrapped = new ConcurrentHashMap<>();

    private boolean isLent;

    /**
     * A pool over sessions.
     *
     * @param networkTimeout set on each session; zero for none
     */
    KeptSession(DataSource sessions, Duration networkTimeout) {
        this.sessions = sessions;
        this.networkTimeout = networkTimeout;
    }

    /** The pool. */
    DataSource dataSource() {
        return JdbcProxy.of(
                DataSource.class,
                "kept",
                (self, method, arguments) -> method.getName().equals("getConnection")
                        ? lend()
                        : JdbcProxy.call(sessions, method, arguments));
    }

    private synchronized Connection lend() throws SQLException {
        if (isLent) {
            throw new SQLTransientConnectionException("the one session is lent");
        }
        Connection real = kept;
        if (real == null || real.isClosed()) {
            real = sessions.getConnection();
            kept = real;
            unwrapped.clear();
            if (!networkTimeout.isZero()) {
                setTimeout(real);
            }
        }
        isLent = true;
        return lent(real);
    }

    private void setTimeout(Connection real) throws SQLException {
        try {
            real.setNetworkTimeout(Runnable::run, (int) networkTimeout.toMillis());
        } catch (SQLFeatureNotSupportedException e) {
            throw new Untested("the driver knows no network timeout: " + e.getMessage());
        }
    }

    private Connection lent(Connection real) {
        boolean[] over = new boolean[1];
        return JdbcProxy.of(Connection.class, "kept", (self, method, arguments) -> switch (method.getName()) {
            case "isClosed" -> over[0] || real.isClosed();
            case "close" -> {
                giveBack(over);
                yield null;
            }
            case "abort" -> {
                giveBack(over);
                real.close();
                yield null;
            }
            case "unwrap" -> {
                Object known = unwrapped.get(arguments[0]);
                Object answer = known == null ? JdbcProxy.call(real, method, arguments) : known;
                unwrapped.put((Class<?>) arguments[0], Objects.requireNonNull(answer));
                yield answer;
            }
            default -> JdbcProxy.call(real, method, arguments);
        });
    }

    private synchronized void giveBack(boolean[] over) {
        if (!over[0]) {
            over[0] = true;
            isLent = false;
        }
    }

    @Override
    public synchronized void close() throws SQLException {
        if (kept != null) {
            kept.close();
        }
    }
}
