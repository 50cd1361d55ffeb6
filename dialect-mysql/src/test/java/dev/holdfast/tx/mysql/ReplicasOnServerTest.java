package dev.holdfast.tx.mysql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.holdfast.tx.CausalToken;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Reads;
import dev.holdfast.tx.ReplicaPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxEvent.Routed.Why;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.DriverSessions;
import dev.holdfast.tx.testkit.fault.CountingProxy;
import dev.holdfast.tx.testkit.server.ReplicatedServer;
import dev.holdfast.tx.testkit.server.ServerUrl;
import java.net.URI;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Transactions on a real primary and a real replica, in pools of Holdfast's own. */
@ParameterizedClass(name = "{0}")
@EnumSource
class ReplicasOnServerTest {
    enum Product {
        MYSQL("//") {
            @Override
            ReplicatedServer server() {
                return ReplicatedServer.mysql("9");
            }
        },
        MARIADB("sequential://") {
            @Override
            ReplicatedServer server() {
                return ReplicatedServer.mariadb("10.11");
            }
        };

        /** What is in a URL in front of hosts of which the first is taken that takes connections. */
        private final String inOrder;

        Product(String inOrder) {
            this.inOrder = inOrder;
        }

        abstract ReplicatedServer server();
    }

    private static final Duration BOUND = Duration.ofSeconds(20);
    private static final TxOptions READ = TxOptions.none().readOnly();
    private static final TxOptions ANY = READ.reads(Reads.replica());
    private static final ReplicaPolicy SHORT = ReplicaPolicy.standard().catchUpWithin(Duration.ofMillis(50));
    private static final AtomicInteger TABLES = new AtomicInteger();

    private final Product product;
    private final ReplicatedServer server;
    private final String table = "seen" + ProcessHandle.current().pid() + "_" + TABLES.incrementAndGet();
    private final List<TxEvent> events = Collections.synchronizedList(new ArrayList<>());
    private final List<AutoCloseable> opened = new ArrayList<>();

    ReplicasOnServerTest(Product product) {
        this.product = product;
        this.server = product.server();
    }

    @BeforeEach
    void create() throws Exception {
        server.resume();
        try (Transactor plain = Holdfast.connect(server.primary().url())) {
            run(plain, "create table " + table + " (id int primary key)");
        }
        try (Transactor there = Holdfast.connect(server.replica().url())) {
            await(() -> {
                try {
                    return there.<Integer, SQLException>transactChecked(READ, this::rows) == 0;
                } catch (SQLException notYet) {
                    return false;
                }
            });
        }
    }

    @AfterEach
    void close() throws Exception {
        server.resume();
        for (AutoCloseable each : opened) {
            each.close();
        }
        try (Transactor plain = Holdfast.connect(server.primary().url())) {
            run(plain, "drop table " + table);
        }
    }

    private Transactor db(ReplicaPolicy policy) {
        return opened(Holdfast.builder(server.primary().url())
                .replica(server.replica().url())
                .replicaPolicy(policy)
                .listener(events::add)
                .build());
    }

    private Transactor opened(Transactor db) {
        opened.add(db);
        return db;
    }

    private static void run(Transactor db, String sql) {
        db.<Boolean>withConnection(connection -> {
            try (Statement statement = connection.createStatement()) {
                return statement.execute(sql);
            }
        });
    }

    private void insert(Tx tx, int id) throws SQLException {
        try (Statement statement = tx.connection().createStatement()) {
            statement.execute("insert into " + table + " values (" + id + ")");
        }
    }

    private int rows(Tx tx) throws SQLException {
        return number(tx, "select count(*) from " + table);
    }

    private static boolean isOnReplica(Tx tx) throws SQLException {
        return number(tx, "select @@server_id") == 2;
    }

    private static int number(Tx tx, String query) throws SQLException {
        try (Statement statement = tx.connection().createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getInt(1);
        }
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

    @Test
    void whatReadsGoesToTheReplica_andWhatWritesToThePrimary() {
        Transactor db = db(ReplicaPolicy.standard());
        assertThat(db.<Boolean>transact(READ, ReplicasOnServerTest::isOnReplica))
                .isTrue();
        assertThat(db.<Boolean>transact(READ.isolation(Isolation.SERIALIZABLE), ReplicasOnServerTest::isOnReplica))
                .isTrue();
        assertThat(db.<Boolean>transact(ReplicasOnServerTest::isOnReplica)).isFalse();
        assertThat(routes()).containsExactly(Why.REPLICA, Why.REPLICA);
    }

    /** This replica would let it through. */
    @Test
    void aWriteIsRefusedOnTheReplica_alsoWhereReadingIsAHintAlone() {
        Transactor db = db(ReplicaPolicy.standard());
        for (TxOptions reading : List.of(READ, TxOptions.none().readOnlyHint())) {
            assertThatThrownBy(() -> db.execute(reading, tx -> insert(tx, 1)))
                    .isInstanceOf(SQLException.class)
                    .hasMessageContaining("sent to a replica")
                    .satisfies(error -> assertThat(kind(db, error)).isEqualTo(FailureKind.READ_ONLY));
        }
        assertThat(db.<Integer>transact(ANY, this::rows)).isZero();
        db.execute(tx -> insert(tx, 1));
    }

    @Test
    void aCausalReadSeesTheLastCommit_onceTheReplicaHasSeenItThere() throws Exception {
        Transactor db = db(SHORT);
        server.pause();
        db.execute(tx -> insert(tx, 1));
        db.execute(READ, tx -> {
            assertThat(rows(tx)).isEqualTo(1);
            assertThat(isOnReplica(tx)).isFalse();
        });
        assertThat(db.<Integer>transact(ANY, this::rows)).isZero();
        server.resume();
        await(() -> db.transact(ANY, this::rows) == 1);
        await(() -> db.transact(READ, ReplicasOnServerTest::isOnReplica));
        assertThat(db.<Integer>transact(READ, this::rows)).isEqualTo(1);
        assertThat(routes().get(0)).isEqualTo(Why.BEHIND);
    }

    @Test
    void aCausalReadWaitsForTheReplica() {
        Transactor db = db(ReplicaPolicy.standard().catchUpWithin(BOUND));
        for (int id = 1; id <= 20; id++) {
            int one = id;
            db.execute(tx -> insert(tx, one));
            db.execute(READ, tx -> {
                assertThat(rows(tx)).isEqualTo(one);
                assertThat(isOnReplica(tx)).isTrue();
            });
        }
    }

    /** A pool with autocommit on, by a driver that takes one statement at a time: the primary is asked afterwards. */
    @Test
    void thePositionIsAskedForWhereItDoesNotTravel() throws Exception {
        Transactor db = opened(Holdfast.builder(sessions(server.primary()))
                .replica(sessions(server.replica()))
                .replicaPolicy(SHORT)
                .listener(events::add)
                .build());
        server.pause();
        db.execute(tx -> insert(tx, 1));
        assertThat(db.<Integer>transact(READ, this::rows)).isEqualTo(1);
        server.resume();
        await(() -> db.transact(READ, ReplicasOnServerTest::isOnReplica));
        assertThat(db.<Integer>transact(READ, this::rows)).isEqualTo(1);
    }

    private static DriverSessions sessions(ServerUrl server) {
        return DriverSessions.of(server.url(), server.user(), server.password()).with("allowMultiQueries", "false");
    }

    @Test
    void aTokenTravelsAsText() throws Exception {
        Transactor writer = opened(Holdfast.connect(server.primary().url()));
        Transactor reader = db(SHORT);
        server.pause();
        writer.execute(tx -> insert(tx, 1));
        String text = writer.causalToken().toString();
        assertThat(text).startsWith("mysql::");
        assertThat(reader.<Integer>transact(READ.reads(Reads.causal(new CausalToken(text))), this::rows))
                .isEqualTo(1);
        assertThat(reader.<Integer>transact(READ, this::rows)).isZero();
        for (String bad : List.of(
                "postgresql:1:0/1",
                "mysql::7-7",
                "mysql::3E11FA47-71CA-11E1-9E33-C80AA9429562:1-5",
                "mysql::77-1-3",
                "mysql:1:" + text.substring("mysql::".length()))) {
            assertThatThrownBy(() -> reader.execute(READ.reads(Reads.causal(new CausalToken(bad))), this::rows))
                    .as(bad)
                    .satisfies(error -> assertThat(error instanceof TxUnsupportedException
                                    || error.getCause() instanceof TxUnsupportedException)
                            .isTrue())
                    .hasMessageContaining(bad);
        }
    }

    /** What is asked for by every user: whether it takes writes. */
    @Test
    void oneThatTakesWritesAndTookNoneBeforeIsLeftOut_untilItTakesNoneAgain() throws Exception {
        try (Transactor there = Holdfast.connect(server.replica().url())) {
            run(there, "set global read_only = on");
            try {
                Transactor db = db(SHORT.probeEvery(Duration.ofMillis(50)));
                assertThat(db.<Boolean>transact(ANY, ReplicasOnServerTest::isOnReplica))
                        .isTrue();
                run(there, "set global read_only = off");
                await(() -> !db.<Boolean, SQLException>transactChecked(ANY, ReplicasOnServerTest::isOnReplica));
                assertThat(routes()).last().isEqualTo(Why.NONE_HEALTHY);
                run(there, "set global read_only = on");
                await(() -> db.transact(ANY, ReplicasOnServerTest::isOnReplica));
            } finally {
                run(there, "set global read_only = off");
            }
        }
    }

    /** The primary's URL names the replica second, as the guide has it, and the primary takes no connections for a while. */
    @Test
    void aReplicaThatAnswersToThePrimarysNameIsNotReadFrom_untilItHasSeenTheLastCommit() throws Exception {
        URI primary = JdbcDriver.address(server.primary());
        try (Transactor there = Holdfast.connect(server.replica().url());
                CountingProxy relay = CountingProxy.before(primary.getHost(), primary.getPort())) {
            String hosts = "localhost:" + relay.port() + ","
                    + JdbcDriver.address(server.replica()).getAuthority();
            String url = server.primary().url().replaceFirst("(sequential:)?//[^/]+/", product.inOrder + hosts + "/");
            run(there, "set global read_only = on");
            try (Transactor db = Holdfast.builder(url)
                    .replica(server.replica().url())
                    .replicaPolicy(SHORT.probeEvery(Duration.ofMillis(50)))
                    .build()) {
                await(() -> db.transact(READ, ReplicasOnServerTest::isOnReplica));
                server.pause();
                db.execute(tx -> insert(tx, 1));
                assertThat(toldByReading(db)).isNull();
                relay.goDown();
                for (int i = 0; i < 20; i++) { // each waits for the replica as long as the pause between two probes is
                    assertThat(toldByReading(db)).isIn(FailureKind.CONNECTION_LOST, FailureKind.NOT_PRIMARY);
                }
                assertThat(toldByReading(db)).isEqualTo(FailureKind.NOT_PRIMARY);
                relay.comeUp();
                if (product == Product.MYSQL) { // MariaDB's driver leaves a host alone for a minute
                    await(() -> toldByReading(db) == null);
                }
                server.resume();
                await(() -> toldByReading(db) == null);
            } finally {
                run(there, "set global read_only = off");
            }
        }
    }

    /** How a causal read has failed; null if it has seen the one row there is. */
    private @Nullable FailureKind toldByReading(Transactor db) {
        AtomicInteger seen = new AtomicInteger(1);
        Throwable told = catchThrowable(() -> seen.set(db.transact(READ, this::rows)));
        assertThat(seen).as("rows read").hasValue(1);
        return told == null ? null : kind(db, told);
    }

    private static @Nullable FailureKind kind(Transactor db, Throwable error) {
        Failure failure = db.classify(error);
        return failure == null ? null : failure.kind();
    }
}
