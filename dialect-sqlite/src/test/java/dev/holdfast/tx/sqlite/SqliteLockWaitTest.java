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
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Waits for the lock of a file that somebody else holds: a limit ends them, and the session is what it was. */
@Timeout(60)
class SqliteLockWaitTest {
    private static final String INSERT = "INSERT INTO t DEFAULT VALUES";
    private static final TxOptions NONE = TxOptions.none();
    private static final TxOptions DEFERRED = NONE.beginMode(BeginMode.DEFERRED);
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
            run(tx.connection(), INSERT);
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
        Thread waits = begun(() -> {
            insert(NONE);
            kept.set(Thread.interrupted());
        });
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

    /** Waits until a thread waits for a lock, and answers where. */
    static String awaitWaiting(Thread thread) {
        while (true) {
            String stack = List.of(thread.getStackTrace()).toString();
            if (thread.getState() == Thread.State.TIMED_WAITING && stack.contains("SqliteLockWait.waitFor")) {
                return stack;
            }
            Thread.onSpinWait();
        }
    }

    /** Something that waits, in a thread of its own. */
    static Thread begun(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        });
        thread.start();
        return thread;
    }

    @FunctionalInterface
    interface Work {
        void run() throws SQLException;
    }

    @FunctionalInterface
    private interface Executes {
        void on(Connection connection) throws SQLException;
    }

    private static Executes prepared(String sql, PreparedExecutes executes) {
        return connection -> {
            try (PreparedStatement statement = connection.prepareStatement(sql)) {
                executes.on(statement);
            }
        };
    }

    @FunctionalInterface
    private interface PreparedExecutes {
        void on(PreparedStatement statement) throws SQLException;
    }

    private static Executes plain(PlainExecutes executes) {
        return connection -> {
            try (Statement statement = connection.createStatement()) {
                executes.on(statement);
            }
        };
    }

    @FunctionalInterface
    private interface PlainExecutes {
        void on(Statement statement) throws SQLException;
    }

    private static Arguments of(String name, Executes executes) {
        return Arguments.of(Named.of(name, executes));
    }

    private static void set(PreparedStatement statement, int id) throws SQLException {
        statement.setInt(1, id);
    }

    static Stream<Arguments> executions() {
        String valued = "INSERT INTO t VALUES (?)";
        return Stream.of(
                of("execute", plain(statement -> statement.execute(INSERT))),
                of(
                        "executeUpdate",
                        plain(statement -> assertThat(statement.executeUpdate(INSERT + "; "))
                                .isEqualTo(1))),
                of("executeQuery", plain(statement -> {
                    try (ResultSet row = statement.executeQuery(INSERT + " RETURNING id")) {
                        assertThat(row.next()).isTrue();
                    }
                })),
                of("prepared execute", prepared(valued, statement -> {
                    set(statement, 7);
                    statement.execute();
                })),
                of("prepared executeUpdate", prepared(valued, statement -> {
                    set(statement, 7);
                    assertThat(statement.executeUpdate()).isEqualTo(1);
                })),
                of("prepared executeQuery", prepared(valued + " RETURNING id", statement -> {
                    set(statement, 7);
                    try (ResultSet row = statement.executeQuery()) {
                        assertThat(row.next()).isTrue();
                        assertThat(row.getInt(1)).isEqualTo(7);
                    }
                })));
    }

    @ParameterizedTest
    @MethodSource("executions")
    void a_statement_waits_in_no_native_code_and_is_done_once(Executes executes) throws Exception {
        waitsAndIsDone(() -> db.execute(DEFERRED, tx -> executes.on(tx.connection())), false, 1);
    }

    @ParameterizedTest
    @MethodSource("executions")
    void outside_of_a_transaction_as_well(Executes executes) throws Exception {
        waitsAndIsDone(
                () -> {
                    try (Connection connection = db.asDataSource().getConnection()) {
                        executes.on(connection);
                    }
                },
                false,
                1);
    }

    @ParameterizedTest
    @EnumSource(
            value = BeginMode.class,
            names = {"IMMEDIATE", "EXCLUSIVE"})
    void begin_waits_in_no_native_code(BeginMode mode) throws Exception {
        waitsAndIsDone(() -> insert(NONE.beginMode(mode)), false, 1);
    }

    static Stream<Arguments> unrepeatable() {
        return Stream.of(
                of("batch of texts", plain(statement -> {
                    statement.addBatch(INSERT);
                    statement.addBatch(INSERT);
                    assertThat(statement.executeBatch()).containsExactly(1, 1);
                })),
                of("batch of parameters", prepared("INSERT INTO t VALUES (?)", statement -> {
                    for (int id = 7; id < 9; id++) {
                        set(statement, id);
                        statement.addBatch();
                    }
                    assertThat(statement.executeBatch()).containsExactly(1, 1);
                })),
                of("two in one text", plain(statement -> statement.executeUpdate(INSERT + ";" + INSERT))));
    }

    @ParameterizedTest
    @MethodSource("unrepeatable")
    void what_cannot_be_sent_again_waits_in_the_driver_and_is_done_once(Executes executes) throws Exception {
        waitsAndIsDone(() -> db.execute(DEFERRED, tx -> executes.on(tx.connection())), true, 2);
    }

    private void waitsAndIsDone(Work work, boolean inDriver, int rows) throws Exception {
        Map<String, String> before = pooled();
        run(holder, "BEGIN IMMEDIATE");
        Thread waits = begun(work);
        String stack = awaitWaiting(waits);
        run(holder, "COMMIT");
        waits.join();
        assertThat(stack.contains("org.sqlite.core.NativeDB")).as(stack).isEqualTo(inDriver);
        assertThat(ask(holder, "SELECT count(*) FROM t")).isEqualTo(Integer.toString(rows));
        assertThat(pooled()).isEqualTo(before);
    }

    @Test
    void what_a_lent_connection_sets_holds_for_it() throws SQLException {
        run(holder, "BEGIN IMMEDIATE");
        try (Connection connection = db.asDataSource().getConnection()) {
            run(connection, "SELECT 1", "PRAGMA busy_timeout=300");
            assertThat(ask(connection, "PRAGMA busy_timeout")).isEqualTo("300");
            Duration taken = timeOf(
                    () -> assertThatThrownBy(() -> run(connection, INSERT)).hasMessageContaining("SQLITE_BUSY"));
            assertThat(taken).isBetween(SHORT, BOUND);
            assertThat(ask(connection, "PRAGMA busy_timeout")).isEqualTo("300");
        }
    }

    @Test
    void who_has_read_what_was_changed_since_is_told_at_once() throws SQLException {
        Duration taken = timeOf(() -> assertThatThrownBy(() -> db.execute(DEFERRED, tx -> {
                    ask(tx.connection(), "SELECT count(*) FROM t");
                    run(holder, INSERT);
                    run(tx.connection(), INSERT);
                }))
                .satisfies(thrown -> assertThat(db.classify(thrown))
                        .extracting(Failure::kind)
                        .isEqualTo(FailureKind.SERIALIZATION)));
        assertThat(taken).isLessThan(BOUND);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void a_wait_ends_when_its_statement_is_cancelled(boolean batch) throws Exception {
        run(holder, "BEGIN IMMEDIATE");
        AtomicReference<Statement> waiting = new AtomicReference<>();
        Thread waits = Thread.currentThread();
        Thread canceller = begun(() -> {
            awaitWaiting(waits);
            waiting.get().cancel();
        });
        Duration taken = timeOf(() -> assertThatThrownBy(() -> db.execute(DEFERRED, tx -> {
                    try (PreparedStatement statement = tx.connection().prepareStatement(INSERT)) {
                        waiting.set(statement);
                        if (batch) {
                            statement.addBatch();
                            statement.executeBatch();
                        } else {
                            statement.executeUpdate();
                        }
                    }
                }))
                .satisfies(thrown -> assertThat(db.classify(thrown))
                        .extracting(Failure::kind)
                        .isEqualTo(FailureKind.CANCELLED)));
        canceller.join();
        assertThat(taken).isLessThan(BOUND);
        run(holder, "COMMIT");
        insert(NONE); // which no cancel hits
    }

    /** Executes one statement with a query timeout, which the driver takes for its connection's busy_timeout. */
    private static void timed(Connection connection, int seconds, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.setQueryTimeout(seconds);
            try {
                statement.execute(sql);
            } finally {
                assertThat(statement.getQueryTimeout()).isEqualTo(seconds);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void a_limit_ends_a_wait_of_or_after_a_statement_with_a_query_timeout(boolean after) throws SQLException {
        Map<String, String> before = pooled();
        run(holder, "BEGIN IMMEDIATE");
        Duration taken = timeOf(() -> assertThatThrownBy(() -> db.execute(DEFERRED.statementTimeout(SHORT), tx -> {
                    timed(tx.connection(), 30, after ? "SELECT 1" : INSERT);
                    run(tx.connection(), INSERT);
                }))
                .satisfies(thrown -> assertThat(toldOf(thrown))
                        .isInstanceOfSatisfying(
                                TxTimeoutException.class,
                                told -> assertThat(told.limit()).isEqualTo(TxTimeoutException.Limit.STATEMENT))));
        assertThat(taken).isBetween(SHORT, BOUND);
        assertThat(pooled()).isEqualTo(before);
    }

    @Test
    void a_query_timeout_ends_a_wait_of_its_statement() throws SQLException {
        run(holder, "BEGIN IMMEDIATE");
        Duration taken =
                timeOf(() -> assertThatThrownBy(() -> db.execute(DEFERRED, tx -> timed(tx.connection(), 1, INSERT)))
                        .hasMessageContaining("SQLITE_BUSY"));
        assertThat(taken).isBetween(Duration.ofSeconds(1), BOUND);
    }

    @Test
    void a_lock_timeout_holds_after_a_statement_with_a_query_timeout() throws SQLException {
        run(holder, "BEGIN IMMEDIATE");
        Duration taken = timeOf(() -> assertThatThrownBy(() -> db.execute(DEFERRED.lockTimeout(SHORT), tx -> {
                    timed(tx.connection(), 30, "SELECT 1");
                    run(tx.connection(), INSERT);
                }))
                .hasMessageContaining("lock"));
        assertThat(taken).isBetween(SHORT, BOUND);
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
