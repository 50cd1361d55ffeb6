package dev.holdfast.tx.testkit;

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

/** Carries the messages of a dialect out on a plain connection, without an engine: what they do is their own doing. */
final class ByHand {
    private final Connection connection;
    private final Map<String, String> slots = new HashMap<>();

    ByHand(Connection connection) {
        this.connection = connection;
    }

    /** All of it, to its end or to its first error. */
    void perform(Message message) throws SQLException {
        performFirst(message.steps().size(), message);
    }

    /** These many of its steps, as if the program had ended there. */
    void performFirst(int count, Message message) throws SQLException {
        List<Step> steps = message.steps().subList(0, count);
        List<Step.Sql> together = new ArrayList<>();
        for (Step step : steps) {
            if (step instanceof Step.Sql sql) {
                together.add(sql);
                if (message.travel() == Message.Travel.EACH) {
                    send(together, message.travel());
                }
                continue;
            }
            send(together, message.travel());
            if (step instanceof Step.Drive drive) {
                drive(drive);
            } else if (step instanceof Step.Native own) {
                own.action().on(connection);
            }
        }
        send(together, message.travel());
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

    /** Sends what has been collected, and forgets it. */
    private void send(List<Step.Sql> collected, Message.Travel travel) throws SQLException {
        List<Step.Sql> going = new ArrayList<>();
        List<String> texts = new ArrayList<>();
        for (Step.Sql sql : collected) {
            String text = filled(sql);
            if (text != null) {
                going.add(sql);
                texts.add(text);
            }
        }
        collected.clear();
        if (texts.isEmpty()) {
            return;
        }
        try (Statement statement = connection.createStatement()) {
            if (travel == Message.Travel.BATCH && texts.size() > 1) {
                for (String text : texts) {
                    statement.addBatch(text);
                }
                statement.executeBatch();
                return;
            }
            boolean rows = statement.execute(String.join(";", texts));
            for (int i = 0; i < going.size(); i++) {
                if (rows) {
                    keep(statement, going.get(i).reads());
                }
                rows = i < going.size() - 1 && statement.getMoreResults();
            }
        }
    }

    private void keep(Statement statement, List<String> reads) throws SQLException {
        try (ResultSet row = statement.getResultSet()) {
            if (reads.isEmpty() || !row.next()) {
                return;
            }
            for (int i = 0; i < reads.size(); i++) {
                String value = row.getString(i + 1);
                if (value != null) {
                    slots.put(reads.get(i), value);
                }
            }
        }
    }

    /** The text with its slots put in; null if one of them was never read. */
    private @Nullable String filled(Step.Sql sql) {
        String text = sql.text();
        for (String slot : sql.uses()) {
            String value = slots.get(slot);
            if (value == null) {
                return null;
            }
            text = text.replace("{" + slot + "}", value);
        }
        return text;
    }
}
