package dev.holdfast.tx.spi;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How it is found out that a message will not be answered. Some servers can drop the rest of a message of several statements when one
 * of these is ended from outside, and do not say so: the driver waits for ever, and the session waits for its driver, in its
 * transaction.
 *
 * @param after an answer that has taken so long is asked about; positive
 * @param sessions tells the session that a message is sent in
 */
public record LostAnswers(Duration after, Sessions sessions) {
    /** Refuses what is not positive. */
    public LostAnswers {
        if (after.isNegative() || after.isZero()) {
            throw new IllegalArgumentException("An answer is lost after a while, not after " + after);
        }
    }

    /** Tells the sessions of connections. */
    @FunctionalInterface
    public interface Sessions {
        /**
         * The session of a connection; comes before each message of several statements, in turn, and sends nothing.
         *
         * @param connection as it came from the pool
         * @return null if it is not known: then nothing is asked
         * @throws SQLException as the driver raises it: then nothing is asked either
         */
        @Nullable
        Session of(Connection connection) throws SQLException;
    }

    /**
     * A session whose connection another thread may be in a call of, for ever: it is asked about on another connection, to the
     * same server.
     */
    public interface Session {
        /**
         * Whether the server has done all that it will do for this session, and does nothing in it now. If that is so in two
         * looks, one after the other, it is {@link #end ended}. So a wrong answer costs a transaction, and never tells a
         * false outcome.
         *
         * @param sent how long ago the message was given to the driver
         * @param within that is the longest wait for an answer of the server; it may not have one
         * @throws SQLException if the server could not be asked; with an SQLState of class 28, which says that the login is
         *     refused, nobody asks again
         */
        boolean isOver(Duration sent, Duration within) throws SQLException;

        /**
         * Has the server end it: what waits for it sees its connection lost. Nobody else uses the connection until this returned.
         *
         * @param within that is the longest wait for an answer of the server
         * @throws SQLException if that could not be had; it is tried again later
         */
        void end(Duration within) throws SQLException;
    }
}
