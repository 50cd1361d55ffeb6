package dev.holdfast.tx.mysql;

import dev.holdfast.tx.spi.LostAnswers;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/*
 * MySQL drops the rest of a text of several statements when a KILL QUERY comes between two of them: the answer to the first says that
 * more results follow, and none does. MariaDB does so where several come. The list of processes shows then that the session
 * sleeps, or on MariaDB that it is killed and does nothing. A user sees its own sessions there without a privilege.
 *
 * A session sleeps as well while the text is on its way to it. It has done so for longer than that then, unless it was in use
 * just before. Behind a proxy that numbers sessions by itself nothing is found.
 */
final class MysqlAnswers {
    static final LostAnswers LOST = new LostAnswers(Duration.ofSeconds(5), MysqlAnswers::session);

    private static final int NO_SUCH_SESSION = 1094;

    private MysqlAnswers() {}

    static LostAnswers.@Nullable Session session(Connection connection) throws SQLException {
        MysqlPort.Session session = MysqlPort.session(connection);
        return session == null ? null : new Looked(session);
    }

    private record Looked(MysqlPort.Session session) implements LostAnswers.Session {
        @Override
        public boolean isOver(Duration sent, Duration within) throws SQLException {
            long asked = System.nanoTime();
            MysqlPort.Opened beside = session.beside().open(millis(within));
            try (Connection connection = beside.connection();
                    Statement statement = connection.createStatement();
                    ResultSet asleep = statement.executeQuery("SELECT time FROM information_schema.processlist"
                            + " WHERE (command = 'Sleep' OR command = 'Killed' AND info IS NULL)"
                            + " AND id = " + session.id() + " AND CONNECTION_ID() = " + beside.id())) {
                if (!asleep.next()) {
                    return false;
                }
                Duration slept = Duration.ofSeconds(asleep.getLong(1) - 1); // whole ones, by the server's clock
                return slept.compareTo(sent.plusNanos(System.nanoTime() - asked)) <= 0;
            }
        }

        /** By {@code KILL}, which a user may do to its own sessions: a driver's abort may wait for its lock. */
        @Override
        public void end(Duration within) throws SQLException {
            try (Connection connection = session.beside().open(millis(within)).connection();
                    Statement statement = connection.createStatement()) {
                statement.execute("KILL " + session.id());
            } catch (SQLException e) {
                if (e.getErrorCode() != NO_SUCH_SESSION) {
                    throw e;
                }
            }
        }

        private static int millis(Duration within) {
            return Math.toIntExact(within.toMillis());
        }
    }
}
