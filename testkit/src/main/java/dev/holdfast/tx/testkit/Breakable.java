package dev.holdfast.tx.testkit;

import dev.holdfast.tx.testkit.fault.JdbcProxy;
import java.lang.reflect.Method;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import javax.sql.DataSource;

/** A data source that can be told to fail, with all sessions that it has given out. For use by many threads. */
final class Breakable {
    /** How it fails. */
    enum Failing {
        /** Not at all. */
        NOT,
        /** There is no connection to be had. */
        AT_ACQUIRE,
        /** A connection is there, and nothing that is asked of it is answered. */
        AT_FIRST_STATEMENT,
        /** A transaction can be begun, and no statement that is prepared in it is answered. */
        AT_FIRST_EXECUTION
    }

    private final DataSource real;
    private volatile Failing failing = Failing.NOT;

    Breakable(DataSource real) {
        this.real = real;
    }

    void fail(Failing how) {
        failing = how;
    }

    DataSource dataSource() {
        return JdbcProxy.of(DataSource.class, "breakable", (self, method, arguments) -> {
            if (failing == Failing.AT_ACQUIRE && method.getName().equals("getConnection")) {
                throw new SQLException("no connection, as planned", "08001");
            }
            Object result = JdbcProxy.call(real, method, arguments);
            return result instanceof Connection connection ? breakable(connection) : result;
        });
    }

    private Connection breakable(Connection connection) {
        return JdbcProxy.of(Connection.class, "breakable", (self, method, arguments) -> {
            if (failing != Failing.NOT && failing != Failing.AT_FIRST_EXECUTION && asks(method)) {
                throw new SQLException("no answer, as planned", "08006");
            }
            Object result = JdbcProxy.call(connection, method, arguments);
            return result instanceof PreparedStatement statement ? breakable(statement) : result;
        });
    }

    private PreparedStatement breakable(PreparedStatement statement) {
        return JdbcProxy.of(PreparedStatement.class, "breakable", (self, method, arguments) -> {
            if (failing == Failing.AT_FIRST_EXECUTION && method.getName().startsWith("execute")) {
                throw new SQLException("no answer, as planned", "08006");
            }
            return JdbcProxy.call(statement, method, arguments);
        });
    }

    /** Whether a call leads to something that is sent. */
    private static boolean asks(Method method) {
        return method.getName().equals("createStatement") || method.getName().startsWith("prepare");
    }
}
