package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.spi.CommitMessage;
import dev.holdfast.tx.spi.DriverPort;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Step;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A connection while it is held, and the only class that talks to a database for the engine. Not for two threads at
 * once.
 */
final class Lease {
    /** Puts one setting of a session back. */
    @FunctionalInterface
    interface Undo {
        void on(Connection connection) throws SQLException;
    }

    /**
     * What came of a commit message.
     *
     * @param reached how far COMMIT came
     * @param error that ended the message; null if none did
     */
    record CommitAnswer(Reached reached, @Nullable Throwable error) {
        private static final CommitAnswer DONE = new CommitAnswer(Reached.ANSWERED, null);
    }

    /** How far a step came. */
    enum Reached {
        /** It was not to be sent any more, and nothing will be. */
        WITHDRAWN,
        /** The driver was not asked to send it, nor anything in front of it. */
        NOTHING_SENT,
        /** The driver was not asked to send it. */
        NOT_SENT,
        /** The driver was asked to send it, and did not come back with an answer. */
        SENT,
        /** The server has answered. */
        ANSWERED
    }

    private static final Pattern SLOT_VALUE = Pattern.compile("[\\p{L}\\p{N} _.:/+-]*");

    final Source source;
    final Connection connection;
    /** How what travels alone is sent. */
    private final DriverPort port;
    /** Of the message that is carried out, if it commits; else less than any. */
    private int commitStep = -1;

    private @Nullable Map<String, String> slots;
    private @Nullable Map<String, Undo> undos;
    /** The driver's own, by name. */
    private @Nullable Map<String, Savepoint> savepoints;

    private @Nullable Statement statement;
    private @Nullable AnswerTime answerTime;
    private boolean escaped;
    private @Nullable Failure refusedWrite;
    /** A message that reads what it then changes was sent, and what it read did not arrive: it cannot be put back. */
    private boolean inDoubt;
    /** Steps of the last message that the driver was asked to send. */
    private int sent;
    /** Steps of the last message that are certainly done: the server has answered. What fails later is no part of it. */
    private int done;

    /** One for questions of the engine's own, on its own threads. */
    Lease(Source source, Connection connection) {
        this(source, connection, DriverPort.NONE);
    }

    Lease(Source source, Connection connection, DriverPort port) {
        this.source = source;
        this.connection = connection;
        this.port = port;
    }

    /** What was read so far, by slot. */
    Map<String, String> slots() {
        return slots == null ? Map.of() : slots;
    }

    /** Takes what another connection read, as if it had been read here. */
    void useSlots(Map<String, String> read) {
        slots = new HashMap<>(read);
    }

    /** Gives one slot a value. */
    void useSlot(String slot, String value) {
        if (slots == null) {
            slots = new HashMap<>();
        }
        slots.put(slot, value);
    }

    /** The caller has had the driver's own connection in hand. */
    void escape() {
        escaped = true;
    }

    boolean isEscaped() {
        return escaped;
    }

    /** Its server refused a write that it should have taken. */
    void refusedWrite(Failure failure) {
        refusedWrite = failure;
    }

    /** How its server refused a write that it should have taken; null if it has not. */
    @Nullable
    Failure refusedWrite() {
        return refusedWrite;
    }

    /** Whether something may have been changed that cannot be put back. */
    boolean isInDoubt() {
        return inDoubt;
    }

    /** Has a setting put back at the end; of several for one setting, the first counts. */
    void undoLater(String setting, Undo undo) {
        if (undos == null) {
            undos = new LinkedHashMap<>();
        }
        undos.putIfAbsent(setting, undo);
    }

    /** How long the driver waits for each answer of the server. */
    AnswerTime answerTime() {
        if (answerTime == null) {
            answerTime = new AnswerTime(this);
        }
        return answerTime;
    }

    /** Has answers waited for until this limit has passed; with null as long as usual, which costs nothing if none was set. */
    void answersUntil(@Nullable Deadline limit) throws SQLException {
        if (limit != null || answerTime != null) {
            answerTime().until(limit);
        }
    }

    /** Has each statement commit by itself until the connection is given back. */
    void autocommit() throws SQLException {
        if (!connection.getAutoCommit()) {
            connection.setAutoCommit(true);
            undoLater("autocommit", on -> on.setAutoCommit(false));
        }
    }

    /** Carries a message out, to its end or to its first error. */
    void perform(Message message) throws SQLException {
        List<Step> steps = message.steps();
        sent = 0;
        done = 0;
        while (done < steps.size()) {
            if (done == commitStep) {
                CommitWithdrawn.ifCancelled();
            }
            int end = done + 1;
            Step step = steps.get(done);
            if (step instanceof Step.Sql sql) {
                if (message.travel() == Message.Travel.EACH) {
                    send(sql, end);
                } else {
                    List<Step.Sql> together = new ArrayList<>();
                    for (end = done; end < steps.size() && steps.get(end) instanceof Step.Sql next; end++) {
                        together.add(next);
                    }
                    send(together, message.travel(), end);
                }
            } else {
                sent = end;
                if (step instanceof Step.Drive drive) {
                    drive(drive);
                } else if (step instanceof Step.DriverSavepoint savepoint) {
                    drive(savepoint);
                } else if (step instanceof Step.Native own) {
                    own.action().on(connection);
                }
            }
            done = end;
        }
    }

    /** Carries a message out, and answers what it read into this slot; null if that was nothing. */
    @Nullable
    String ask(Message question, String slot) throws SQLException {
        if (slots != null) {
            slots.remove(slot); // an answer from before is none
        }
        perform(question);
        return slots().get(slot);
    }

    /** Carries the commit message out, and says whether COMMIT was acknowledged. */
    CommitAnswer commit(CommitMessage commit) {
        try {
            commitStep = commit.commitStep();
            perform(commit.message());
            return CommitAnswer.DONE;
        } catch (CommitWithdrawn e) {
            return new CommitAnswer(Reached.WITHDRAWN, e);
        } catch (SQLException | RuntimeException | Error e) {
            int step = commit.commitStep();
            Reached reached = step < done
                    ? Reached.ANSWERED
                    : step < sent ? Reached.SENT : sent > 0 ? Reached.NOT_SENT : Reached.NOTHING_SENT;
            return new CommitAnswer(reached, e);
        } finally {
            commitStep = -1;
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

    private void drive(Step.DriverSavepoint step) throws SQLException {
        if (step.act() == Step.DriverSavepoint.Act.SET) {
            if (savepoints == null) {
                savepoints = new HashMap<>();
            }
            savepoints.put(step.name(), connection.setSavepoint(step.name()));
            return;
        }
        boolean rollback = step.act() == Step.DriverSavepoint.Act.ROLLBACK_TO;
        Savepoint savepoint =
                savepoints == null ? null : rollback ? savepoints.get(step.name()) : savepoints.remove(step.name());
        if (savepoint == null) {
            throw new SQLException("There is no savepoint " + step.name(), "3B001");
        }
        if (rollback) {
            connection.rollback(savepoint);
        } else {
            connection.releaseSavepoint(savepoint);
        }
    }

    /** What sends each step that travels alone. */
    Statement statement() throws SQLException {
        if (statement == null) {
            statement = connection.createStatement(); // for all messages: no two are sent at a time
        }
        return statement;
    }

    private void send(Step.Sql sql, int end) throws SQLException {
        String text = text(sql);
        if (text == null) {
            return;
        }
        Statement sending = statement();
        boolean commits = done == commitStep;
        sent = end;
        boolean rows = port.send(sending, text, () -> {
            if (commits) {
                CommitWithdrawn.ifCancelled(); // it may have been refused, and be about to be sent again
            }
            return sending.execute(text);
        });
        if (rows) {
            try (ResultSet row = sending.getResultSet()) {
                if (!sql.reads().isEmpty()) {
                    keep(row, sql.reads());
                }
            }
        }
        done = end;
    }

    private void send(List<Step.Sql> together, Message.Travel travel, int end) throws SQLException {
        List<Step.Sql> going = new ArrayList<>(together.size());
        List<String> texts = new ArrayList<>(together.size());
        for (Step.Sql sql : together) {
            String text = text(sql);
            if (text != null) {
                going.add(sql);
                texts.add(text);
            }
        }
        if (texts.isEmpty()) {
            return;
        }
        try (Statement own = connection.createStatement()) {
            if (texts.size() == 1 || travel != Message.Travel.BATCH) {
                sent = end;
                sendText(own, texts, going);
            } else {
                for (String text : texts) {
                    own.addBatch(text);
                }
                sent = end;
                own.executeBatch();
            }
            done = end;
        }
    }

    private void sendText(Statement own, List<String> texts, List<Step.Sql> going) throws SQLException {
        boolean reads = going.stream().anyMatch(sql -> !sql.reads().isEmpty());
        inDoubt |= reads && going.size() > 1;
        Unanswered.Sent waiting = texts.size() > 1 ? source.sends(connection) : null;
        boolean answered = false;
        try {
            boolean rows = own.execute(String.join(";", texts));
            if (reads) {
                read(own, rows, going);
            }
            answered = true;
        } finally {
            if (waiting != null) {
                if (answered || !isClosed()) {
                    waiting.over();
                } else {
                    waiting.lost();
                }
            }
        }
    }

    /** The text with its slots put in; null if one of them was never read, for what was never read was never changed. */
    private @Nullable String text(Step.Sql sql) throws SQLException {
        String text = sql.text();
        for (String slot : sql.uses()) {
            String value = slots().get(slot);
            if (value == null) {
                return null;
            }
            if (!SLOT_VALUE.matcher(value).matches()) {
                throw new SQLException(
                        "The server's " + slot + " is '" + value + "' and cannot be put into a statement");
            }
            text = text.replace("{" + slot + "}", value);
        }
        return text;
    }

    /** Walks the results, one for each statement in order, and keeps the first row of those that are to be read. */
    private void read(Statement statement, boolean firstIsRows, List<Step.Sql> sent) throws SQLException {
        boolean rows = firstIsRows;
        long unread = sent.stream().filter(sql -> !sql.reads().isEmpty()).count();
        for (int i = 0; i < sent.size(); i++) {
            List<String> reads = sent.get(i).reads();
            if (!reads.isEmpty() && rows) {
                try (ResultSet row = statement.getResultSet()) {
                    keep(row, reads);
                }
                if (--unread == 0) {
                    inDoubt = false;
                }
            }
            if (i < sent.size() - 1) {
                rows = statement.getMoreResults();
            }
        }
    }

    private void keep(ResultSet row, List<String> reads) throws SQLException {
        if (slots == null) {
            slots = new HashMap<>();
        }
        ResultSetMetaData columns = row.getMetaData();
        if (!row.next()) {
            return;
        }
        for (int i = 0; i < Math.min(reads.size(), columns.getColumnCount()); i++) {
            String value = row.getString(i + 1);
            if (value != null) {
                slots.put(reads.get(i), value);
            }
        }
    }

    /** Puts the caller's settings back, and the connection into the pool. On any error it is to be evicted. */
    void giveBack() throws SQLException {
        if (answerTime != null) {
            answerTime.until(null); // the driver's alone: nothing is sent for it, nor to be committed
        }
        if (undos != null) {
            List<Undo> backwards = new ArrayList<>(undos.values());
            Collections.reverse(backwards);
            for (Undo undo : backwards) {
                undo.on(connection);
            }
            if (!connection.getAutoCommit()) {
                connection.commit(); // what puts a setting back may be a statement, which began a transaction here
            }
        }
        if (statement != null) {
            statement.close();
        }
        connection.close();
    }

    /** Whether the driver takes it for closed, by itself or because it was lost. */
    boolean isClosed() {
        try {
            return Source.physical(connection).isClosed();
        } catch (SQLException | RuntimeException unknown) {
            return false;
        }
    }

    /** Throws the connection away; what fails in doing so is logged, there is nobody left to tell. */
    void evict() {
        try {
            source.evict(connection);
        } catch (SQLException | RuntimeException | Error e) {
            Log.LOGGER.log(System.Logger.Level.DEBUG, "A connection that was thrown away did not close", e);
        }
    }
}
