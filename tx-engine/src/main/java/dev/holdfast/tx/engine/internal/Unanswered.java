package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.spi.LostAnswers;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * The messages of several statements to one server whose answers are waited for. The server is asked about each that takes
 * long, and where it has nothing to answer any more, it ends the session: the thread that waits in the driver sees its
 * connection lost.
 *
 * <p>One thread looks from time to time, as long as there is something to look at. It asks about one message at a time, and what
 * it asks has a bound, so that a server that is slow, or silent, is not asked much.
 */
final class Unanswered {
    private static final Duration WITHIN = Duration.ofSeconds(2);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);
    /** Two of them make a message old enough, so what is asked about has been so for half as long again at the most. */
    private static final int LOOKS_PER_MESSAGE = 2;

    private static final String LOGIN_REFUSED = "28";

    private final String server;
    private final LostAnswers lost;
    private final Set<Sent> all = ConcurrentHashMap.newKeySet();
    private final AtomicBoolean looking = new AtomicBoolean();
    private volatile boolean refused;

    /**
     * Those to one server.
     *
     * @param server what it is called in messages
     */
    Unanswered(String server, LostAnswers lost) {
        this.server = server;
        this.lost = lost;
    }

    /** One message. */
    final class Sent {
        private final LostAnswers.Session session;
        private final long since = System.nanoTime();
        private final CancelLatch latch = new CancelLatch();
        // of the thread that looks
        private Duration due = lost.after();
        private boolean wasOver;

        private Sent(LostAnswers.Session session) {
            this.session = session;
        }

        /** It is answered: its session is not ended after this returned. */
        void over() {
            all.remove(this);
            latch.over();
        }

        /** Its connection is lost: nobody has to be waited for. */
        void lost() {
            all.remove(this);
            latch.overForGood();
        }

        private void look() throws SQLException {
            Duration age = Duration.ofNanos(System.nanoTime() - since);
            if (age.compareTo(due) < 0) {
                return;
            }
            boolean isOver = false;
            try {
                isOver = session.isOver(age, WITHIN);
                if (isOver && wasOver) {
                    end();
                }
            } finally {
                wasOver = isOver;
                if (!isOver) { // it works, and may do so for long
                    due = age.plus(age.compareTo(LONGEST_PAUSE) < 0 ? age : LONGEST_PAUSE);
                }
            }
        }

        private void end() throws SQLException {
            if (!latch.beginsCut()) {
                return;
            }
            try {
                session.end(WITHIN);
                Log.LOGGER.log(
                        System.Logger.Level.WARNING,
                        "A message to {0} is not answered, and the server does nothing for it: its session was ended",
                        server);
            } finally {
                latch.endsCut();
            }
        }
    }

    /** A message is sent now; null if nothing is looked after. */
    @Nullable
    Sent sends(Connection connection) {
        LostAnswers.Session session = refused ? null : session(connection);
        if (session == null) {
            return null;
        }
        Sent sent = new Sent(session);
        all.add(sent);
        if (!looking.get()) {
            startToLook();
        }
        return sent;
    }

    private LostAnswers.@Nullable Session session(Connection connection) {
        try {
            return lost.sessions().of(connection);
        } catch (SQLException | RuntimeException e) { // the message will meet it, too
            Log.LOGGER.log(System.Logger.Level.DEBUG, "The session of a connection is not known", e);
            return null;
        }
    }

    /** Whether a thread looks; it ends by itself when nothing is waited for. */
    boolean isLooking() {
        return looking.get();
    }

    private void startToLook() {
        if (!looking.compareAndSet(false, true)) {
            return;
        }
        try {
            Source.WAITERS.execute(this::look);
        } catch (RuntimeException | Error e) { // the message goes all the same
            looking.set(false);
            Log.LOGGER.log(System.Logger.Level.DEBUG, "Messages are not looked after", e);
        }
    }

    private void look() {
        try {
            do {
                TimeUnit.NANOSECONDS.sleep(lost.after().toNanos() / LOOKS_PER_MESSAGE);
                lookOnce();
            } while (!all.isEmpty());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // which nobody does: the thread is the engine's
        } finally {
            looking.set(false);
        }
        if (!all.isEmpty()) {
            startToLook(); // it came when nobody looked any more, and saw somebody who did
        }
    }

    private void lookOnce() {
        try {
            for (Sent each : all) {
                each.look();
            }
        } catch (SQLException | RuntimeException | Error e) { // it cannot be asked now, about the others neither
            if (e instanceof SQLException sql
                    && String.valueOf(sql.getSQLState()).startsWith(LOGIN_REFUSED)) {
                refused = true;
                all.clear();
                Log.LOGGER.log(
                        System.Logger.Level.WARNING,
                        server
                                + " refuses the login of a connection that it gave before, so messages that it does not answer"
                                + " are not found any more",
                        e);
                return;
            }
            Log.LOGGER.log(System.Logger.Level.DEBUG, "The server was not asked about a message", e);
        }
    }
}
