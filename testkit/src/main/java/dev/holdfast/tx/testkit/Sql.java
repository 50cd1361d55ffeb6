package dev.holdfast.tx.testkit;

import dev.holdfast.tx.ConnectionScope;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** Portable statements for cases, through a scope. */
public final class Sql {
    private Sql() {}

    /** Inserts {@code (id, 0)}. */
    public static void insert(ConnectionScope scope, String table, int id) throws SQLException {
        update(scope, "insert into " + table + " (id, v) values (?, 0)", id);
    }

    /** Runs a statement with int parameters; answers the update count. */
    public static int update(ConnectionScope scope, String sql, int... parameters) throws SQLException {
        return scope.withConnection(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(sql)) {
                set(statement, parameters);
                return statement.executeUpdate();
            }
        });
    }

    /** The first column of a query with int parameters. */
    public static List<Integer> ints(ConnectionScope scope, String sql, int... parameters) throws SQLException {
        return scope.withConnection(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(sql)) {
                return ints(statement, parameters);
            }
        });
    }

    static List<Integer> ints(PreparedStatement query, int... parameters) throws SQLException {
        set(query, parameters);
        List<Integer> values = new ArrayList<>();
        try (ResultSet rows = query.executeQuery()) {
            while (rows.next()) {
                values.add(rows.getInt(1));
            }
        }
        return values;
    }

    private static void set(PreparedStatement statement, int... parameters) throws SQLException {
        for (int i = 0; i < parameters.length; i++) {
            statement.setInt(i + 1, parameters[i]);
        }
    }
}
