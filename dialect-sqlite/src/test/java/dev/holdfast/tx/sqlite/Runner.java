package dev.holdfast.tx.sqlite;

import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Step;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The least that carries out a message of steps sent one by one. */
final class Runner {
    private final Connection connection;
    private final Map<String, String> slots = new HashMap<>();

    Runner(Connection connection) {
        this.connection = connection;
    }

    Map<String, String> slots() {
        return slots;
    }

    void perform(Message message) throws SQLException {
        perform(message.steps());
    }

    void perform(List<Step> steps) throws SQLException {
        for (Step step : steps) {
            if (step instanceof Step.Sql sql) {
                send(sql);
            } else if (step instanceof Step.Native own) {
                own.action().on(connection);
            } else {
                throw new AssertionError("The driver is not to be called: " + step);
            }
        }
    }

    private void send(Step.Sql sql) throws SQLException {
        if (!slots.keySet().containsAll(sql.uses())) {
            return; // what was not read was not changed
        }
        String text = sql.text();
        for (String slot : sql.uses()) {
            text = text.replace("{" + slot + "}", slots.getOrDefault(slot, ""));
        }
        try (Statement statement = connection.createStatement()) {
            if (statement.execute(text) && !sql.reads().isEmpty()) {
                try (ResultSet row = statement.getResultSet()) {
                    row.next();
                    for (int i = 0; i < sql.reads().size(); i++) {
                        slots.put(sql.reads().get(i), row.getString(i + 1));
                    }
                }
            }
        }
    }
}
