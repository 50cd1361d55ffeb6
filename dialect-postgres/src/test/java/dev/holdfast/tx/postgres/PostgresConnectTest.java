package dev.holdfast.tx.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.holdfast.tx.BeginMode;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxOption;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.TxRejectedException;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.testkit.Sql;
import dev.holdfast.tx.testkit.server.ServerUrl;
import dev.holdfast.tx.testkit.server.TestServer;
import java.io.StringReader;
import java.net.ServerSocket;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.PGConnection;

/** {@code Holdfast.connect} on PostgreSQL, and what it is told that cannot be. */
class PostgresConnectTest {
    private final List<TxEvent> events = new CopyOnWriteArrayList<>();
    private Transactor db;

    @BeforeEach
    void connect() {
        ServerUrl server = TestServer.postgres(18).find();
        db = Holdfast.builder(server.url())
                .credentials(server.user(), server.password())
                .listener(events::add)
                .build();
        db.execute(tx -> {
            try (Statement statement = tx.connection().createStatement()) {
                statement.execute("drop table if exists connect_t");
                statement.execute("create table connect_t (id int primary key, v int)");
            }
        });
        events.clear();
    }

    @AfterEach
    void close() {
        db.close();
    }

    private void refused(TxOptions options, String... mentions) {
        assertThatThrownBy(() -> db.execute(options, tx -> tx.open()))
                .isInstanceOf(TxUnsupportedException.class)
                .satisfies(error -> assertThat(error.getMessage()).contains(mentions));
        assertThat(events).as("nothing was begun").isEmpty();
    }

    @Test
    void aBeginMode_isRefusedBeforeAnythingIsSent() throws Exception {
        refused(TxOptions.none().beginMode(BeginMode.IMMEDIATE), "SQLite");
    }

    @Test
    void anUnknownOption_isRefusedWithTheListOfTheKnown() throws Exception {
        refused(
                TxOptions.none().with(TxOption.of("mysql.consistentSnapshot", Boolean.class), true),
                "mysql.consistentSnapshot",
                PostgresOptions.DEFERRABLE.name());
    }

    @Test
    void anOptionThatTheServerLacks_isUnsupportedInANestedScopeToo_andPoisonsNothing() throws Exception {
        db.execute(tx -> {
            Sql.update(tx, "insert into connect_t values (1, 1)");
            assertThatThrownBy(() -> tx.execute(TxOptions.none().beginMode(BeginMode.IMMEDIATE), inner -> {}))
                    .isInstanceOf(TxUnsupportedException.class);
        });
        assertThat(Sql.ints(db, "select id from connect_t")).containsExactly(1);
    }

    @Test
    void connect_toADeadServer_isOneClearErrorWithoutThePassword() throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        assertThatThrownBy(() -> Holdfast.connect("jdbc:postgresql://localhost:" + port + "/none", "ann", "secret"))
                .isInstanceOf(TxException.class)
                .hasMessageContaining("localhost:" + port)
                .hasMessageContaining("check that the database runs")
                .hasMessageNotContaining("secret");
    }

    @Test
    void aLockOfAScopeThatHasEnded_isRefused() throws Exception {
        var handle = db.transact(tx -> tx);
        assertThatThrownBy(() -> handle.lock(RowLock.forUpdate(), "select 1 from connect_t {table-lock} {row-lock}"))
                .isInstanceOf(TxStateException.class)
                .hasMessageContaining("has ended");
    }

    @Test
    void separateScopesDeeperThanThePool_areRefusedAtOnce() throws Exception {
        assertThatThrownBy(() -> separate(db, 12))
                .isInstanceOf(TxRejectedException.class)
                .hasMessageContaining("hold 10 of the pool's 10 connection(s)");
    }

    private static void separate(Transactor db, int depth) {
        db.execute(TxOptions.none().propagation(Propagation.SEPARATE), tx -> {
            tx.open();
            if (depth > 1) {
                separate(db, depth - 1);
            }
        });
    }

    @Test
    void aRowLockThatSkips_leavesOutWhatAnotherTransactionHolds() throws Exception {
        Sql.update(db, "insert into connect_t values (1, 1), (2, 2), (3, 3)");
        String template = "select id from connect_t {table-lock} order by id {row-lock}";
        db.execute(tx -> {
            Sql.update(tx, "update connect_t set v = 9 where id = 2");
            List<Integer> others = db.transact(
                    TxOptions.none().propagation(Propagation.SEPARATE),
                    other -> Sql.ints(other, other.lock(RowLock.forUpdate().skipLocked(), template)));
            assertThat(others).containsExactly(1, 3);
        });
    }

    @Test
    void aRowLockThatWaitsForAWhile_isToldAsALockTimeout_andTheLimitIsGoneAfterwards() throws Exception {
        Sql.update(db, "insert into connect_t values (1, 1)");
        String template = "select id from connect_t {table-lock} {row-lock}";
        RowLock lock = RowLock.forUpdate().waitAtMost(Duration.ofMillis(100));
        db.execute(tx -> {
            Sql.update(tx, "update connect_t set v = 9");
            assertThatThrownBy(() -> db.execute(
                            TxOptions.none().propagation(Propagation.SEPARATE),
                            other -> Sql.ints(other, other.lock(lock, template))))
                    .satisfies(error -> assertThat(
                                    Objects.requireNonNull(db.classify(error)).kind())
                            .isEqualTo(FailureKind.LOCK_TIMEOUT));
        });
        db.execute(tx -> {
            assertThat(Sql.ints(tx, tx.lock(lock, template))).containsExactly(1);
            // the same text without the limit: nothing is left of it
            assertThat(Sql.ints(tx, tx.lock(RowLock.forUpdate(), template))).containsExactly(1);
            assertThat(Sql.ints(tx, "select case when current_setting('lock_timeout') = '0' then 1 else 0 end"))
                    .containsExactly(1);
        });
    }

    @Test
    void aSavepointScopeCanBeReadOnly_andTheOuterOneWritesAgainAfterwards() throws Exception {
        db.execute(tx -> {
            Sql.update(tx, "insert into connect_t values (1, 1)");
            assertThatThrownBy(() -> tx.execute(
                            TxOptions.none().propagation(Propagation.SAVEPOINT).readOnly(),
                            reader -> Sql.update(reader, "insert into connect_t values (2, 2)")))
                    .isInstanceOf(SQLException.class)
                    .satisfies(error -> assertThat(
                                    Objects.requireNonNull(db.classify(error)).kind())
                            .isEqualTo(FailureKind.READ_ONLY));
            tx.execute(
                    TxOptions.none().propagation(Propagation.SAVEPOINT).readOnly(),
                    reader -> assertThat(Sql.ints(reader, "select id from connect_t"))
                            .containsExactly(1));
            Sql.update(tx, "insert into connect_t values (3, 3)");
        });
        assertThat(Sql.ints(db, "select id from connect_t order by id")).containsExactly(1, 3);
    }

    @Test
    void theLevelAskedFor_isTheLevelOnTheServer() throws Exception {
        db.execute(
                TxOptions.of(Isolation.SERIALIZABLE),
                tx -> assertThat(Sql.ints(
                                tx,
                                "select case current_setting('transaction_isolation') when 'serializable' then 1 end"))
                        .containsExactly(1));
    }

    @Test
    void aCopyThroughTheDriversOwnConnection_cannotWriteInAReadOnlyTransaction() throws Exception {
        assertThatThrownBy(() -> db.execute(
                        TxOptions.none().readOnly(),
                        tx -> tx.connection()
                                .unwrap(PGConnection.class)
                                .getCopyAPI()
                                .copyIn("copy connect_t from stdin", new StringReader("7\t7\n"))))
                .isInstanceOf(SQLException.class)
                .satisfies(error -> assertThat(
                                Objects.requireNonNull(db.classify(error)).kind())
                        .isEqualTo(FailureKind.READ_ONLY));
        assertThat(Sql.ints(db, "select id from connect_t")).isEmpty();
    }

    @Test
    void aCopyThroughTheDriversOwnConnection_isPartOfTheTransaction() throws Exception {
        db.execute(tx -> assertThat(tx.connection()
                        .unwrap(PGConnection.class)
                        .getCopyAPI()
                        .copyIn("copy connect_t from stdin", new StringReader("7\t7\n")))
                .isEqualTo(1));
        assertThat(Sql.ints(db, "select id from connect_t")).containsExactly(7);
        assertThat(events)
                .as("the connection is shown to be as it was, and kept")
                .noneMatch(TxEvent.Evicted.class::isInstance);
    }

    @Test
    void aSchemaSetByTheCaller_isPutBackWithTheWholeSearchPath() throws Exception {
        try (Transactor one = Holdfast.builder(
                        new PostgresUnderTest(18).pool(new PostgresUnderTest(18).sessions(), 1, Identity.Autocommit.ON))
                .build()) {
            String before = one.transact(tx -> searchPath(tx.connection()));
            one.execute(tx -> {
                tx.connection().setSchema("pg_catalog");
                assertThat(searchPath(tx.connection())).isEqualTo("pg_catalog");
            });
            assertThat(one.<String>transact(tx -> searchPath(tx.connection())))
                    .isEqualTo(before)
                    .contains("$user");
        }
    }

    private static String searchPath(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("show search_path")) {
            row.next();
            return row.getString(1);
        }
    }

    @Test
    void aCommitInsideAStatementText_isFoundOutAndToldAsUnknown() throws Exception {
        assertThatThrownBy(() -> db.execute(tx -> {
                    try (Statement statement = tx.connection().createStatement()) {
                        statement.execute("insert into connect_t values (5, 5); commit");
                    }
                }))
                .isInstanceOf(TxOutcomeUnknownException.class)
                .hasMessageContaining("behind Holdfast's back");
    }

    @Test
    void aCommitInsideAStatementText_letsNoLaterStatementRunInAnotherTransaction() throws Exception {
        AtomicReference<Throwable> later = new AtomicReference<>();
        assertThatThrownBy(() -> db.execute(tx -> {
                    try (Statement statement = tx.connection().createStatement()) {
                        statement.execute("insert into connect_t values (6, 6); commit");
                        later.set(catchThrowable(() -> statement.execute("insert into connect_t values (7, 7)")));
                    }
                }))
                .isInstanceOf(TxOutcomeUnknownException.class)
                .hasMessageContaining("behind Holdfast's back");
        assertThat(later.get()).hasCauseInstanceOf(TxStateException.class);
        assertThat(db.<Integer>withConnection(connection -> {
                    try (Statement statement = connection.createStatement();
                            ResultSet row = statement.executeQuery("select count(*) from connect_t where id = 7")) {
                        row.next();
                        return row.getInt(1);
                    }
                }))
                .isZero();
    }

    @Test
    void anErrorOfTheDriversBeforeAnythingWasSent_endsNothing() throws Exception {
        db.execute(tx -> {
            String two = "insert into connect_t values (?, 0); insert into connect_t values (?, 0)";
            try (PreparedStatement statement = tx.connection().prepareStatement(two)) {
                assertThatThrownBy(statement::executeUpdate).isInstanceOf(SQLException.class);
            }
            Sql.update(tx, "insert into connect_t values (1, 1)");
        });
        assertThat(Sql.ints(db, "select id from connect_t")).containsExactly(1);
    }
}
