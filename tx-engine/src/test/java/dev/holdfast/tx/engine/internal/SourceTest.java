package dev.holdfast.tx.engine.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

/** Connections that are looked at after one was lost. */
class SourceTest {
    private static final int MANY = 300;
    private static final int BOUND_SECONDS = 20;

    /** Of a connection when it is looked at. */
    @FunctionalInterface
    private interface Look {
        boolean answer() throws SQLException;
    }

    private final AtomicInteger opened = new AtomicInteger();
    private final AtomicInteger closed = new AtomicInteger();
    private final AtomicInteger looks = new AtomicInteger();
    private volatile int networkTimeout;
    private volatile int networkTimeoutOfLook;

    /** Hides what it wraps, as some pools do: each one is a connection never seen before. */
    private DataSource unrecognisable(Look look) {
        return (DataSource) Proxy.newProxyInstance(
                SourceTest.class.getClassLoader(), new Class<?>[] {DataSource.class}, (self, method, arguments) -> {
                    if (!method.getName().equals("getConnection")) {
                        return method.getReturnType() == int.class ? 0 : null;
                    }
                    opened.incrementAndGet();
                    return connection(look);
                });
    }

    private Connection connection(Look look) {
        return (Connection) Proxy.newProxyInstance(
                SourceTest.class.getClassLoader(),
                new Class<?>[] {Connection.class},
                (self, method, arguments) -> switch (method.getName()) {
                    case "hashCode" -> System.identityHashCode(self);
                    case "equals" -> self == arguments[0];
                    case "isWrapperFor", "getAutoCommit" -> method.getName().equals("getAutoCommit");
                    case "isValid" -> {
                        networkTimeoutOfLook = networkTimeout;
                        looks.incrementAndGet();
                        yield look.answer();
                    }
                    case "getNetworkTimeout" -> networkTimeout;
                    case "setNetworkTimeout" -> {
                        assertThat(arguments[0]).isInstanceOf(Executor.class);
                        networkTimeout = (int) arguments[1];
                        yield null;
                    }
                    case "close" -> {
                        closed.incrementAndGet();
                        yield null;
                    }
                    case "toString" -> "a connection";
                    case "getTransactionIsolation" -> Connection.TRANSACTION_READ_COMMITTED; // asked by HikariCP
                    default -> method.getReturnType() == boolean.class ? Boolean.FALSE : null;
                });
    }

    @Test
    void nobodyIsLookedAtBeforeALoss() throws Exception {
        Source source = Source.of(unrecognisable(() -> true));
        source.acquire(null);
        assertThat(looks).hasValue(0);
    }

    @Test
    void connectionsThatAreNeverRecognisedAreNotLookedAtForEver() throws Exception {
        Source source = Source.of(unrecognisable(() -> true));
        source.lost();
        for (int i = 0; i < MANY; i++) {
            source.acquire(null);
        }
        assertThat(looks.get()).isBetween(1, MANY / 2);
        int before = looks.get();
        source.lost();
        source.acquire(null);
        assertThat(looks).as("after another loss").hasValue(before + 1);
    }

    @Test
    void aDeadOneIsClosed_andTheNextIsLent() throws Exception {
        AtomicInteger dead = new AtomicInteger(2);
        Source source = Source.of(unrecognisable(() -> dead.getAndDecrement() <= 0));
        source.lost();
        source.acquire(null);
        assertThat(opened).hasValue(3);
        assertThat(closed.get()).isGreaterThanOrEqualTo(2);
    }

    @Test
    void aDriverThatCannotTellIsBelieved() throws Exception {
        Source source = Source.of(unrecognisable(() -> {
            throw new SQLFeatureNotSupportedException();
        }));
        source.lost();
        source.acquire(null);
        Source older = Source.of(unrecognisable(() -> {
            throw new AbstractMethodError();
        }));
        older.lost();
        older.acquire(null);
        assertThat(opened).hasValue(2);
        assertThat(closed).hasValue(0);
    }

    /** Not every driver keeps to the limit of {@code isValid}. */
    @Test
    void anAnswerIsNotWaitedForForEver() throws Exception {
        Source source = Source.of(unrecognisable(() -> true));
        source.lost();
        source.acquire(null);
        assertThat(networkTimeoutOfLook).isBetween(1, 5_000);
        assertThat(networkTimeout).as("afterwards").isZero();
    }

    @Test
    void theDeadAreNotLookedForLongerThanThePoolWouldHaveACallerWait() {
        Duration patience = Duration.ofMillis(250);
        try (HikariDataSource pool = pool(() -> {
            LockSupport.parkNanos(patience.toNanos());
            return looks.get() > MANY;
        })) {
            pool.setConnectionTimeout(patience.toMillis());
            Source source = Source.of(pool);
            source.lost();
            assertThat(catchThrowable(() -> source.acquire(null)))
                    .isInstanceOf(SQLException.class)
                    .hasMessageContaining("was dead");
            assertThat(looks.get()).isBetween(1, MANY / 2);
            assertThat(closed.get()).isGreaterThanOrEqualTo(opened.get());
        }
    }

    /** Nobody waits for what it would find. */
    @Test
    void whoWasInterruptedLooksAtNoMore() {
        Source source = Source.of(unrecognisable(() -> {
            Thread.currentThread().interrupt();
            return looks.get() > MANY;
        }));
        source.lost();
        Throwable told = catchThrowable(() -> source.acquire(null));
        assertThat(Thread.interrupted()).isTrue();
        assertThat(told).isInstanceOf(SQLException.class).hasMessageContaining("Interrupted");
        assertThat(looks).hasValue(1);
    }

    /** By its name alone. */
    private HikariDataSource pool(Look look) {
        return new HikariDataSource() {
            @Override
            public Connection getConnection() {
                opened.incrementAndGet();
                return connection(look);
            }
        };
    }

    @Test
    void whoWaitsForAConnectionThatIsThrownAwayGetsAnother_thoughThePoolKeepsNoneIdle() throws Exception {
        List<Thread> ofThePool = new CopyOnWriteArrayList<>();
        HikariConfig config = new HikariConfig();
        config.setDataSource(unrecognisable(() -> true));
        config.setMaximumPoolSize(1);
        config.setMinimumIdle(0);
        config.setThreadFactory(work -> {
            Thread thread = new Thread(work);
            thread.setDaemon(true);
            ofThePool.add(thread);
            return thread;
        });
        try (HikariDataSource pool = new HikariDataSource(config)) {
            Source source = Source.of(pool);
            Connection dead = source.acquire(null);
            CompletableFuture<Connection> got = new CompletableFuture<>();
            Thread waiter = new Thread(() -> {
                try {
                    got.complete(source.acquire(null));
                } catch (Exception e) {
                    got.completeExceptionally(e);
                }
            });
            waiter.start();
            await(() -> waiter.getState() == Thread.State.TIMED_WAITING);
            await(() -> ofThePool.stream().noneMatch(SourceTest::isAtWork)); // it was found that there may be no more
            source.evict(dead);
            try (Connection another = got.get(BOUND_SECONDS, TimeUnit.SECONDS)) {
                assertThat(another).isNotNull();
            }
        }
    }

    private static void await(BooleanSupplier condition) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(BOUND_SECONDS);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).isLessThan(end);
            Thread.onSpinWait();
        }
    }

    /** Also if it sleeps in between. */
    private static boolean isAtWork(Thread thread) {
        return Arrays.stream(thread.getStackTrace())
                .anyMatch(call -> call.getClassName().startsWith("com.zaxxer.hikari"));
    }
}
