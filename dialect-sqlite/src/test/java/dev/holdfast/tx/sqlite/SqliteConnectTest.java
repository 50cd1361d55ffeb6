package dev.holdfast.tx.sqlite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.BeginMode;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRejectedException;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.UnmanagedTx;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.Sql;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code Holdfast.connect} on a SQLite file: one writer, several readers. */
class SqliteConnectTest {
    private Path file = Path.of("unset");
    private Transactor db;

    @BeforeEach
    void connect() throws IOException, SQLException {
        file = Files.createTempFile(Files.createDirectories(Path.of("target", "databases")), "connect", ".db");
        db = Holdfast.connect("jdbc:sqlite:" + file);
        db.withConnection(connection -> execute(connection, "create table t (id integer primary key, v int)"));
    }

    @AfterEach
    void close() {
        db.close();
    }

    private static boolean execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            return statement.execute(sql);
        }
    }

    private static String pragma(Connection connection, String name) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("pragma " + name)) {
            row.next();
            return row.getString(1);
        }
    }

    @Test
    void connect_aFile_isInWalModeWithForeignKeysOnAndABusyTimeout() throws Exception {
        db.execute(tx -> {
            assertThat(pragma(tx.connection(), "journal_mode")).isEqualTo("wal");
            assertThat(pragma(tx.connection(), "foreign_keys")).isEqualTo("1");
        });
        String busyTimeout = db.withConnection(connection -> pragma(connection, "busy_timeout"));
        assertThat(busyTimeout).isEqualTo("5000");
        db.execute(TxOptions.none().readOnly(), tx -> {
            assertThat(pragma(tx.connection(), "foreign_keys")).isEqualTo("1");
            assertThat(pragma(tx.connection(), "query_only")).isEqualTo("1");
        });
    }

    @Test
    void readOnly_whileTheWriterIsBusy_readsTheLastCommit() throws Exception {
        db.execute(tx -> {
            Sql.insert(tx, "t", 1);
            List<Integer> seen = db.transact(
                    TxOptions.none().readOnly().propagation(Propagation.SEPARATE),
                    reader -> Sql.ints(reader, "select id from t"));
            assertThat(seen).isEmpty();
        });
        assertThat(db.<List<Integer>>transact(
                        TxOptions.none().readOnly(), reader -> Sql.ints(reader, "select id from t")))
                .containsExactly(1);
    }

    @Test
    void readOnlyHint_isRoutedToAReader() throws Exception {
        assertThat(db.<String>transact(TxOptions.none().readOnlyHint(), tx -> pragma(tx.connection(), "query_only")))
                .isEqualTo("1");
    }

    @Test
    void aWriteInAReadOnlyTransaction_isToldAsReadOnly() throws Exception {
        assertThatThrownBy(() -> db.execute(TxOptions.none().readOnly(), tx -> Sql.insert(tx, "t", 1)))
                .isInstanceOf(SQLException.class)
                .satisfies(error -> assertThat(
                                Objects.requireNonNull(db.classify(error)).kind())
                        .isEqualTo(FailureKind.READ_ONLY));
    }

    @Test
    void separate_insideAWriter_isRefusedAtOnceInsteadOfWaitingForItself() throws Exception {
        db.execute(tx -> {
            Sql.insert(tx, "t", 1);
            assertThatThrownBy(
                            () -> db.execute(TxOptions.none().propagation(Propagation.SEPARATE), inner -> inner.open()))
                    .isInstanceOf(TxRejectedException.class)
                    .hasMessageContaining("would wait for its own caller");
        });
        assertThat(Sql.ints(db, "select id from t")).containsExactly(1);
    }

    @Test
    void begin_insideAWriter_isRefusedAtItsFirstStatement() throws Exception {
        db.execute(tx -> {
            Sql.insert(tx, "t", 1);
            try (UnmanagedTx other = db.begin()) {
                assertThatThrownBy(other::open).isInstanceOf(TxRejectedException.class);
            }
            assertThatThrownBy(() -> db.executeOutside(() -> Sql.insert(db, "t", 2)))
                    .isInstanceOf(SQLException.class)
                    .hasCauseInstanceOf(TxRejectedException.class);
        });
    }

    @Test
    void aDeferredTransactionThatReadsAndThenWrites_isRetriedWhenAnotherCommitsBetween() throws Exception {
        Sql.insert(db, "t", 1);
        AtomicInteger runs = new AtomicInteger();
        try (Transactor second = Holdfast.connect("jdbc:sqlite:" + file)) {
            db.execute(TxOptions.none().beginMode(BeginMode.DEFERRED).retry(RetryPolicy.attempts(3)), tx -> {
                int v = Sql.ints(tx, "select v from t where id = 1").get(0);
                if (runs.incrementAndGet() == 1) {
                    db.outside(() -> Sql.update(second, "update t set v = v + 1 where id = 1"));
                }
                Sql.update(tx, "update t set v = ? where id = 1", v + 10);
            });
        }
        assertThat(runs).hasValue(2);
        assertThat(Sql.ints(db, "select v from t")).containsExactly(11);
    }

    @Test
    void close_thenUse_saysThatItWasClosed() throws Exception {
        db.close();
        assertThatThrownBy(() -> db.execute(tx -> {}))
                .isInstanceOf(TxStateException.class)
                .hasMessageContaining("was closed");
        assertThatThrownBy(() -> db.begin()).isInstanceOf(TxStateException.class);
        assertThatThrownBy(() -> db.withConnection(connection -> 1)).isInstanceOf(TxStateException.class);
    }

    @Test
    void refusals_takeNoConnection() throws Exception {
        // The only writer is held by another thread: whoever needed a connection would wait for it.
        CountDownLatch held = new CountDownLatch(1);
        CountDownLatch done = new CountDownLatch(1);
        Thread holder = new Thread(() -> db.execute(tx -> {
            tx.open();
            held.countDown();
            done.await(60, TimeUnit.SECONDS);
        }));
        holder.start();
        try {
            assertThat(held.await(60, TimeUnit.SECONDS)).isTrue();
            refused(TxOptions.none().deferConstraints("fk_a"), "by name");
            refused(TxOptions.none().checkConstraintsImmediately(), "IMMEDIATE");
            refused(TxOptions.none().reads(dev.holdfast.tx.Reads.replica()), "read-only");
            refused(TxOptions.none().readOnly().beginMode(BeginMode.EXCLUSIVE), "EXCLUSIVE");
        } finally {
            done.countDown();
            holder.join();
        }
    }

    private void refused(TxOptions options, String mention) {
        assertThatThrownBy(() -> db.execute(options, tx -> tx.open()))
                .isInstanceOf(TxUnsupportedException.class)
                .hasMessageContaining(mention);
    }

    @Test
    void rowLocks_areSatisfiedByTheWriteLock_andRefusedWithoutIt() throws Exception {
        String template = "select id from t {table-lock} order by id {row-lock}";
        db.execute(tx -> {
            Sql.insert(tx, "t", 1);
            assertThat(Sql.ints(tx, tx.lock(RowLock.forUpdate().noWait(), template)))
                    .containsExactly(1);
            assertThatThrownBy(() -> tx.lock(RowLock.forUpdate().skipLocked(), template))
                    .isInstanceOf(TxUnsupportedException.class);
            assertThatThrownBy(() -> tx.lock(RowLock.forUpdate(), "select id from t {row-lock}"))
                    .isInstanceOf(IllegalArgumentException.class);
        });
        assertThatThrownBy(() -> db.execute(TxOptions.none().readOnly(), tx -> tx.lock(RowLock.forUpdate(), template)))
                .isInstanceOf(TxUnsupportedException.class);
    }

    @Test
    void connect_toMemory_keepsItsOneConnection() throws Exception {
        try (Transactor memory = Holdfast.connect("jdbc:sqlite::memory:")) {
            memory.withConnection(connection -> execute(connection, "create table m (id int, v int)"));
            memory.execute(tx -> Sql.insert(tx, "m", 1));
            assertThat(memory.<List<Integer>>transact(
                            TxOptions.none().readOnly(), tx -> Sql.ints(tx, "select id from m")))
                    .containsExactly(1);
        }
    }

    @Test
    void connect_toAFolderThatDoesNotExist_isOneClearError() throws Exception {
        assertThatThrownBy(() -> Holdfast.connect("jdbc:sqlite:target/no/such/folder/x.db"))
                .isInstanceOf(TxException.class)
                .hasMessageContaining("could be opened");
    }

    @Test
    void explain_asksNobodyAndShowsThePlan() throws Exception {
        assertThat(db.explain(TxOptions.of(Isolation.SERIALIZABLE)))
                .contains("BEGIN IMMEDIATE")
                .contains("COMMIT");
        Consumer<String> line = text -> assertThat(text).isNotBlank();
        assertThat(db.explain(TxOptions.none().readOnly()).lines()).allSatisfy(line);
    }

    @Test
    void aPoolThatTheCallerHasClosed_isToldByTheFirstStatement_andWhileBuilding() throws Exception {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl("jdbc:sqlite:" + file);
        HikariDataSource pool = new HikariDataSource(config);
        try (Transactor other = Holdfast.builder(pool).build()) {
            pool.close();
            other.execute(tx -> {}); // sends nothing, and so needs no pool
            assertThatThrownBy(() -> other.execute(tx -> Sql.insert(tx, "t", 1)))
                    .isInstanceOf(SQLException.class)
                    .hasMessageContaining("has been closed");
        }
        assertThatThrownBy(() -> Holdfast.builder(pool).build())
                .isInstanceOf(TxException.class)
                .hasMessageContaining("has been closed")
                .hasMessageContaining("check that the database runs");
    }

    @Test
    void a_separate_pool_is_no_second_writer_so_one_inside_a_writer_is_refused_at_once() {
        try (Transactor two =
                Holdfast.builder("jdbc:sqlite:" + file).separatePool(1).build()) {
            TxOptions separate = TxOptions.none().propagation(Propagation.SEPARATE);
            two.execute(tx -> {
                Sql.update(tx, "insert into t (id, v) values (1, 0)");
                assertThatThrownBy(() -> two.execute(
                                separate, inner -> Sql.update(inner, "insert into t (id, v) values (2, 0)")))
                        .hasCauseInstanceOf(TxRejectedException.class)
                        .hasMessageContaining("single writer");
                two.execute(
                        separate.beginMode(BeginMode.DEFERRED),
                        inner -> assertThat(Sql.ints(inner, "select id from t")).isEmpty());
            });
        }
    }

    @Test
    void a_database_in_memory_lives_in_its_one_pool_so_a_separate_one_is_refused() {
        assertThatThrownBy(() ->
                        Holdfast.builder("jdbc:sqlite::memory:").separatePool(1).build())
                .isInstanceOf(TxUnsupportedException.class)
                .hasMessageContaining("lives in the connections");
    }
}
