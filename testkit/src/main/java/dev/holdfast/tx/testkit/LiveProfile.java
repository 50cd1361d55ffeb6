package dev.holdfast.tx.testkit;

import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.Identity.DriverAccess;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Step;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;

/**
 * What a database says it is, asked as an engine would: the testkit believes no profile but the dialect's own of this server.
 *
 * @param identity what JDBC tells
 * @param answers to the dialect's probe
 * @param profile that the dialect made of both
 */
record LiveProfile(Identity identity, Answers answers, Profile profile) {
    /**
     * The profile of what is under test; nothing was asked of it before.
     *
     * @throws SQLException if it cannot be reached, with where it was looked for and what may be wrong
     */
    static Profile of(DatabaseUnderTest database) throws SQLException {
        try (Connection first = firstSession(database)) {
            return asked(database.dialect(), first).profile();
        }
    }

    private static Connection firstSession(DatabaseUnderTest database) throws SQLException {
        DataSource sessions = database.sessions();
        try {
            return sessions.getConnection();
        } catch (SQLException e) {
            // what others have in their texts may be secret
            String where = sessions instanceof DriverSessions
                    ? sessions.toString()
                    : "a " + sessions.getClass().getName();
            throw new SQLException(
                    "No session of " + database.name() + " at " + where + " could be opened: " + e.getMessage()
                            + "; check that the server runs, and that host, port, database, user and password are right",
                    e.getSQLState(),
                    e.getErrorCode(),
                    e);
        }
    }

    static LiveProfile asked(Dialect dialect, DataSource sessions) throws SQLException {
        try (Connection connection = sessions.getConnection()) {
            return asked(dialect, connection);
        }
    }

    private static LiveProfile asked(Dialect dialect, Connection connection) throws SQLException {
        boolean hidden = dialect.port().state(connection) == DriverState.UNKNOWN;
        Identity identity = Identity.of(connection)
                .driverAccess(hidden ? DriverAccess.HIDDEN : DriverAccess.VISIBLE)
                .driverSettings(dialect.port().settings(connection));
        Map<String, String> answers = new HashMap<>();
        for (Step step : dialect.probe(identity).steps()) {
            if (step instanceof Step.Sql sql) {
                ask(connection, sql.text(), sql.reads(), answers);
            } else {
                throw new AssertionError("A probe asks questions; " + dialect.name() + " wants " + step);
            }
        }
        Answers all = new Answers(answers);
        return new LiveProfile(identity, all, dialect.profile(identity, all));
    }

    private static void ask(Connection connection, String sql, List<String> reads, Map<String, String> answers)
            throws SQLException {
        try (Statement statement = connection.createStatement()) {
            if (!statement.execute(sql)) {
                return;
            }
            try (ResultSet row = statement.getResultSet()) {
                if (!row.next()) {
                    return;
                }
                for (int i = 0; i < reads.size(); i++) {
                    String value = row.getString(i + 1);
                    if (value != null) {
                        answers.put(reads.get(i), value);
                    }
                }
            }
        }
    }
}
