package dev.holdfast.tx.mysql;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.ConnectionScope;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.DriverSessions;
import dev.holdfast.tx.testkit.Facts;
import dev.holdfast.tx.testkit.Sql;
import dev.holdfast.tx.testkit.fault.CountingProxy;
import java.net.URI;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What becomes of a transaction of the engine's after an error in a nested scope, or at COMMIT: of what kind the error is
 * told to be, with what effect and outcome, and which rows are there. On pools with autocommit on and off.
 */
class OutcomesOnServerTest extends RealServerTest {
    private static final TxOptions NONE = TxOptions.none();
    private static final TxOptions SHORT = NONE.lockTimeout(Duration.ofSeconds(1));
    private static final String ROW_1 = "UPDATE item SET n = 2 WHERE id = 1";

    private CountingProxy proxy;
    private final List<AutoCloseable> opened = new ArrayList<>();

    /** Whether the server ends a transaction that has waited for a row for too long. */
    boolean endsOnTimeout() {
        return false;
    }

    @BeforeEach
    void startProxy() {
        URI address = ServerAndDriver.address(server());
        proxy = CountingProxy.before(address.getHost(), address.getPort());
        opened.add(proxy);
    }

    @AfterEach
    void closeEverything() throws Exception {
        for (int i = opened.size() - 1; i >= 0; i--) {
            opened.get(i).close();
        }
        open().run("SET GLOBAL read_only = 0");
    }

    private Transactor db(boolean autocommit) {
        return db(autocommit, server().user(), server().password());
    }

    private Transactor db(boolean autocommit, String user, String password) {
        HikariConfig config = new HikariConfig();
        config.setDataSource(DriverSessions.of(on.url("localhost", proxy.port(), database()), user, password)
                .with("allowMultiQueries", "true"));
        config.setMaximumPoolSize(1);
        config.setAutoCommit(autocommit);
        HikariDataSource pool = new HikariDataSource(config);
        opened.add(pool);
        Transactor db = Holdfast.builder(pool).dialect(DIALECT).build();
        opened.add(db);
        return db;
    }

    /** Of a user that may not write while the server is read-only. */
    private Transactor weak(boolean autocommit) throws SQLException {
        String user = database() + "w";
        open().run(
                        "CREATE USER IF NOT EXISTS " + accounts(user, " IDENTIFIED BY 'x'"),
                        "GRANT ALL ON " + database() + ".* TO " + accounts(user, ""));
        return db(autocommit, user, "x");
    }

    @FunctionalInterface
    private interface Mishap {
        void happen(Tx tx) throws Exception;
    }

    private static void insert(ConnectionScope scope, int id) throws SQLException {
        Sql.update(scope, "INSERT INTO item VALUES (" + id + ", 0)");
    }

    private static String id(ConnectionScope scope) throws SQLException {
        return String.valueOf(Sql.ints(scope, "SELECT CONNECTION_ID()").get(0));
    }

    // ---- in a nested scope

    /** Writes row 50, has the mishap in a nested scope, catches what it throws, and writes row 51 regardless. */
    private void assertAfter(
            String what, Transactor db, TxOptions options, Mishap mishap, FailureKind kind, FailureEffect effect)
            throws Exception {
        AtomicReference<@Nullable Throwable> caught = new AtomicReference<>();
        AtomicReference<@Nullable Failure> failure = new AtomicReference<>();
        AtomicReference<@Nullable Outcome> outcome = new AtomicReference<>();
        AtomicReference<@Nullable Throwable> next = new AtomicReference<>();
        boolean[] rollbackOnly = new boolean[1];
        Throwable thrown = Facts.thrownBy(() -> db.execute(options, tx -> {
            tx.afterCompletion(outcome::set);
            boolean writes = options.access() == null;
            if (writes) {
                insert(tx, 50);
            }
            Throwable nested = Facts.thrownBy(() -> tx.executeNested(mishap::happen));
            caught.set(nested);
            failure.set(nested == null ? null : tx.classify(nested));
            rollbackOnly[0] = tx.isRollbackOnly();
            if (writes) {
                next.set(Facts.thrownBy(() -> insert(tx, 51)));
            }
        }));
        Failure told = Objects.requireNonNull(failure.get(), what);
        assertIs(told, kind, effect);
        boolean goesOn = effect == FailureEffect.NONE;
        assertThat(rollbackOnly[0]).as("the root is told at once").isNotEqualTo(goesOn);
        assertThat(next.get() == null).as("what comes next is done").isEqualTo(goesOn);
        if (goesOn) {
            assertThat(thrown).isNull();
            assertThat(outcome.get()).isInstanceOf(Outcome.Committed.class);
        } else {
            assertThat(thrown).isInstanceOf(TxRolledBackException.class);
            assertThat(Objects.requireNonNull(thrown).getCause())
                    .as("the error that was caught, or the driver's in it")
                    .isIn(caught.get(), told.error());
            assertThat(outcome.get()).isInstanceOf(Outcome.RolledBack.class);
        }
        assertThat(count("id IN (50, 51)")).isEqualTo(goesOn && options.access() == null ? 2 : 0);
        print(what, told, outcome.get());
        assertOfUse(db);
    }

    private void print(String what, @Nullable Failure failure, @Nullable Outcome outcome) {
        System.out.printf(
                "%-27s %-40s %-28s %-8s %s%n",
                on + (endsOnTimeout() ? " *" : ""),
                what + (failure == null ? "" : ", " + failure.sqlState() + "/" + failure.vendorCode()),
                failure == null ? "" : failure.kind(),
                failure == null ? "" : failure.effect(),
                outcome == null ? "" : outcome.getClass().getSimpleName());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void the_victim_of_a_deadlock_is_gone_with_every_scope(boolean autocommit) throws Exception {
        RawSession other = open();
        other.run("START TRANSACTION", "UPDATE item SET n = 1 WHERE id = 1");
        for (int id = 70; id < 90; id++) { // the victim is the one that has written less
            other.run("INSERT INTO item VALUES (" + id + ", 0)");
        }
        List<CompletableFuture<Void>> waiting = new ArrayList<>();
        assertAfter(
                "deadlock",
                db(autocommit),
                NONE,
                inner -> {
                    Sql.update(inner, "UPDATE item SET n = 2 WHERE id = 2");
                    waiting.add(meanwhile(() -> {
                        other.run("UPDATE item SET n = 1 WHERE id = 2", "ROLLBACK");
                        return null;
                    }));
                    awaitWaiting(other);
                    Sql.update(inner, ROW_1);
                },
                FailureKind.DEADLOCK,
                FailureEffect.ENDED);
        finished(waiting.get(0));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_lock_that_is_not_had_in_time_costs_its_scope_alone_unless_the_server_ends_all(boolean autocommit)
            throws Exception {
        RawSession holder = holder();
        assertAfter(
                "lock timeout",
                db(autocommit),
                SHORT,
                inner -> Sql.update(inner, ROW_1),
                FailureKind.LOCK_TIMEOUT,
                endsOnTimeout() ? FailureEffect.ENDED : FailureEffect.NONE);
        holder.run("ROLLBACK");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_lock_that_must_not_wait_costs_its_scope_alone_unless_it_is_a_timeout_to_the_server(boolean autocommit)
            throws Exception {
        RawSession holder = holder();
        assertAfter(
                "no wait",
                db(autocommit),
                NONE,
                inner -> Sql.ints(
                        inner,
                        inner.lock(
                                RowLock.forUpdate().noWait(),
                                "select id from item {table-lock} where id = 1 {row-lock}")),
                FailureKind.LOCK_NOT_AVAILABLE,
                endsOnTimeout() && on.isMariadb() ? FailureEffect.ENDED : FailureEffect.NONE);
        holder.run("ROLLBACK");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void what_has_changed_since_the_snapshot_ends_every_scope(boolean autocommit) throws Exception {
        Assumptions.assumeTrue(on.isMariadb(), "MySQL has no snapshots that conflict");
        assertAfter(
                "conflict",
                db(autocommit),
                NONE.isolation(Isolation.SNAPSHOT),
                inner -> {
                    Sql.ints(inner, "SELECT n FROM item");
                    open().run("UPDATE item SET n = 5 WHERE id = 1");
                    Sql.update(inner, ROW_1);
                },
                FailureKind.SERIALIZATION,
                FailureEffect.ENDED);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_write_in_a_read_only_transaction_costs_its_scope_alone(boolean autocommit) throws Exception {
        assertAfter(
                "write in READ ONLY",
                db(autocommit),
                NONE.readOnly(),
                inner -> Sql.update(inner, ROW_1),
                FailureKind.READ_ONLY,
                FailureEffect.NONE);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_write_on_a_server_that_is_read_only_costs_its_scope_alone(boolean autocommit) throws Exception {
        RawSession admin = open();
        assertAfter(
                "write on a read-only server",
                weak(autocommit),
                NONE,
                inner -> {
                    admin.run("SET GLOBAL read_only = 1");
                    Throwable refused = Facts.thrownBy(() -> Sql.update(inner, ROW_1));
                    admin.run("SET GLOBAL read_only = 0");
                    throw (SQLException) Objects.requireNonNull(refused);
                },
                FailureKind.NOT_PRIMARY,
                FailureEffect.NONE);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_session_that_is_killed_takes_every_scope_with_it(boolean autocommit) throws Exception {
        assertAfter(
                "KILL before a statement",
                db(autocommit),
                NONE,
                inner -> {
                    String id = id(inner);
                    open().run("KILL " + id);
                    awaitGone(id);
                    Sql.update(inner, ROW_1);
                },
                FailureKind.CONNECTION_LOST,
                FailureEffect.LOST);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_statement_that_is_killed_costs_its_scope_alone(boolean autocommit) throws Exception {
        RawSession holder = holder();
        assertAfter(
                "KILL QUERY",
                db(autocommit),
                NONE,
                inner -> {
                    String id = id(inner);
                    CompletableFuture<Void> killed = meanwhile(() -> {
                        awaitWaiting(id);
                        open().run("KILL QUERY " + id);
                        return null;
                    });
                    Throwable error = Facts.thrownBy(() -> Sql.update(inner, ROW_1));
                    finished(killed);
                    throw (SQLException) Objects.requireNonNull(error);
                },
                FailureKind.CANCELLED,
                FailureEffect.NONE);
        holder.run("ROLLBACK");
    }

    // ---- at COMMIT

    /** Writes row 50, and has the mishap right before COMMIT. */
    private void assertAtCommit(
            String what,
            Transactor db,
            Mishap beforeCommit,
            @Nullable Class<? extends Throwable> thrown,
            Class<? extends Outcome> expected)
            throws Exception {
        AtomicReference<@Nullable Outcome> outcome = new AtomicReference<>();
        Throwable told = Facts.thrownBy(() -> db.execute(tx -> {
            tx.afterCompletion(outcome::set);
            insert(tx, 50);
            tx.beforeCommit(() -> beforeCommit.happen(tx));
        }));
        print(what, told == null ? null : db.classify(told), outcome.get());
        if (thrown == null) {
            assertThat(told).isNull();
        } else {
            assertThat(told).isInstanceOf(thrown);
        }
        assertThat(outcome.get()).isInstanceOf(expected);
    }

    /** The next transaction is done, though the pool may have to find first that its connection was killed. */
    private void assertOfUse(Transactor db) throws SQLException {
        db.execute(NONE.retry(RetryPolicy.attempts(2)), tx -> insert(tx, 60));
        assertThat(count("id = 60")).isOne();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_commit_on_a_server_that_has_become_read_only_is_rolled_back(boolean autocommit) throws Exception {
        Transactor db = weak(autocommit);
        RawSession admin = open();
        assertAtCommit(
                "COMMIT on a read-only server",
                db,
                tx -> admin.run("SET GLOBAL read_only = 1"),
                TxRolledBackException.class,
                Outcome.RolledBack.class);
        admin.run("SET GLOBAL read_only = 0");
        assertThat(count("id = 50")).isZero();
        assertOfUse(db);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_session_that_is_killed_before_commit_leaves_it_unknown(boolean autocommit) throws Exception {
        Transactor db = db(autocommit);
        assertAtCommit(
                "KILL before COMMIT",
                db,
                tx -> {
                    String id = id(tx);
                    open().run("KILL " + id);
                    awaitGone(id);
                },
                TxOutcomeUnknownException.class,
                Outcome.Unknown.class);
        assertThat(count("id = 50")).isZero();
        assertOfUse(db);
    }

    /** Whether the row is there is not asked: the session may be let in before it sees the kill, and commit. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_session_that_is_killed_while_it_commits_leaves_it_unknown(boolean autocommit) throws Exception {
        Transactor db = db(autocommit);
        RawSession stopper = open();
        List<CompletableFuture<Void>> killed = new ArrayList<>();
        assertAtCommit(
                "KILL during COMMIT",
                db,
                tx -> {
                    String id = id(tx);
                    stopper.run("FLUSH TABLES WITH READ LOCK");
                    killed.add(meanwhile(() -> {
                        awaitShown(id, "state LIKE 'Waiting for%'");
                        open().run("KILL " + id);
                        return null;
                    }));
                },
                TxOutcomeUnknownException.class,
                Outcome.Unknown.class);
        finished(killed.get(0));
        stopper.run("UNLOCK TABLES");
        assertOfUse(db);
    }

    /** The server has committed, and its answer is held back until the session is gone. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_session_that_is_killed_after_commit_and_before_its_answer_leaves_it_unknown(boolean autocommit)
            throws Exception {
        Transactor db = db(autocommit);
        List<CompletableFuture<Void>> killed = new ArrayList<>();
        assertAtCommit(
                "KILL after COMMIT, unanswered",
                db,
                tx -> {
                    String id = id(tx);
                    proxy.freezeReplies();
                    killed.add(meanwhile(() -> {
                        awaitRow(50);
                        open().run("KILL " + id);
                        awaitGone(id);
                        proxy.cutAll();
                        proxy.thaw();
                        return null;
                    }));
                },
                TxOutcomeUnknownException.class,
                Outcome.Unknown.class);
        finished(killed.get(0));
        assertThat(count("id = 50")).isOne();
        assertOfUse(db);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_session_that_is_killed_after_the_answer_to_commit_has_committed(boolean autocommit) throws Exception {
        Transactor db = db(autocommit);
        AtomicReference<String> id = new AtomicReference<>("");
        assertAtCommit(
                "KILL after COMMIT, answered",
                db,
                tx -> {
                    id.set(id(tx));
                    tx.afterCommit(() -> {
                        open().run("KILL " + id.get());
                        awaitGone(id.get());
                    });
                },
                null,
                Outcome.Committed.class);
        assertThat(count("id = 50")).isOne();
        assertOfUse(db);
    }
}
