package dev.holdfast.tx.mysql;

import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Step;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A connection without an engine, which knows its id. */
final class RawSession implements AutoCloseable {
    final Connection connection;
    final String id;
    final Map<String, String> slots = new HashMap<>();

    RawSession(Connection connection) throws SQLException {
        this.connection = connection;
        this.id = String.valueOf(ask("SELECT CONNECTION_ID()"));
    }

    /** Each statement of a message, one by one, as an engine would. */
    void perform(Message message) throws SQLException {
        for (Step step : message.steps()) {
            Step.Sql sql = (Step.Sql) step;
            String text = sql.text();
            for (String slot : sql.uses()) {
                text = text.replace("{" + slot + "}", String.valueOf(slots.get(slot)));
            }
            try (Statement statement = connection.createStatement()) {
                if (statement.execute(text)) {
                    keep(statement, sql.reads());
                }
            }
        }
    }

    private void keep(Statement statement, List<String> reads) throws SQLException {
        try (ResultSet row = statement.getResultSet()) {
            if (row.next()) {
                for (int i = 0; i < reads.size(); i++) {
                    String value = row.getString(i + 1);
                    if (value != null) {
                        slots.put(reads.get(i), value);
                    }
                }
            }
        }
    }

    void run(String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    /** The error that this statement ends with; it must. */
    SQLException errorOf(String sql) {
        try {
            run(sql);
        } catch (SQLException error) {
            return error;
        }
        throw new AssertionError("No error: " + sql);
    }

    /** The first column of the first row; null if there is none. */
    @Nullable
    String ask(String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            return row.next() ? row.getString(1) : null;
        }
    }

    /** Whether a savepoint is there, and with it the transaction that it was set in. */
    boolean hasSavepoint(String name) throws SQLException {
        try {
            run("RELEASE SAVEPOINT " + name);
            return true;
        } catch (SQLException error) {
            if (error.getErrorCode() != 1305) {
                throw error;
            }
            return false;
        }
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
