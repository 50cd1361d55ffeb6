package dev.holdfast.tx.benchmarks;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;

/** The work inside of all transactions: one prepared statement. */
final class Counter {
    private Counter() {}

    static int increase(Connection connection) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement("update counter set n = n + 1 where id = ?")) {
            update.setLong(1, 1);
            return update.executeUpdate();
        }
    }

    static long read(Connection connection) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement("select n from counter where id = ?")) {
            query.setLong(1, 1);
            try (ResultSet rows = query.executeQuery()) {
                return rows.next() ? rows.getLong(1) : -1;
            }
        }
    }
}
