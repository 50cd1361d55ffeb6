package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.Message;
import java.sql.SQLException;
import java.sql.SQLTimeoutException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Questions that the engine has of a server for itself, none of which keeps anybody longer than a bound. */
final class Asking {
    private Asking() {}

    /**
     * What a message reads on a connection of its own, outside of transactions.
     *
     * @param needed the slot without which the connection is of no use; null for none
     */
    static Map<String, String> ask(Server server, Message question, @Nullable String needed, Deadline within)
            throws SQLException, InterruptedException {
        Lease lease = lease(server.source, within);
        try {
            perform(server, lease, question, within);
            Map<String, String> answers = lease.slots();
            if (needed != null && !answers.containsKey(needed)) {
                throw new SQLException(server.profile + " does not tell its " + needed);
            }
            lease.giveBack();
            return answers;
        } catch (SQLException | RuntimeException | Error e) {
            lease.evict();
            throw e;
        }
    }

    /** A connection, if there is one in time. */
    static Lease lease(Source source, Deadline within) throws SQLException, InterruptedException {
        try {
            return new Lease(source, source.acquire(within));
        } catch (TimeoutException e) {
            throw new SQLTimeoutException("no connection within " + within.length(), e);
        }
    }

    /** Carries a question out on a connection with no transaction, and leaves none. */
    static void perform(Server server, Lease lease, Message question, Deadline within) throws SQLException {
        bounded(lease, within, () -> {
            lease.perform(question);
            if (!lease.connection.getAutoCommit()
                    && server.dialect.port().state(lease.connection) != DriverState.IDLE) {
                lease.connection.rollback();
            }
        });
    }

    /** What is sent to a server. */
    @FunctionalInterface
    interface Exchange {
        void run() throws SQLException;
    }

    /** Has the driver give a connection up that does not answer in time, if it can. After an error it is to be evicted. */
    static void bounded(Lease lease, Deadline within, Exchange exchange) throws SQLException {
        AnswerTime answerTime = lease.answerTime();
        answerTime.atMost(Duration.ofNanos(Math.max(1, within.left(System.nanoTime()))));
        exchange.run();
        answerTime.until(null);
    }
}
