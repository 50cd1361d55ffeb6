package dev.holdfast.tx.postgres;

import static dev.holdfast.tx.postgres.ServerTest.await;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.Reads;
import dev.holdfast.tx.ReplicaPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxEvent.Routed.Why;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.Holdfast;
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
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** A real primary and a real standby, and a table for each test. */
@ParameterizedClass(name = "PostgreSQL {0}")
@ValueSource(ints = 18)
abstract class ReplicatedServerTest {
    static final TxOptions READ = TxOptions.none().readOnly();
    static final TxOptions ANY = READ.reads(Reads.replica());

    /** Notices soon what a replica does. */
    static final ReplicaPolicy QUICK =
            ReplicaPolicy.standard().answerWithin(Duration.ofMillis(500)).probeEvery(Duration.ofMillis(50));

    /** Notices it when a transaction does. */
    static final ReplicaPolicy ONLY_ON_USE = QUICK.probeEvery(Duration.ofDays(1));

    private static final String ALIVE = "com.zaxxer.hikari.aliveBypassWindowMs";
    private static final AtomicInteger TABLES = new AtomicInteger();

    @Parameter
    int major;

    final String table = "read" + ProcessHandle.current().pid() + "_" + TABLES.incrementAndGet();
    final List<TxEvent> events = Collections.synchronizedList(new ArrayList<>());
    final List<AutoCloseable> opened = new ArrayList<>();
    ReplicatedServer server;

    @BeforeEach
    void create() throws Exception {
        server = ReplicatedServer.postgres(major);
        server.resume();
        try (Transactor plain = Holdfast.connect(server.primary().url())) {
            plain.execute(tx -> run(tx, "create table " + table + " (id int primary key)"));
            try (Transactor there = Holdfast.connect(server.replica().url())) {
                await(
                        "the table is on the replica",
                        () -> there.transact(READ, tx -> count(tx, "pg_class where relname = '" + table + "'")) == 1);
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

    final Transactor db(ReplicaPolicy policy, String... replicas) {
        Holdfast.Builder builder =
                Holdfast.builder(server.primary().url()).replicaPolicy(policy).listener(events::add);
        for (String url : replicas) {
            builder.replica(url);
        }
        Transactor db = builder.build();
        opened.add(db);
        return db;
    }

    final Transactor db() {
        return db(ReplicaPolicy.standard(), server.replica().url());
    }

    static void run(Tx tx, String sql) throws SQLException {
        try (Statement statement = tx.connection().createStatement()) {
            statement.execute(sql);
        }
    }

    static int count(Tx tx, String from) throws SQLException {
        try (Statement statement = tx.connection().createStatement();
                ResultSet row = statement.executeQuery("select count(*) from " + from)) {
            row.next();
            return row.getInt(1);
        }
    }

    static boolean isOnReplica(Tx tx) throws SQLException {
        return count(tx, "(select 1 where pg_is_in_recovery()) r") == 1;
    }

    final void insert(Transactor db, int id) {
        db.execute(tx -> run(tx, "insert into " + table + " values (" + id + ")"));
    }

    final List<Why> routes() {
        synchronized (events) {
            return events.stream()
                    .filter(TxEvent.Routed.class::isInstance)
                    .map(event -> ((TxEvent.Routed) event).why())
                    .toList();
        }
    }

    static void awaitOnReplica(Transactor db, TxOptions options) {
        await("it is read from a replica", () -> db.transact(options, ReplicatedServerTest::isOnReplica));
    }

    /** A relay before one of the two. */
    final CountingProxy relay(ServerUrl to) {
        URI address = URI.create(to.url().substring("jdbc:".length()));
        CountingProxy relay = CountingProxy.before(address.getHost(), address.getPort());
        opened.add(relay);
        return relay;
    }

    /** The URL of a server, by a relay. */
    static String by(CountingProxy relay, ServerUrl to) {
        return to.url().replaceFirst(":[0-9]+/", ":" + relay.port() + "/");
    }

    /** A pool of one that opens no connection by itself, and asks it for nothing. */
    final HikariDataSource quiet(String url, boolean autocommit) {
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
}
