package dev.holdfast.tx.mssql.tds;

import dev.holdfast.tx.mssql.tds.Answer.Did;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Keeps tables in an H2 in memory, so that cases which need some can run. Its isolation, its locks and its errors are H2's: the
 * errors are given the numbers that a SQL Server has for the like.
 */
final class H2Store implements Store {
    private static final Pattern HINTS = Pattern.compile(" WITH \\((UPDLOCK[^)]*)\\)");
    private static final Pattern WAITING = Pattern.compile(
            "SELECT 1 FROM sys.dm_exec_requests WHERE session_id = (\\d+) AND blocking_session_id <> 0");

    /** What H2 says by a SQLState or a code of its own. */
    private static final Map<String, Answer> ERRORS = errors();

    /** H2 calls it a deadlock as well. */
    private static final Answer CONFLICT = Answer.error(
                    3960, 16, 2, "Snapshot isolation transaction aborted due to update conflict.")
            .did(Did.ROLLED_BACK);

    private final Connection connection;
    private final IntFunction<@Nullable H2Store> others;
    private final Map<String, Savepoint> savepoints = new HashMap<>();
    private int number;
    private int lockTimeout = Integer.MIN_VALUE;
    private volatile @Nullable Statement running;

    H2Store(String name, IntFunction<@Nullable H2Store> others) throws SQLException {
        this.connection = DriverManager.getConnection("jdbc:h2:mem:" + name + ";DB_CLOSE_DELAY=-1;NON_KEYWORDS=VALUE");
        this.others = others;
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("select session_id()")) {
            row.next();
            number = row.getInt(1);
        }
    }

    private static Map<String, Answer> errors() {
        Map<String, Answer> errors = new HashMap<>();
        errors.put("23505", Answer.error(2627, 14, 1, "Violation of a unique constraint."));
        errors.put("23502", Answer.error(515, 16, 2, "Cannot insert the value NULL."));
        errors.put("23513", Answer.error(547, 16, 0, "The statement conflicted with the CHECK constraint \"c\"."));
        errors.put("23503", Answer.error(547, 16, 0, "The statement conflicted with the REFERENCE constraint \"c\"."));
        errors.put(
                "23506", Answer.error(547, 16, 0, "The statement conflicted with the FOREIGN KEY constraint \"c\"."));
        errors.put("22001", Answer.error(2628, 16, 1, "String or binary data would be truncated."));
        errors.put("22003", Answer.error(8115, 16, 2, "Arithmetic overflow error."));
        errors.put("22012", Answer.error(8134, 16, 1, "Divide by zero error encountered."));
        errors.put("22018", Answer.error(245, 16, 1, "Conversion failed.").did(Did.ROLLED_BACK));
        errors.put("40001", Answer.error(1205, 13, 51, "Deadlock victim.").did(Did.ROLLED_BACK));
        errors.put("HYT00", Answer.error(1222, 16, 51, "Lock request time out period exceeded."));
        errors.put("57014", Answer.error(0, 16, 1, "cancelled"));
        errors.put("42S02", Answer.error(208, 16, 1, "Invalid object name."));
        errors.put("42S03", Answer.error(208, 16, 1, "Invalid object name."));
        errors.put("42S04", Answer.error(208, 16, 1, "Invalid object name."));
        errors.put("42S22", Answer.error(207, 16, 1, "Invalid column name."));
        errors.put("42S01", Answer.error(2714, 16, 6, "There is already an object of that name."));
        errors.put("42000", Answer.error(102, 15, 1, "Incorrect syntax."));
        errors.put("42001", Answer.error(102, 15, 1, "Incorrect syntax."));
        errors.put("21S02", Answer.error(213, 16, 1, "Column name or number does not match."));
        return errors;
    }

    int number() {
        return number;
    }

    @Override
    public Answer run(String sql, List<Object> parameters, SessionModel session) {
        try {
            limitWaiting(session.lockTimeout());
            return execute(translated(sql), parameters, session.rowCount());
        } catch (SQLException e) {
            boolean conflict =
                    "40001".equals(e.getSQLState()) && !session.level().startsWith("READ");
            Answer known = conflict ? CONFLICT : ERRORS.get(String.valueOf(e.getSQLState()));
            return known != null ? known : Answer.error(20_999, 16, 1, e.getSQLState() + " " + e.getMessage());
        }
    }

    private void limitWaiting(int millis) throws SQLException {
        if (millis != lockTimeout) {
            lockTimeout = millis;
            try (Statement statement = connection.createStatement()) {
                statement.execute("SET LOCK_TIMEOUT " + (millis < 0 ? 600_000 : millis));
            }
        }
    }

    /** Hints behind tables become a clause at the end, for the whole of the select. */
    private static String translated(String sql) {
        if (sql.startsWith("CREATE TABLE")) {
            return sql.replace("datetime2", "timestamp").replace("SYSUTCDATETIME()", "CURRENT_TIMESTAMP");
        }
        Matcher hints = HINTS.matcher(sql);
        if (sql.startsWith("INSERT")) {
            return hints.replaceAll(""); // of the rows it looks at: here it waits for the key that it writes
        }
        if (!hints.find()) {
            return sql.replaceAll("@P\\d+", "?");
        }
        String waiting = hints.group(1).contains("NOWAIT")
                ? " NOWAIT"
                : hints.group(1).contains("READPAST") ? " SKIP LOCKED" : "";
        return hints.replaceAll("").replaceAll("@P\\d+", "?").stripTrailing() + " FOR UPDATE" + waiting;
    }

    private Answer execute(String sql, List<Object> parameters, int most) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.size(); i++) {
                Object value = parameters.get(i);
                statement.setObject(i + 1, "null".equals(value) ? null : value);
            }
            statement.setMaxRows(most);
            running = statement;
            boolean rows = statement.execute();
            return rows ? rows(statement.getResultSet()) : Answer.count(statement.getUpdateCount());
        } finally {
            running = null;
        }
    }

    private static Answer rows(ResultSet rows) throws SQLException {
        int columns = rows.getMetaData().getColumnCount();
        List<List<@Nullable Object>> all = new ArrayList<>();
        while (rows.next()) {
            List<@Nullable Object> row = new ArrayList<>();
            for (int i = 1; i <= columns; i++) {
                Object value = rows.getObject(i);
                row.add(value instanceof Number number ? Integer.valueOf(number.intValue()) : value);
            }
            all.add(row);
        }
        return new Answer(columns, all, -1, List.of(), Did.NOTHING);
    }

    @Override
    public Optional<Answer> asked(String sql) {
        Matcher waiting = WAITING.matcher(sql);
        if (!waiting.matches()) {
            return Optional.empty();
        }
        H2Store other = others.apply(Integer.parseInt(waiting.group(1)));
        String question = "select 1 from information_schema.sessions where blocker_id is not null and session_id = "
                + (other == null ? -1 : other.number());
        try {
            return Optional.of(execute(question, List.of(), 0));
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private interface Act {
        void on(Connection connection) throws SQLException;
    }

    private void act(Act act) {
        try {
            act.on(connection);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void begin(SessionModel session) {
        act(on -> {
            on.setAutoCommit(false);
            try (Statement statement = on.createStatement()) {
                statement.execute("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL " + session.level());
            }
        });
    }

    @Override
    public void commit() {
        end(Connection::commit);
    }

    @Override
    public void rollBack() {
        end(Connection::rollback);
    }

    private void end(Act end) {
        savepoints.clear();
        act(on -> {
            end.on(on);
            on.setAutoCommit(true);
        });
    }

    @Override
    public void save(String name) {
        act(on -> savepoints.put(name, on.setSavepoint(name)));
    }

    @Override
    public void rollBackTo(String name) {
        act(on -> on.rollback(savepoints.get(name)));
    }

    @Override
    public void cancel() {
        Statement statement = running;
        if (statement != null) {
            try {
                statement.cancel();
            } catch (SQLException over) {
                // then there is nothing to stop
            }
        }
    }

    @Override
    public void close() {
        act(on -> {
            if (!on.isClosed()) {
                if (!on.getAutoCommit()) {
                    on.rollback();
                }
                on.close();
            }
        });
    }
}
