package dev.holdfast.tx.engine.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.spi.LostAnswers;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** Which messages are asked about, and which sessions are ended. */
class UnansweredTest {
    private static final Duration SOON = Duration.ofMillis(2);
    private static final long BOUND_SECONDS = 30;

    private final Map<Connection, LostAnswers.Session> sessions = new ConcurrentHashMap<>();
    private final Unanswered unanswered = new Unanswered("a server", new LostAnswers(SOON, sessions::get));

    /** What is looked at. */
    private interface Look {
        boolean isOver() throws SQLException;
    }

    private static Connection connection() {
        return (Connection) Proxy.newProxyInstance(
                UnansweredTest.class.getClassLoader(),
                new Class<?>[] {Connection.class},
                (self, method, arguments) -> switch (method.getName()) {
                    case "hashCode" -> System.identityHashCode(self);
                    case "equals" -> self == arguments[0];
                    default -> throw new UnsupportedOperationException(method.getName());
                });
    }

    /** A message in a session that is looked at so, and counts this down when it is ended. */
    private Unanswered.Sent sends(Look look, CountDownLatch ended) {
        Connection connection = connection();
        sessions.put(connection, new LostAnswers.Session() {
            @Override
            public boolean isOver(Duration sent, Duration within) throws SQLException {
                return look.isOver();
            }

            @Override
            public void end(Duration within) {
                ended.countDown();
            }
        });
        Unanswered.Sent sent = unanswered.sends(connection);
        assertThat(sent).isNotNull();
        return sent;
    }

    private static boolean comes(CountDownLatch latch) throws InterruptedException {
        return latch.await(BOUND_SECONDS, TimeUnit.SECONDS);
    }

    private static boolean isSet(CountDownLatch latch) throws SQLException {
        try {
            return comes(latch);
        } catch (InterruptedException e) {
            throw new SQLException(e);
        }
    }

    @Test
    void what_is_over_in_two_looks_is_ended() throws Exception {
        AtomicInteger looks = new AtomicInteger();
        AtomicInteger needed = new AtomicInteger();
        CountDownLatch ended = new CountDownLatch(1);
        Unanswered.Sent sent = sends(
                () -> {
                    if (ended.getCount() > 0) {
                        needed.set(looks.incrementAndGet());
                    }
                    return true;
                },
                ended);

        assertThat(comes(ended)).isTrue();
        assertThat(needed).hasValue(2);
        sent.over();
    }

    @Test
    void what_has_worked_before_is_ended_when_it_is_over() throws Exception {
        AtomicInteger looks = new AtomicInteger();
        CountDownLatch ended = new CountDownLatch(1);
        Unanswered.Sent sent = sends(() -> looks.incrementAndGet() > 3, ended);

        assertThat(comes(ended)).isTrue();
        sent.over();
    }

    @Test
    void what_is_over_in_one_look_alone_is_not_ended() throws Exception {
        AtomicBoolean over = new AtomicBoolean();
        CountDownLatch looks = new CountDownLatch(6);
        CountDownLatch ended = new CountDownLatch(1);
        Unanswered.Sent sent = sends(
                () -> {
                    looks.countDown();
                    boolean was = over.get();
                    over.set(!was);
                    return !was;
                },
                ended);

        assertThat(comes(looks)).isTrue();
        assertThat(ended.getCount()).isOne();
        sent.over();
    }

    @Test
    void looks_with_a_failure_between_them_are_not_one_after_the_other() throws Exception {
        AtomicBoolean over = new AtomicBoolean();
        CountDownLatch looks = new CountDownLatch(6);
        CountDownLatch ended = new CountDownLatch(1);
        Unanswered.Sent sent = sends(
                () -> {
                    looks.countDown();
                    over.set(!over.get());
                    if (!over.get()) {
                        throw new SQLException("no more connections", "08004");
                    }
                    return true;
                },
                ended);

        assertThat(comes(looks)).isTrue();
        assertThat(ended.getCount()).isOne();
        sent.over();
    }

    @Test
    void what_is_answered_during_a_look_is_not_ended() throws Exception {
        CountDownLatch asked = new CountDownLatch(2);
        CountDownLatch answered = new CountDownLatch(1);
        CountDownLatch later = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        Unanswered.Sent sent = sends(
                () -> {
                    asked.countDown();
                    return asked.getCount() > 0 || isSet(answered);
                },
                ended);
        assertThat(comes(asked)).isTrue();
        sent.over();
        Unanswered.Sent next = sends(
                () -> {
                    later.countDown();
                    return false;
                },
                ended);
        answered.countDown();

        assertThat(comes(later)).isTrue();
        assertThat(ended.getCount()).isOne();
        next.over();
    }

    @Test
    void a_server_that_cannot_be_asked_about_one_is_asked_about_the_others() throws Exception {
        AtomicInteger failed = new AtomicInteger();
        CountDownLatch ended = new CountDownLatch(1);
        Unanswered.Sent first = sends(
                () -> {
                    failed.incrementAndGet();
                    throw new SQLException("no more connections", "08004");
                },
                new CountDownLatch(1));
        Unanswered.Sent second = sends(() -> failed.get() > 0, ended);

        assertThat(comes(ended)).isTrue();
        first.over();
        second.over();
    }

    @Test
    void a_server_that_refuses_the_login_is_not_asked_again() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        Unanswered.Sent sent = sends(
                () -> {
                    asked.incrementAndGet();
                    throw new SQLException("Access denied", "28000", 1045);
                },
                new CountDownLatch(1));
        awaitNobodyLooks();

        assertThat(asked).hasValue(1);
        assertThat(unanswered.sends(sessions.keySet().iterator().next())).isNull();
        sent.over();
    }

    private void awaitNobodyLooks() {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(BOUND_SECONDS);
        while (unanswered.isLooking()) {
            assertThat(System.nanoTime() - end).as("a thread looks at nothing").isNegative();
            LockSupport.parkNanos(SOON.toNanos());
        }
    }

    @Test
    void what_is_sent_after_a_pause_is_looked_after_too() throws Exception {
        CountDownLatch looks = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        Unanswered.Sent first = sends(
                () -> {
                    looks.countDown();
                    return false;
                },
                new CountDownLatch(1));
        assertThat(comes(looks)).isTrue();
        first.over();
        awaitNobodyLooks();
        Unanswered.Sent second = sends(() -> true, ended);

        assertThat(comes(ended)).isTrue();
        second.over();
    }

    @Test
    void a_connection_whose_session_is_not_known_is_not_looked_after() {
        assertThat(unanswered.sends(connection())).isNull();
        assertThat(unanswered.isLooking()).isFalse();
    }
}
