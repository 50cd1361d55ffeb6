package dev.holdfast.tx.sqlite;

import static dev.holdfast.tx.sqlite.Database.ask;
import static dev.holdfast.tx.sqlite.Database.run;
import static dev.holdfast.tx.sqlite.Database.session;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.BeginMode;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxTimeoutException;
import dev.holdfast.tx.engine.Holdfast;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Waits for the lock of a file that somebody else holds: a limit ends them, and the session is what it was. */
@Timeout(60)
class SqliteLockWaitTest {
    private static final TxOptions NONE = TxOptions.none();
    private static final Duration SHORT = Duration.ofMillis(300);
    /** Much longer than the limits, and shorter than what the connections wait for a lock. */
    private static final Duration BOUND = Duration.ofSeconds(10);

    @TempDir
    Path folder;

    private HikariDataSource pool;
    private Transactor db;
    private Connection holder;

    @BeforeEach
    void open() throws SQLException {
        String url = "jdbc:sqlite:" + folder.resolve("t.db");
        holder = DriverManager.getConnection(url);
        run(holder, "PRAGMA journal_mode=WAL", "CREATE TABLE t (id INTEGER PRIMARY KEY)");
        pool = new HikariDataSource();
        pool.setJdbcUrl(url);
        pool.setMaximumPoolSize(1);
        pool.addDataSourceProperty("busy_timeout", "40000");
        db = Holdfast.builder(pool).build();
    }

    @AfterEach
    void close() throws SQLException {
        holder.close();
        pool.close();
    }

    private Map<String, String> pooled() throws SQLException {
        try (Connection connection = pool.getConnection()) {
            return session(connection);
        }
    }

    private void insert(TxOptions options) throws SQLException {
        db.execute(options, tx -> {
            run(tx.connection(), "INSERT INTO t DEFAULT VALUES");
        });
    }

    private static Duration timeOf(Runnable work) {
        long begun = System.nanoTime();
        work.run();
        return Duration.ofNanos(System.nanoTime() - begun);
    }

    private static TxException toldOf(Throwable thrown) {
        return Stream.iterate(thrown, error -> error != null, Throwable::getCause)
                .filter(TxException.class::isInstance)
                .map(TxException.class::cast)
                .reduce((outer, inner) -> inner)
                .orElseThrow(() -> new AssertionError(thrown));
    }

    static Stream<TxOptions> limits() {
        return Stream.of(NONE.statementTimeout(SHORT), NONE.wholeTimeout(SHORT))
                .flatMap(limit -> Stream.of(
                        limit,
                        limit.beginMode(BeginMode.EXCLUSIVE),
                        limit.beginMode(BeginMode.DEFERRED),
                        limit.lockTimeout(Duration.ofSeconds(30))));
    }

    @ParameterizedTest
    @MethodSource("limits")
    void a_limit_of_the_work_ends_a_wait_and_is_told(TxOptions options) throws SQLException {
        insert(NONE);
        Map<String, String> before = pooled();
        run(holder, "BEGIN IMMEDIATE");
        Duration taken = timeOf(() -> assertThatThrownBy(() -> insert(options)).satisfies(thrown -> {
            assertThat(toldOf(thrown)).isInstanceOf(TxTimeoutException.class);
            TxTimeoutException told = (TxTimeoutException) toldOf(thrown);
            assertThat(told.limit())
                    .isEqualTo(
                            options.wholeTimeout() == null
                                    ? TxTimeoutException.Limit.STATEMENT
                                    : TxTimeoutException.Limit.WHOLE);
            assertThat(told.length()).isEqualTo(SHORT);
        }));
        assertThat(taken).isBetween(SHORT, BOUND);
        run(holder, "COMMIT");
        assertThat(pooled()).isEqualTo(before);
        insert(NONE);
        assertThat(ask(holder, "SELECT count(*) FROM t")).isEqualTo("2");
    }

    @Test
    void a_whole_timeout_of_which_a_part_has_passed_ends_a_wait_at_its_time() throws SQLException {
        Duration whole = Duration.ofSeconds(3);
        run(holder, "BEGIN IMMEDIATE");
        Duration taken = timeOf(() -> assertThatThrownBy(() ->
                        db.execute(NONE.beginMode(BeginMode.DEFERRED).wholeTimeout(whole), tx -> {
                            long slow =
                                    System.nanoTime() + Duration.ofMillis(2_500).toNanos();
                            while (System.nanoTime() < slow) {
                                Thread.onSpinWait();
                            }
                            run(tx.connection(), "INSERT INTO t DEFAULT VALUES");
                        }))
                .isInstanceOf(SQLException.class));
        assertThat(taken).isBetween(whole, whole.plusSeconds(2));
    }

    @Test
    void an_interrupt_of_the_thread_neither_ends_a_wait_nor_is_lost() throws Exception {
        run(holder, "BEGIN IMMEDIATE");
        AtomicBoolean kept = new AtomicBoolean();
        Thread waits = new Thread(() -> {
            try {
                insert(NONE);
                kept.set(Thread.interrupted());
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        });
        waits.start();
        awaitWaiting(waits);
        waits.interrupt();
        while (waits.isInterrupted()) { // until the wait has seen it
            Thread.onSpinWait();
        }
        awaitWaiting(waits);
        run(holder, "COMMIT");
        waits.join();
        assertThat(kept).isTrue();
        assertThat(ask(holder, "SELECT count(*) FROM t")).isEqualTo("1");
    }

    private static void awaitWaiting(Thread thread) {
        while (thread.getState() != Thread.State.TIMED_WAITING
                || !List.of(thread.getStackTrace()).toString().contains("SqliteLockWait.callback")) {
            Thread.onSpinWait();
        }
    }

    @Test
    void a_lock_timeout_is_as_long_as_was_said_and_told_as_such() throws SQLException {
        insert(NONE);
        Map<String, String> before = pooled();
        run(holder, "BEGIN IMMEDIATE");
        Duration taken = timeOf(() -> assertThatThrownBy(() -> insert(NONE.lockTimeout(SHORT)))
                .satisfies(thrown -> {
                    TxTimeoutException told = (TxTimeoutException) toldOf(thrown);
                    assertThat(told.limit()).isEqualTo(TxTimeoutException.Limit.LOCK);
                    assertThat(told.failure()).extracting(Failure::kind).isEqualTo(FailureKind.LOCK_TIMEOUT);
                }));
        assertThat(taken).isBetween(SHORT, BOUND);
        assertThat(pooled()).isEqualTo(before);
    }

    @Test
    void the_connections_own_busy_timeout_is_as_long_as_it_was() throws SQLException {
        try (Connection connection = pool.getConnection()) {
            run(connection, "PRAGMA busy_timeout=300");
        }
        Map<String, String> before = pooled();
        assertThat(before).containsEntry("busy_timeout", "300");
        run(holder, "BEGIN IMMEDIATE");
        Duration taken = timeOf(() -> assertThatThrownBy(() -> insert(NONE)).hasMessageContaining("SQLITE_BUSY"));
        assertThat(taken).isBetween(SHORT, BOUND);
        assertThat(pooled()).isEqualTo(before);
    }
}
