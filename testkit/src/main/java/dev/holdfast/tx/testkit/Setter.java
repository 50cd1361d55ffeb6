package dev.holdfast.tx.testkit;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;

/** A setter of the caller's that a driver may take, ignore or refuse. */
record Setter(String name, Getting get, Setting set) {
    static final List<Setter> ALL = List.of(
            new Setter(
                    "network timeout",
                    Connection::getNetworkTimeout,
                    connection -> connection.setNetworkTimeout(Runnable::run, 61_000)),
            new Setter(
                    "holdability",
                    Connection::getHoldability,
                    connection -> connection.setHoldability(
                            connection.getHoldability() == ResultSet.HOLD_CURSORS_OVER_COMMIT
                                    ? ResultSet.CLOSE_CURSORS_AT_COMMIT
                                    : ResultSet.HOLD_CURSORS_OVER_COMMIT)),
            new Setter("schema", Connection::getSchema, connection -> connection.setSchema(anotherSchema(connection))),
            new Setter(
                    "client info",
                    connection -> connection.getClientInfo("ApplicationName"),
                    connection -> connection.setClientInfo("ApplicationName", "hf case")));

    private static String anotherSchema(Connection connection) throws SQLException {
        String now = String.valueOf(connection.getSchema());
        try (ResultSet schemas = connection.getMetaData().getSchemas()) {
            while (schemas.next()) {
                if (!schemas.getString(1).equals(now)) {
                    return schemas.getString(1);
                }
            }
        }
        return now;
    }

    @FunctionalInterface
    interface Getting {
        Object from(Connection connection) throws SQLException;
    }

    @FunctionalInterface
    interface Setting {
        void on(Connection connection) throws SQLException;
    }

    /** Sets it; answers whether it is another then. */
    boolean changes(Connection connection) {
        try {
            String before = String.valueOf(get.from(connection));
            set.on(connection);
            return !before.equals(String.valueOf(get.from(connection)));
        } catch (SQLException refused) {
            return false;
        }
    }
}
