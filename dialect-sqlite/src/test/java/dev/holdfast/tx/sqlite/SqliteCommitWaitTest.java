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
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.engine.Holdfast;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Without a write-ahead log a COMMIT waits for those who read: in no native code, and as long as the connection says. */
@Timeout(60)
class SqliteCommitWaitTest {
    private static final String INSERT = "INSERT INTO t DEFAULT VALUES";
    private static final TxOptions NONE = TxOptions.none();

    @TempDir
    Path folder;

    private Connection reader;
    private HikariDataSource pool;
    private Transactor db;

    @BeforeEach
    void open() throws SQLException {
        reader = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("t.db"));
        run(reader, "CREATE TABLE t (id INTEGER PRIMARY KEY)");
        pool = waiting(40_000);
        db = Holdfast.builder(pool).build();
    }

    private HikariDataSource waiting(int busyTimeout) {
        HikariDataSource waiting = new HikariDataSource();
        waiting.setJdbcUrl("jdbc:sqlite:" + folder.resolve("t.db"));
        waiting.setMaximumPoolSize(1);
        waiting.addDataSourceProperty("busy_timeout", Integer.toString(busyTimeout));
        return waiting;
    }

    @AfterEach
    void close() throws SQLException {
        reader.close();
        pool.close();
    }

    private void insert(TxOptions options) throws SQLException {
        db.execute(options, tx -> {
            run(tx.connection(), INSERT);
        });
    }

    private Map<String, String> pooled() throws SQLException {
        try (Connection connection = pool.getConnection()) {
            return session(connection);
        }
    }

    private void reads() throws SQLException {
        run(reader, "BEGIN");
        ask(reader, "SELECT count(*) FROM t");
    }

    static Stream<TxOptions> options() {
        return Stream.of(NONE, NONE.lockTimeout(Duration.ofMillis(300)));
    }

    @ParameterizedTest
    @MethodSource("options")
    void a_commit_waits_in_no_native_code_until_nobody_reads(TxOptions options) throws Exception {
        Map<String, String> before = pooled();
        reads();
        Thread waits = SqliteLockWaitTest.begun(() -> insert(options));
        String stack = SqliteLockWaitTest.awaitWaiting(waits);
        run(reader, "COMMIT");
        waits.join();
        assertThat(stack).contains("Committing.commit").doesNotContain("org.sqlite.core.NativeDB");
        assertThat(ask(reader, "SELECT count(*) FROM t")).isEqualTo("1");
        assertThat(pooled()).isEqualTo(before);
    }

    @ParameterizedTest
    @MethodSource("options")
    void a_commit_that_has_waited_for_too_long_rolls_back(TxOptions options) throws SQLException {
        pool.close();
        pool = waiting(500);
        db = Holdfast.builder(pool).build();
        Map<String, String> before = pooled();
        reads();
        assertThatThrownBy(() -> insert(options))
                .isInstanceOfSatisfying(
                        TxRolledBackException.class, told -> assertThat(told).hasStackTraceContaining("SQLITE_BUSY"));
        assertThat(ask(reader, "SELECT count(*) FROM t")).isEqualTo("0");
        run(reader, "COMMIT");
        insert(options);
        assertThat(pooled()).isEqualTo(before);
    }

    @Test
    void of_two_who_have_read_and_want_to_write_one_is_told_at_once() throws SQLException {
        long begun = System.nanoTime();
        assertThatThrownBy(() -> db.execute(NONE.beginMode(BeginMode.DEFERRED), tx -> {
                    ask(tx.connection(), "SELECT count(*) FROM t");
                    reads();
                    run(reader, INSERT);
                    run(tx.connection(), INSERT);
                }))
                .satisfies(thrown -> assertThat(db.classify(thrown))
                        .extracting(Failure::kind)
                        .isEqualTo(FailureKind.LOCK_TIMEOUT));
        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(10));
        run(reader, "COMMIT");
        assertThat(ask(reader, "SELECT count(*) FROM t")).isEqualTo("1");
    }
}
