package dev.holdfast.tx.testkit.fault;

import dev.holdfast.tx.spi.DriverPort;
import dev.holdfast.tx.spi.DriverState;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the next user of a session would find: what JDBC tells of it, what its driver knows of a transaction, and the answers
 * to queries of one's own. Immutable.
 */
public final class SessionSnapshot {
    private static final Map<String, Property> PROPERTIES = properties();

    private final Map<String, String> values;

    private SessionSnapshot(Map<String, String> values) {
        this.values = values;
    }

    @FunctionalInterface
    private interface Property {
        @Nullable
        Object of(Connection connection) throws SQLException;
    }

    private static Map<String, Property> properties() {
        Map<String, Property> properties = new LinkedHashMap<>();
        properties.put("autocommit", Connection::getAutoCommit);
        properties.put("read-only", Connection::isReadOnly);
        properties.put("isolation", Connection::getTransactionIsolation);
        properties.put("catalog", Connection::getCatalog);
        properties.put("schema", Connection::getSchema);
        properties.put("holdability", Connection::getHoldability);
        properties.put("network timeout", Connection::getNetworkTimeout);
        properties.put("client info", connection -> sorted(connection.getClientInfo()));
        return properties;
    }

    /** Some drivers have none. */
    private static String sorted(@Nullable Properties info) {
        return info == null ? "none" : new TreeMap<>(info).toString();
    }

    /**
     * Looks at a session, and leaves it as it is: of a session with autocommit off and no transaction, the one that looking
     * begins is rolled back.
     *
     * @param session the driver's own connection
     * @param port knows the driver
     * @param queries each answers one row
     * @throws SQLException if the session is of no use to anybody
     */
    public static SessionSnapshot of(Connection session, DriverPort port, List<String> queries) throws SQLException {
        Map<String, String> values = new LinkedHashMap<>();
        DriverState state = port.state(session);
        values.put("transaction", state.name());
        for (Map.Entry<String, Property> property : PROPERTIES.entrySet()) {
            values.put(property.getKey(), answer(session, property.getValue()));
        }
        try (Statement statement = session.createStatement()) {
            for (String query : queries) {
                values.put(query, answer(statement, query));
            }
        }
        if (!session.getAutoCommit() && state == DriverState.IDLE) {
            session.rollback();
        }
        return new SessionSnapshot(values);
    }

    /** Not every driver knows every property, and a transaction that was aborted takes no question. */
    private static String answer(Connection session, Property property) {
        try {
            return String.valueOf(property.of(session));
        } catch (SQLException e) {
            return "(" + e.getMessage() + ")";
        }
    }

    private static String answer(Statement statement, String query) throws SQLException {
        try (ResultSet row = statement.executeQuery(query)) {
            List<String> columns = new ArrayList<>();
            if (row.next()) {
                for (int i = 1; i <= row.getMetaData().getColumnCount(); i++) {
                    columns.add(String.valueOf(row.getString(i)));
                }
            }
            return String.join(", ", columns);
        }
    }

    /** What is different in a later one; empty if nothing is. */
    public List<String> differencesTo(SessionSnapshot later) {
        List<String> differences = new ArrayList<>();
        values.forEach((name, value) -> {
            String now = later.values.get(name);
            if (!Objects.equals(value, now)) {
                differences.add(name + ": " + value + " became " + now);
            }
        });
        return differences;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof SessionSnapshot snapshot && values.equals(snapshot.values);
    }

    @Override
    public int hashCode() {
        return values.hashCode();
    }

    @Override
    public String toString() {
        return values.toString();
    }
}
