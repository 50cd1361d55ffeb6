package dev.holdfast.tx.testkit.fault;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.SplittableRandom;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Sessions that are lost while they commit, some of the time: with the request, so that the server never commits, or with the
 * answer, after it has. The caller cannot tell the one from the other. Safe for several threads.
 */
public final class LostCommits {
    private final DataSource real;
    private final SplittableRandom lots;
    private final int oneIn;
    private int requests;
    private int answers;

    /**
     * Loses one commit in so many, on the average.
     *
     * @param real opens sessions
     * @param seed decides which are lost, by their number, and how
     */
    public LostCommits(DataSource real, long seed, int oneIn) {
        this.real = real;
        this.lots = new SplittableRandom(seed);
        this.oneIn = oneIn;
    }

    /** The sessions. */
    public DataSource sessions() {
        return JdbcProxy.of(DataSource.class, "commits may be lost", (self, method, given) -> {
            Object answer = JdbcProxy.call(real, method, given);
            return answer instanceof Connection connection ? new Losing(connection).standIn : answer;
        });
    }

    /** How many commits were lost before they reached the server. */
    public synchronized int requests() {
        return requests;
    }

    /** How many commits were done and their answers lost. */
    public synchronized int answers() {
        return answers;
    }

    private enum Loss {
        NOTHING,
        REQUEST,
        ANSWER
    }

    private synchronized Loss draw() {
        if (lots.nextInt(oneIn) != 0) {
            return Loss.NOTHING;
        }
        if (lots.nextBoolean()) {
            requests++;
            return Loss.REQUEST;
        }
        answers++;
        return Loss.ANSWER;
    }

    private final class Losing implements InvocationHandler {
        private final Connection session;
        private final Connection standIn;
        private volatile boolean lost;

        Losing(Connection session) {
            this.session = session;
            this.standIn = JdbcProxy.of(Connection.class, "commits may be lost", this);
        }

        @Override
        public @Nullable Object invoke(Object self, Method method, Object[] given) throws Throwable {
            return switch (method.getName()) {
                case "isClosed" -> lost || session.isClosed();
                case "close", "abort" -> lost ? null : JdbcProxy.call(session, method, given);
                case "isValid" -> lost ? (Object) false : JdbcProxy.call(session, method, given);
                default -> standInFor(onSession(session, method, given, ""), method, given);
            };
        }

        /** A statement of the driver's gets a stand-in too. */
        private @Nullable Object standInFor(@Nullable Object answer, Method method, Object[] given) {
            Class<?> type = method.getReturnType();
            if (answer == null || !Statement.class.isAssignableFrom(type)) {
                return answer;
            }
            String prepared = given.length > 0 && given[0] instanceof String sql ? sql : "";
            return JdbcProxy.of(
                    type, "commits may be lost", (own, called, with) -> onStatement(answer, called, with, prepared));
        }

        private @Nullable Object onStatement(Object statement, Method method, Object[] given, String prepared)
                throws Throwable {
            return switch (method.getName()) {
                case "getConnection" -> standIn;
                case "close" -> lost ? null : JdbcProxy.call(statement, method, given);
                case "isClosed" -> lost ? (Object) true : JdbcProxy.call(statement, method, given);
                default -> onSession(statement, method, given, prepared);
            };
        }

        /** Makes a call of the session's; one that commits may be lost. */
        private @Nullable Object onSession(Object target, Method method, Object[] given, String prepared)
                throws Throwable {
            if (lost) {
                throw new SQLException("lost: " + method.getName() + " on a session that is gone", "08003");
            }
            Loss loss = commits(method, given, prepared) ? draw() : Loss.NOTHING;
            if (loss == Loss.NOTHING) {
                return JdbcProxy.call(target, method, given);
            }
            if (loss == Loss.ANSWER) {
                try {
                    JdbcProxy.call(target, method, given);
                } catch (SQLException e) {
                    // refused, and nobody hears of it
                }
            }
            lost = true;
            try {
                session.abort(Runnable::run);
            } finally {
                session.close();
            }
            throw new SQLException("lost: the session is gone with its commit", "08006");
        }

        private boolean commits(Method method, Object[] given, String prepared) {
            String sql = given.length > 0 && given[0] instanceof String text ? text : prepared;
            return new JdbcCall(0, 0, (method.getName() + " " + sql).strip()).isCommit();
        }
    }
}
