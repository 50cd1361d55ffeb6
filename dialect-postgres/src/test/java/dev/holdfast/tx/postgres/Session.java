package dev.holdfast.tx.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Step;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A connection that carries messages out as an engine does, and nothing more. */
final class Session implements AutoCloseable {
    final Connection connection;
    final Map<String, String> slots = new HashMap<>();

    Session(Connection connection) {
        this.connection = connection;
    }

    void perform(Message message) throws SQLException {
        List<Step.Sql> together = new ArrayList<>();
        for (Step step : message.steps()) {
            if (step instanceof Step.Sql sql) {
                together.add(sql);
            }
            if (!together.isEmpty() && !(step instanceof Step.Sql && message.travel() == Message.Travel.ONE_STRING)) {
                send(together);
            }
            if (step instanceof Step.Drive drive) {
                drive(drive);
            } else if (step instanceof Step.Native own) {
                own.action().on(connection);
            }
        }
        if (!together.isEmpty()) {
            send(together);
        }
    }

    private void drive(Step.Drive drive) throws SQLException {
        switch (drive) {
            case AUTOCOMMIT_OFF -> connection.setAutoCommit(false);
            case AUTOCOMMIT_ON -> connection.setAutoCommit(true);
            case READ_ONLY_ON -> connection.setReadOnly(true);
            case READ_ONLY_OFF -> connection.setReadOnly(false);
            case COMMIT -> connection.commit();
            case ROLLBACK -> {
                if (!connection.getAutoCommit()) {
                    connection.rollback();
                }
            }
        }
    }

    private void send(List<Step.Sql> together) throws SQLException {
        List<Step.Sql> sent = List.copyOf(together);
        together.clear();
        try (Statement statement = connection.createStatement()) {
            boolean rows = statement.execute(
                    String.join(";", sent.stream().map(this::text).toList()));
            for (Step.Sql sql : sent) {
                if (rows) {
                    keep(statement, sql.reads());
                }
                rows = statement.getMoreResults();
            }
        }
    }

    private String text(Step.Sql sql) {
        String text = sql.text();
        for (String slot : sql.uses()) {
            text = text.replace("{" + slot + "}", String.valueOf(slots.get(slot)));
        }
        return text;
    }

    private void keep(Statement statement, List<String> reads) throws SQLException {
        try (ResultSet row = statement.getResultSet()) {
            row.next();
            for (int i = 0; i < reads.size(); i++) {
                String value = row.getString(i + 1);
                if (value != null) {
                    slots.put(reads.get(i), value);
                }
            }
        }
    }

    void run(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
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

    /** Has a statement fail. */
    void fail() {
        assertThat(errorOf("SELECT 1/0").getSQLState()).isEqualTo("22012");
    }

    /** The first column of the first row; null if there is none. */
    @Nullable
    String ask(String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            return row.next() ? row.getString(1) : null;
        }
    }

    DriverState state() {
        return Profiles.DIALECT.port().state(connection);
    }

    /** All that a session can be set to, and what JDBC adds. */
    String allSettings() throws SQLException {
        return settings("SELECT string_agg(name || '=' || setting, E'\\n' ORDER BY name) FROM pg_settings");
    }

    /** What options set, and what JDBC adds: quicker. */
    String ownSettings() throws SQLException {
        return settings("SELECT concat_ws(E'\\n', current_setting('transaction_isolation'),"
                + " current_setting('transaction_read_only'), current_setting('transaction_deferrable'),"
                + " current_setting('lock_timeout'), current_setting('statement_timeout'),"
                + " current_setting('idle_in_transaction_session_timeout'),"
                + " current_setting('transaction_timeout', true), current_setting('synchronous_commit'))");
    }

    private String settings(String query) throws SQLException {
        String settings = ask(query);
        if (!connection.getAutoCommit()) {
            connection.rollback();
        }
        return settings + "\nautocommit " + connection.getAutoCommit() + "\nread only " + connection.isReadOnly()
                + "\nstate " + state();
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
