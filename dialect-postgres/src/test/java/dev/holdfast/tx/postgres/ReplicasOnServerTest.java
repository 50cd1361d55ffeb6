package dev.holdfast.tx.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.CausalToken;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.Reads;
import dev.holdfast.tx.ReplicaPolicy;
import dev.holdfast.tx.ReplicaPolicy.Fallback;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxEvent.Routed.Why;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.TxRejectedException;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.UnmanagedTx;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.DriverSessions;
import dev.holdfast.tx.testkit.fault.CountingProxy;
import dev.holdfast.tx.testkit.fault.JdbcProxy;
import dev.holdfast.tx.testkit.server.ReplicatedServer;
import java.net.URI;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** Transactions on a real primary and a real standby. */
@ParameterizedClass(name = "PostgreSQL {0}")
@ValueSource(ints = 18)
class ReplicasOnServerTest {
    private static final String ALIVE = "com.zaxxer.hikari.aliveBypassWindowMs";
    private static final Duration BOUND = Duration.ofSeconds(20);
    private static final TxOptions READ = TxOptions.none().readOnly();
    private static final TxOptions ANY = READ.reads(Reads.replica());
    private static final AtomicInteger TABLES = new AtomicInteger();

    @Parameter
    int major;

    private final String table = "read" + ProcessHandle.current().pid() + "_" + TABLES.incrementAndGet();
    private final List<TxEvent> events = Collections.synchronizedList(new ArrayList<>());
    private final List<AutoCloseable> opened = new ArrayList<>();
    private ReplicatedServer server;

    @BeforeEach
    void create() throws Exception {
        server = ReplicatedServer.postgres(major);
        server.resume();
        try (Transactor plain = Holdfast.connect(server.primary().url())) {
            plain.execute(tx -> run(tx, "create table " + table + " (id int primary key)"));
            try (Transactor there = Holdfast.connect(server.replica().url())) {
                await(() -> there.transact(READ, tx -> count(tx, "pg_class where relname = '" + table + "'")) == 1);
            }
        }
    }

    @AfterEach
    void close() throws Exception {
        server.resume();
        for (AutoCloseable each : opened) {
            each.close();
        }
        try (Transactor plain = Holdfast.connect(server.primary().url())) {
            plain.execute(tx -> run(tx, "drop table " + table));
        }
    }

    private Transactor db(ReplicaPolicy policy, String... replicas) {
        Holdfast.Builder builder =
                Holdfast.builder(server.primary().url()).replicaPolicy(policy).listener(events::add);
        for (String url : replicas) {
            builder.replica(url);
        }
        Transactor db = builder.build();
        opened.add(db);
        return db;
    }

    private Transactor db() {
        return db(ReplicaPolicy.standard(), server.replica().url());
    }

    private static void run(Tx tx, String sql) throws SQLException {
        try (Statement statement = tx.connection().createStatement()) {
            statement.execute(sql);
        }
    }

    private static int count(Tx tx, String from) throws SQLException {
        try (Statement statement = tx.connection().createStatement();
                ResultSet row = statement.executeQuery("select count(*) from " + from)) {
            row.next();
            return row.getInt(1);
        }
    }

    private static boolean isOnReplica(Tx tx) throws SQLException {
        return count(tx, "(select 1 where pg_is_in_recovery()) r") == 1;
    }

    private void insert(Transactor db, int id) {
        db.execute(tx -> run(tx, "insert into " + table + " values (" + id + ")"));
    }

    private List<Why> routes() {
        synchronized (events) {
            return events.stream()
                    .filter(TxEvent.Routed.class::isInstance)
                    .map(event -> ((TxEvent.Routed) event).why())
                    .toList();
        }
    }

    private static void await(Callable<Boolean> condition) throws Exception {
        long end = System.nanoTime() + BOUND.toNanos();
        while (!condition.call()) {
            assertThat(System.nanoTime()).as("in time").isLessThan(end);
            Thread.onSpinWait();
        }
    }

    // ---- where it goes

    @Test
    void whatReadsGoesToTheReplica_andWhatWritesToThePrimary() {
        Transactor db = db();
        assertThat(db.<Boolean>transact(READ, ReplicasOnServerTest::isOnReplica))
                .isTrue();
        assertThat(db.<Boolean>transact(TxOptions.none().readOnlyHint(), ReplicasOnServerTest::isOnReplica))
                .isTrue();
        assertThat(db.<Boolean>transact(ReplicasOnServerTest::isOnReplica)).isFalse();
        assertThat(db.<Boolean>transact(READ.reads(Reads.primary()), ReplicasOnServerTest::isOnReplica))
                .isFalse();
        assertThat(routes()).containsExactly(Why.REPLICA, Why.REPLICA, Why.PRIMARY_ASKED);
    }

    @Test
    void scopesInsideStayWhereTheirRootIs() {
        Transactor db = db();
        db.execute(READ, tx -> {
            assertThat(isOnReplica(tx)).isTrue();
            db.execute(READ, inner -> assertThat(isOnReplica(inner)).isTrue());
            tx.executeNested(inner -> assertThat(isOnReplica(inner)).isTrue());
            assertThatThrownBy(() -> db.execute(TxOptions.none().readWrite(), inner -> {}))
                    .isInstanceOf(TxRejectedException.class);
        });
        db.execute(
                TxOptions.none().readOnlyHint(),
                tx -> assertThatThrownBy(() -> db.execute(TxOptions.none().readWrite(), inner -> {}))
                        .isInstanceOf(TxRejectedException.class)
                        .hasMessageContaining("SEPARATE"));
        db.execute(tx -> {
            run(tx, "insert into " + table + " values (1)");
            db.execute(
                    TxOptions.none().readOnlyHint(),
                    inner -> assertThat(isOnReplica(inner)).isFalse());
        });
    }

    @Test
    void aWriteSaysWhereItWasSent() {
        Transactor db = db();
        assertThatThrownBy(() -> db.execute(
                        TxOptions.none().readOnlyHint(), tx -> run(tx, "insert into " + table + " values (1)")))
                .isInstanceOf(SQLException.class)
                .hasMessageContaining("sent to a replica")
                .hasMessageContaining(port(server.replica().url()))
                .hasMessageContaining("READ_WRITE")
                .satisfies(error -> assertThat(kind(db, error)).isEqualTo(FailureKind.READ_ONLY));
        assertThatThrownBy(() ->
                        db.execute(READ.reads(Reads.primary()), tx -> run(tx, "insert into " + table + " values (1)")))
                .hasMessageContaining("sent to the primary");
    }

    private static String port(String url) {
        return ":" + URI.create(url.substring("jdbc:".length())).getPort() + "/";
    }

    @Test
    void whatCannotBeHadThereIsReadFromThePrimary() {
        Transactor db = db();
        assertThat(db.<Boolean>transact(READ.isolation(Isolation.SERIALIZABLE), ReplicasOnServerTest::isOnReplica))
                .isFalse();
        assertThat(routes()).containsExactly(Why.NOT_ON_REPLICAS);
    }

    // ---- causal

    @Test
    void aCausalReadSeesTheLastCommit_andGoesToThePrimaryIfNoReplicaHasSeenItInTime() throws Exception {
        Transactor db = db(
                ReplicaPolicy.standard().catchUpWithin(Duration.ofMillis(50)),
                server.replica().url());
        server.pause();
        insert(db, 1);
        db.execute(READ, tx -> {
            assertThat(count(tx, table)).isEqualTo(1);
            assertThat(isOnReplica(tx)).isFalse();
        });
        assertThat(db.<Integer>transact(ANY, tx -> count(tx, table))).isZero();
        server.resume();
        await(() -> db.transact(ANY, tx -> count(tx, table)) == 1);
        db.execute(READ, tx -> {
            assertThat(count(tx, table)).isEqualTo(1);
            assertThat(isOnReplica(tx)).isTrue();
        });
        assertThat(routes().get(0)).isEqualTo(Why.BEHIND);
    }

    @Test
    void aCausalReadWaitsForTheReplica() throws Exception {
        Transactor db = db(
                ReplicaPolicy.standard().catchUpWithin(BOUND), server.replica().url());
        for (int id = 1; id <= 20; id++) {
            insert(db, id);
            int rows = id;
            db.execute(READ, tx -> {
                assertThat(isOnReplica(tx)).isTrue();
                assertThat(count(tx, table)).isEqualTo(rows);
            });
        }
    }

    @Test
    void whatWasCommittedOutsideOfTransactionsIsSeen() throws Exception {
        Transactor db = db(
                ReplicaPolicy.standard().catchUpWithin(Duration.ofMillis(50)),
                server.replica().url());
        server.pause();
        db.<Boolean>withConnection(connection -> {
            try (Statement statement = connection.createStatement()) {
                statement.execute("insert into " + table + " values (1)");
            }
            assertThat(db.outside(() -> db.<Integer>transact(READ, tx -> count(tx, table))))
                    .isEqualTo(1);
            return true;
        });
        assertThat(db.<Integer>transact(READ, tx -> count(tx, table))).isEqualTo(1);
    }

    @Test
    void aTokenTravelsAsText() throws Exception {
        Transactor writer = Holdfast.connect(server.primary().url());
        opened.add(writer);
        Transactor reader = db(
                ReplicaPolicy.standard().catchUpWithin(Duration.ofMillis(50)),
                server.replica().url());
        server.pause();
        insert(writer, 1);
        String text = writer.causalToken().toString();
        assertThat(text).startsWith("postgresql:");
        assertThat(reader.<Integer>transact(READ.reads(Reads.causal(new CausalToken(text))), tx -> count(tx, table)))
                .isEqualTo(1);
        assertThat(reader.<Integer>transact(READ, tx -> count(tx, table))).isZero();
        String[] parts = text.split(":", -1);
        for (String bad : List.of(
                "nonsense",
                "mysql:" + parts[1] + ":" + parts[2],
                "postgresql:1:" + parts[2],
                "postgresql:" + parts[1] + ":12",
                "postgresql:" + parts[1] + ":00000001/FFFFFFFF/0",
                "postgresql:" + parts[1] + ":00000002/0/1")) {
            assertThatThrownBy(() ->
                            reader.execute(READ.reads(Reads.causal(new CausalToken(bad))), tx -> count(tx, table)))
                    .as(bad)
                    .satisfies(error -> assertThat(error instanceof TxUnsupportedException
                                    || error.getCause() instanceof TxUnsupportedException)
                            .isTrue())
                    .hasMessageContaining(bad)
                    .hasMessageContaining("PostgreSQL " + major);
        }
        CausalToken own = reader.causalToken();
        insert(reader, 2);
        assertThat(reader.causalToken()).isNotEqualTo(own);
    }

    @Test
    void anOrdinaryUserNeedsNoPrivileges() throws Exception {
        String role = "plain_" + table;
        try (Transactor admin = Holdfast.connect(server.primary().url())) {
            admin.execute(tx -> {
                run(tx, "create role " + role + " login");
                run(tx, "grant all on " + table + " to " + role);
            });
            CausalToken created = admin.causalToken();
            try (Transactor waits = db(
                    ReplicaPolicy.standard().catchUpWithin(BOUND),
                    server.replica().url())) {
                waits.execute(READ.reads(Reads.causal(created)), tx -> count(tx, table));
            }
            try (Transactor db = Holdfast.builder(as(role, server.primary().url()))
                    .replica(as(role, server.replica().url()))
                    .replicaPolicy(ReplicaPolicy.standard().catchUpWithin(BOUND))
                    .build()) {
                insert(db, 1);
                assertThat(db.<Boolean>transact(READ, ReplicasOnServerTest::isOnReplica))
                        .isTrue();
                TxOptions seen = READ.reads(Reads.causal(db.causalToken()));
                assertThat(db.<Integer>transact(seen, tx -> count(tx, table))).isEqualTo(1);
            } finally {
                admin.execute(tx -> {
                    run(tx, "drop owned by " + role);
                    run(tx, "drop role " + role);
                });
            }
        }
    }

    private static String as(String role, String url) {
        return url.replaceFirst("user=[a-z]+", "user=" + role);
    }

    /** Nobody knows whether it is committed: who reads must see it, if it is. */
    @Test
    void aCommitWhoseAnswerWasLostIsSeen() throws Exception {
        URI address = URI.create(server.primary().url().substring("jdbc:".length()));
        CountingProxy relay = CountingProxy.before(address.getHost(), address.getPort());
        opened.add(relay);
        Transactor db = Holdfast.builder(server.primary().url().replaceFirst(":[0-9]+/", ":" + relay.port() + "/"))
                .replica(server.replica().url())
                .replicaPolicy(ReplicaPolicy.standard().catchUpWithin(Duration.ofMillis(50)))
                .build();
        opened.add(db);
        server.pause();
        assertThatThrownBy(() -> db.execute(tx -> {
                    run(tx, "insert into " + table + " values (1)");
                    tx.beforeCommit(relay::dropReply);
                }))
                .isInstanceOf(TxOutcomeUnknownException.class);
        assertThat(relay.losses()).isEqualTo(1);
        assertThat(db.<Integer>transact(READ, tx -> count(tx, table))).isEqualTo(1);
    }

    /** The position that somebody else asked for, while it was not known yet, is one of before. */
    @Test
    void aCommitThatWasSettledIsSeen_alsoIfItWasCarriedOutWhileThatWasAsked() throws Exception {
        URI address = URI.create(server.primary().url().substring("jdbc:".length()));
        CountingProxy relay = CountingProxy.before(address.getHost(), address.getPort());
        opened.add(relay);
        Transactor direct = Holdfast.connect(server.primary().url());
        opened.add(direct);
        direct.execute(tx -> {
            run(
                    tx,
                    "create function wait_" + table + "() returns trigger language plpgsql as"
                            + " 'begin perform pg_advisory_xact_lock(4711); return null; end'");
            run(
                    tx,
                    "create constraint trigger waits after insert on " + table + " deferrable initially deferred"
                            + " for each row execute function wait_" + table + "()");
        });
        Transactor db = Holdfast.builder(server.primary().url().replaceFirst(":[0-9]+/", ":" + relay.port() + "/"))
                .replica(server.replica().url())
                .replicaPolicy(ReplicaPolicy.standard().catchUpWithin(Duration.ofMillis(50)))
                .listener(events::add)
                .build();
        opened.add(db);
        CompletableFuture<Void> writer;
        try (UnmanagedTx blocking = direct.begin()) {
            count(blocking, "(select pg_advisory_xact_lock(4711)) l");
            writer = CompletableFuture.runAsync(
                    () -> db.execute(
                            TxOptions.none().verifiable(), tx -> run(tx, "insert into " + table + " values (1)")),
                    task -> new Thread(task).start());
            await(() -> direct.outside(
                            () -> direct.transact(tx -> count(tx, "pg_locks where objid = 4711 and not granted")))
                    == 1);
            relay.cutAll();
            await(() -> {
                synchronized (events) {
                    return events.stream().anyMatch(TxEvent.Evicted.class::isInstance);
                }
            });
            await(() -> db.transact(READ, ReplicasOnServerTest::isOnReplica));
            server.pause();
        }
        writer.get(BOUND.toSeconds(), TimeUnit.SECONDS);
        assertThat(db.<Integer>transact(READ, tx -> count(tx, table))).isEqualTo(1);
        direct.execute(tx -> run(tx, "drop function wait_" + table + " cascade"));
    }

    @Test
    void aVerifiableCommitTellsItsPositionToo() throws Exception {
        Transactor db = db(
                ReplicaPolicy.standard().catchUpWithin(Duration.ofMillis(50)),
                server.replica().url());
        server.pause();
        db.execute(TxOptions.none().verifiable(), tx -> run(tx, "insert into " + table + " values (1)"));
        assertThat(db.<Integer>transact(READ, tx -> count(tx, table))).isEqualTo(1);
    }

    /** There a question begins a transaction, which must not be the caller's. */
    @Test
    void poolsMayHaveAutocommitOff() throws Exception {
        HikariDataSource primary = quiet(server.primary().url(), false);
        HikariDataSource replica = quiet(server.replica().url(), false);
        TxOptions snapshot = READ.isolation(Isolation.REPEATABLE_READ);
        try (Transactor db = Holdfast.builder(primary)
                .replica(replica)
                .replicaPolicy(ReplicaPolicy.standard().catchUpWithin(BOUND))
                .build()) {
            for (int id = 1; id <= 10; id++) {
                insert(db, id);
                int rows = id;
                for (TxOptions reading : List.of(READ, snapshot)) {
                    db.execute(reading, tx -> {
                        assertThat(count(tx, table)).isEqualTo(rows);
                        assertThat(isOnReplica(tx)).isTrue();
                    });
                }
            }
        }
    }

    @Test
    void stickyReadsStayWithThePrimaryAfterACommit() {
        Transactor db = db();
        TxOptions sticky = READ.reads(Reads.sticky(Duration.ofMinutes(5)));
        assertThat(db.<Boolean>transact(sticky, ReplicasOnServerTest::isOnReplica))
                .isTrue();
        insert(db, 1);
        assertThat(db.<Boolean>transact(sticky, ReplicasOnServerTest::isOnReplica))
                .isFalse();
        assertThat(db.<Boolean>transact(
                        READ.reads(Reads.sticky(Duration.ofNanos(1))), ReplicasOnServerTest::isOnReplica))
                .isTrue();
        assertThat(routes()).containsExactly(Why.REPLICA, Why.STICKY, Why.REPLICA);
    }

    // ---- health

    /** The replica, behind a relay. */
    private CountingProxy relay() {
        URI address = URI.create(server.replica().url().substring("jdbc:".length()));
        CountingProxy relay = CountingProxy.before(address.getHost(), address.getPort());
        opened.add(relay);
        return relay;
    }

    private String by(CountingProxy relay) {
        return server.replica().url().replaceFirst(":[0-9]+/", ":" + relay.port() + "/");
    }

    private static final ReplicaPolicy QUICK =
            ReplicaPolicy.standard().answerWithin(Duration.ofMillis(500)).probeEvery(Duration.ofMillis(50));

    private static final ReplicaPolicy ONLY_ON_USE = QUICK.probeEvery(Duration.ofDays(1));

    @Test
    void aReplicaThatDiedIsSkippedWithoutTheCallerNoticing_andComesBack() throws Exception {
        CountingProxy relay = relay();
        Transactor db = db(QUICK, by(relay));
        assertThat(db.<Boolean>transact(ANY, ReplicasOnServerTest::isOnReplica)).isTrue();
        relay.goDown();
        assertThat(db.<Boolean>transact(ANY, ReplicasOnServerTest::isOnReplica)).isFalse();
        assertThat(routes()).last().isEqualTo(Why.NONE_HEALTHY);
        relay.comeUp();
        await(() -> db.transact(ANY, ReplicasOnServerTest::isOnReplica));
    }

    @Test
    void oneThatDoesNotAnswerIsLeftOutAfterOneCall() throws Exception {
        CountingProxy relay = relay();
        Transactor db = db(ONLY_ON_USE, by(relay), server.replica().url());
        for (int i = 0; i < 4; i++) {
            assertThat(db.<Boolean>transact(ANY, ReplicasOnServerTest::isOnReplica))
                    .isTrue();
        }
        relay.freeze();
        for (int i = 0; i < 6; i++) {
            assertThat(db.<Boolean>transact(ANY, ReplicasOnServerTest::isOnReplica))
                    .isTrue();
        }
        relay.thaw();
        assertThat(skipped()).isEqualTo(1);
    }

    /** Bounded, because a replica that is not asked would be waited for without end. */
    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void theLabelIsShownThere_andWhereThereIsNoneAReplicaThatDoesNotAnswerIsStillSkipped() throws Exception {
        TxOptions shown = ANY.with(PostgresOptions.LABEL_AS_APPLICATION_NAME, true);
        String named = "(select 1 where pg_is_in_recovery() and current_setting('application_name') = 'report') r";
        CountingProxy relay = relay();
        Transactor db = db(ONLY_ON_USE, by(relay), server.replica().url());
        for (int i = 0; i < 4; i++) {
            assertThat(db.<Integer>transact(shown.label("report"), tx -> count(tx, named)))
                    .isEqualTo(1);
            assertThat(db.<Integer>transact(shown, tx -> count(tx, named))).isZero();
        }
        relay.freeze();
        for (int i = 0; i < 6; i++) {
            assertThat(db.<Boolean>transact(shown, ReplicasOnServerTest::isOnReplica))
                    .isTrue();
        }
        relay.thaw();
        assertThat(skipped()).isEqualTo(1);
    }

    private int skipped() {
        synchronized (events) {
            return events.stream()
                    .filter(TxEvent.Routed.class::isInstance)
                    .mapToInt(event -> ((TxEvent.Routed) event).skipped())
                    .sum();
        }
    }

    /** Up to the answer to the first statement nothing was read: whatever is cut before that is not noticed. */
    @Test
    void oneThatIsCutAtAnyPacketUpToTheFirstAnswerIsSkippedWithoutTheCallerNoticing() throws Exception {
        CountingProxy relay = relay();
        try (Transactor db = Holdfast.builder(server.primary().url())
                .replica(quiet(by(relay), true))
                .replicaPolicy(QUICK)
                .listener(events::add)
                .build()) {
            for (int n = 1; n <= 2; n++) {
                for (boolean reply : List.of(false, true)) {
                    await(() -> db.transact(ANY, ReplicasOnServerTest::isOnReplica));
                    int losses = relay.losses();
                    if (reply) {
                        relay.cutAtReply(n);
                    } else {
                        relay.cutAtPacket(n);
                    }
                    db.execute(ANY, tx -> {
                        try (PreparedStatement select = tx.connection().prepareStatement("select ?::int + ?::int")) {
                            select.setInt(1, 40);
                            select.setInt(2, 2);
                            try (ResultSet row = select.executeQuery()) {
                                row.next();
                                assertThat(row.getInt(1)).isEqualTo(42);
                            }
                        }
                    });
                    assertThat(relay.losses()).as("losses at " + n).isEqualTo(losses + 1);
                    assertThat(routes()).last().isEqualTo(Why.NONE_HEALTHY);
                }
            }
        }
    }

    @Test
    void aStatementWhoseLimitHasPassedIsNotExecutedElsewhere() {
        CountingProxy relay = relay();
        Transactor db = db(ONLY_ON_USE, by(relay));
        TxOptions limited = ANY.statementTimeout(Duration.ofMillis(200));
        assertThatThrownBy(() -> db.execute(limited, tx -> {
                    try (Statement statement = tx.connection().createStatement()) {
                        relay.freeze();
                        statement.executeQuery("select 1").close();
                    }
                }))
                .hasStackTraceContaining("statementTimeout");
        relay.thaw();
        assertThat(routes()).containsExactly(Why.REPLICA);
    }

    @Test
    void oneWhoseFirstConnectionNeverComesIsAskedAgain() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        opened.add(never::countDown);
        AtomicInteger taken = new AtomicInteger();
        DataSource real = sessions();
        DataSource stuck = JdbcProxy.of(DataSource.class, "stuck", (self, method, arguments) -> {
            if (method.getName().equals("getConnection") && taken.incrementAndGet() == 1) {
                never.await();
            }
            return JdbcProxy.call(real, method, arguments);
        });
        try (Transactor db = Holdfast.builder(server.primary().url())
                .replica(stuck)
                .replicaPolicy(QUICK)
                .build()) {
            await(() -> db.transact(ANY, ReplicasOnServerTest::isOnReplica));
        }
    }

    private DataSource sessions() {
        return DriverSessions.of(
                server.replica().url(),
                server.replica().user(),
                server.replica().password());
    }

    /** The threads that wait for a connection there count: or all would wait for the same one. */
    @Test
    void theOneInLeastUseIsNotTheOneThatGivesNoConnection() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        opened.add(never::countDown);
        AtomicInteger waiting = new AtomicInteger();
        AtomicInteger elsewhere = new AtomicInteger();
        AtomicBoolean stuck = new AtomicBoolean();
        DataSource real = sessions();
        DataSource slow = JdbcProxy.of(DataSource.class, "slow", (self, method, arguments) -> {
            if (method.getName().equals("getConnection") && stuck.get()) {
                waiting.incrementAndGet();
                never.await();
            }
            return JdbcProxy.call(real, method, arguments);
        });
        DataSource fast = JdbcProxy.of(DataSource.class, "fast", (self, method, arguments) -> {
            if (method.getName().equals("getConnection")) {
                elsewhere.incrementAndGet();
            }
            return JdbcProxy.call(real, method, arguments);
        });
        try (Transactor db = Holdfast.builder(server.primary().url())
                .replica(slow)
                .replica(fast)
                .replicaPolicy(
                        ONLY_ON_USE.choice(ReplicaPolicy.Choice.LEAST_IN_USE).answerWithin(BOUND))
                .build()) {
            stuck.set(true);
            List<CompletableFuture<Boolean>> readers = new ArrayList<>();
            while (waiting.get() == 0) {
                CompletableFuture<Boolean> reader = CompletableFuture.supplyAsync(
                        () -> db.transact(ANY, ReplicasOnServerTest::isOnReplica), task -> new Thread(task).start());
                readers.add(reader);
                await(() -> reader.isDone() || waiting.get() == 1);
            }
            int before = elsewhere.get();
            for (int i = 0; i < 4; i++) {
                assertThat(db.<Boolean>transact(ANY, ReplicasOnServerTest::isOnReplica))
                        .isTrue();
            }
            assertThat(elsewhere.get()).isGreaterThanOrEqualTo(before + 4);
            stuck.set(false);
            never.countDown();
            for (CompletableFuture<Boolean> reader : readers) {
                assertThat(reader.get(BOUND.toSeconds(), TimeUnit.SECONDS)).isTrue();
            }
        }
    }

    @Test
    void anotherKindOfDatabaseIsRefusedWhenTheTransactorIsBuilt() {
        DataSource real = sessions();
        DataSource other = JdbcProxy.of(DataSource.class, "other", (self, method, arguments) -> {
            Object result = JdbcProxy.call(real, method, arguments);
            return result instanceof Connection connection ? ofAnotherKind(connection) : result;
        });
        assertThatThrownBy(() -> Holdfast.builder(server.primary().url())
                        .replica(other)
                        .build()
                        .close())
                .isInstanceOf(TxException.class)
                .hasMessageContaining("replica 1")
                .hasMessageContaining("Nowhere");
    }

    private static Connection ofAnotherKind(Connection connection) {
        return JdbcProxy.of(Connection.class, "other", (self, method, arguments) -> {
            Object result = JdbcProxy.call(connection, method, arguments);
            return result instanceof DatabaseMetaData data
                    ? JdbcProxy.of(
                            DatabaseMetaData.class,
                            "other",
                            (again, asked, given) -> asked.getReturnType() == String.class
                                    ? "Nowhere"
                                    : JdbcProxy.call(data, asked, given))
                    : result;
        });
    }

    @Test
    void withoutAHealthyReplicaItIsRefusedWherePolicySaysSo() {
        CountingProxy relay = relay();
        Transactor db = db(ONLY_ON_USE.fallback(Fallback.REFUSE), by(relay));
        relay.goDown();
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> db.execute(ANY, ReplicasOnServerTest::isOnReplica))
                    .isInstanceOf(SQLException.class)
                    .hasCauseInstanceOf(TxException.class)
                    .hasMessageContaining("replica 1")
                    .hasMessageContaining("refuses the primary");
        }
        assertThat(db.<Boolean>transact(ReplicasOnServerTest::isOnReplica)).isFalse();
    }

    @Test
    void oneThatIsDownAtTheStartIsReadFromWhenItAnswers() throws Exception {
        CountingProxy relay = relay();
        relay.goDown();
        Transactor db = db(QUICK, by(relay));
        assertThat(db.<Boolean>transact(ANY, ReplicasOnServerTest::isOnReplica)).isFalse();
        relay.comeUp();
        await(() -> db.transact(ANY, ReplicasOnServerTest::isOnReplica));
    }

    @Test
    void aServerThatFollowsNobodyIsLeftOut() {
        Transactor db = db(QUICK, server.primary().url());
        assertThat(db.<Boolean>transact(ANY, ReplicasOnServerTest::isOnReplica)).isFalse();
        assertThat(routes()).containsExactly(Why.NONE_HEALTHY);
    }

    @Test
    void theThreadThatAsksEndsWithTheTransactor_andThereIsNoneWithoutReplicas() throws Exception {
        Transactor without = Holdfast.connect(server.primary().url());
        assertThat(askers()).isZero();
        Transactor db = db(QUICK, server.replica().url());
        assertThat(askers()).isEqualTo(1);
        db.close();
        await(() -> askers() == 0);
        without.close();
    }

    private static long askers() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("holdfast-replicas"))
                .peek(thread -> assertThat(thread.isDaemon()).isTrue())
                .count();
    }

    @Test
    void theOneInLeastUseIsTaken() {
        String url = server.replica().url();
        Transactor db =
                db(ONLY_ON_USE.choice(ReplicaPolicy.Choice.LEAST_IN_USE), url, url.replace("localhost", "127.0.0.1"));
        db.execute(ANY, tx -> {
            isOnReplica(tx);
            for (int i = 0; i < 4; i++) {
                db.execute(ANY.propagation(Propagation.SEPARATE), ReplicasOnServerTest::isOnReplica);
            }
        });
        List<String> servers = servers();
        assertThat(servers.subList(1, 5)).hasSize(4).allMatch(each -> !each.equals(servers.get(0)));
    }

    @Test
    void eachHasItsTurn() {
        String url = server.replica().url();
        Transactor db = db(ONLY_ON_USE, url, url.replace("localhost", "127.0.0.1"));
        for (int i = 0; i < 6; i++) {
            db.execute(ANY, ReplicasOnServerTest::isOnReplica);
        }
        List<String> servers = servers();
        for (int i = 1; i < servers.size(); i++) {
            assertThat(servers.get(i)).isNotEqualTo(servers.get(i - 1));
        }
    }

    private List<String> servers() {
        synchronized (events) {
            return events.stream()
                    .filter(TxEvent.Routed.class::isInstance)
                    .map(event -> ((TxEvent.Routed) event).server())
                    .toList();
        }
    }

    // ---- cost

    @Test
    void withoutReplicasNothingCostsMore_andWithThemACommitCostsTheSame_andAReadOneMore() {
        CountingProxy relay = relay();
        URI address = URI.create(server.primary().url().substring("jdbc:".length()));
        CountingProxy primary = CountingProxy.before(address.getHost(), address.getPort());
        opened.add(primary);
        String url = server.primary().url().replaceFirst(":[0-9]+/", ":" + primary.port() + "/");
        try (Transactor db = Holdfast.builder(quiet(url, true))
                .replica(quiet(by(relay), true))
                .replicaPolicy(ONLY_ON_USE)
                .build()) {
            for (int i = 0; i < 10; i++) { // prepared on the server
                insert(db, i);
                db.execute(READ, tx -> count(tx, table));
            }
            CountingProxy.Counts before = primary.counts();
            CountingProxy.Counts there = relay.counts();
            db.execute(tx -> run(tx, "update " + table + " set id = 0 where id = 0"));
            assertThat(primary.counts().since(before).roundTrips()).isEqualTo(2);
            db.execute(ANY, tx -> count(tx, table));
            assertThat(primary.counts().since(before).roundTrips()).isEqualTo(2);
            assertThat(relay.counts().since(there).roundTrips()).isEqualTo(3);
        }
    }

    /** A pool of one that opens no connection by itself, and asks it for nothing. */
    private HikariDataSource quiet(String url, boolean autocommit) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(url);
        config.setMaximumPoolSize(1);
        config.setAutoCommit(autocommit);
        String before = System.getProperty(ALIVE);
        System.setProperty(ALIVE, "600000"); // read when the pool is made
        try {
            HikariDataSource pool = new HikariDataSource(config);
            opened.add(pool);
            return pool;
        } finally {
            if (before == null) {
                System.clearProperty(ALIVE);
            } else {
                System.setProperty(ALIVE, before);
            }
        }
    }

    private static @Nullable FailureKind kind(Transactor db, Throwable error) {
        Failure failure = db.classify(error);
        return failure == null ? null : failure.kind();
    }
}
