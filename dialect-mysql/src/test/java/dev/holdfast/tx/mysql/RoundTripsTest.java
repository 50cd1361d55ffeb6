package dev.holdfast.tx.mysql;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.ConnectionScope;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.mysql.MysqlUnderTest.Texts;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.PoolAdvice;
import dev.holdfast.tx.testkit.Facts;
import dev.holdfast.tx.testkit.Network;
import dev.holdfast.tx.testkit.Sql;
import dev.holdfast.tx.testkit.fault.CountingProxy;
import dev.holdfast.tx.testkit.server.ServerUrl;
import dev.holdfast.tx.testkit.server.TestServer;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What each kind of transaction costs on the wire, on a warm pool, with one statement unless said otherwise. */
class RoundTripsTest {
    private static final String ALIVE = "com.zaxxer.hikari.aliveBypassWindowMs";
    private static final TxOptions NONE = TxOptions.none();
    private static final Duration LONG = Duration.ofMinutes(1);
    private static final int WARM = 8;
    private static final int MEASURED = 3;

    private static final Map<String, UnaryOperator<TxOptions>> OPTIONS = new LinkedHashMap<>();

    static {
        OPTIONS.put("isolation", options -> options.isolation(Isolation.REPEATABLE_READ));
        OPTIONS.put("lock timeout", options -> options.lockTimeout(LONG));
        OPTIONS.put("statement timeout", options -> options.statementTimeout(LONG));
        OPTIONS.put("consistent snapshot", options -> options.with(MysqlOptions.CONSISTENT_SNAPSHOT, true));
        OPTIONS.put("read-only", TxOptions::readOnly);
    }

    /** A server and a driver. */
    enum Bed {
        MYSQL_BY_CONNECTOR_J(Servers.mysql(), JdbcDriver.CONNECTOR_J),
        MYSQL_BY_MARIADB_DRIVER(Servers.mysql(), JdbcDriver.MARIADB),
        MARIADB_BY_CONNECTOR_J(Servers.mariadb(), JdbcDriver.CONNECTOR_J),
        MARIADB_BY_MARIADB_DRIVER(Servers.mariadb(), JdbcDriver.MARIADB);

        @SuppressWarnings("ImmutableEnumChecker") // a TestServer is, and the check cannot see it
        private final TestServer server;

        private final JdbcDriver driver;

        Bed(TestServer server, JdbcDriver driver) {
            this.server = server;
            this.driver = driver;
        }
    }

    @FunctionalInterface
    private interface Work {
        void on(Transactor db) throws Exception;
    }

    @FunctionalInterface
    private interface Body {
        void on(ConnectionScope scope) throws SQLException;
    }

    /** A database behind a counting proxy. */
    private static final class Behind implements AutoCloseable {
        private final MysqlUnderTest database;
        private final ServerUrl server;
        private final JdbcDriver driver;
        private final CountingProxy proxy;
        private final Connection observer;
        private final List<Runnable> opened = new ArrayList<>();
        private String pool = "";

        Behind(Bed bed) throws SQLException {
            database = new MysqlUnderTest(bed.server, bed.driver, Texts.TOGETHER);
            server = database.server();
            driver = bed.driver;
            Network network = database.network().orElseThrow();
            proxy = CountingProxy.before(network.host(), network.port());
            observer = database.sessions().getConnection();
            observe("drop table if exists proxied");
            observe("create table proxied (id int primary key, v int)");
            observe("insert into proxied values (1, 0)");
        }

        private void observe(String sql) throws SQLException {
            try (Statement statement = observer.createStatement()) {
                statement.execute(sql);
            }
        }

        /** As {@code Holdfast.connect} opens it, but of one connection: others are opened whenever the pool likes. */
        Transactor onOwnPool() {
            PoolAdvice advice = new MysqlDialect().advise(driver.url(server)).orElseThrow();
            HikariConfig config = new HikariConfig();
            config.setJdbcUrl(driver.url(server, "localhost", proxy.port()));
            config.setUsername(server.user());
            config.setPassword(server.password());
            config.setAutoCommit(advice.autocommit() == Autocommit.ON);
            advice.properties().forEach(config::addDataSourceProperty);
            pool = "pool of our own";
            return on(config);
        }

        /** On a pool of the caller's, with autocommit on. */
        Transactor onForeignPool(Texts texts) {
            HikariConfig config = new HikariConfig();
            config.setDataSource(driver.sessions(server, "localhost", proxy.port())
                    .with("allowMultiQueries", String.valueOf(texts == Texts.TOGETHER)));
            pool = "pool with autocommit on, texts " + texts;
            return on(config);
        }

        private Transactor on(HikariConfig config) {
            config.setMaximumPoolSize(1);
            HikariDataSource pool = withoutChecks(() -> new HikariDataSource(config));
            opened.add(pool::close);
            Transactor db = Holdfast.builder(pool).dialect(new MysqlDialect()).build();
            opened.add(db::close);
            return db;
        }

        /** On pools that do not ask their connections whether they are alive. */
        private static <T> T withoutChecks(Supplier<T> made) {
            String before = System.getProperty(ALIVE);
            System.setProperty(ALIVE, "600000"); // read when the pool is made
            try {
                return made.get();
            } finally {
                if (before == null) {
                    System.clearProperty(ALIVE);
                } else {
                    System.setProperty(ALIVE, before);
                }
            }
        }

        /** The cost in steady state: that of each of a few runs, all of which must be the same. */
        long cost(Transactor db, Work work) throws Exception {
            long all = ofAll(db, work);
            assertThat(all % MEASURED).as("each run costs the same").isZero();
            return all / MEASURED;
        }

        /** Of all measured runs together. */
        long ofAll(Transactor db, Work work) throws Exception {
            for (int i = 0; i < WARM; i++) {
                work.on(db);
            }
            var before = proxy.counts();
            for (int i = 0; i < MEASURED; i++) {
                work.on(db);
            }
            return proxy.counts().since(before).roundTrips();
        }

        Map<String, Long> costs(Transactor db, Map<String, Work> all) throws Exception {
            Map<String, Long> counted = new LinkedHashMap<>();
            for (Map.Entry<String, Work> one : all.entrySet()) {
                counted.put(one.getKey(), cost(db, one.getValue()));
            }
            print(counted);
            return counted;
        }

        private void print(Map<String, Long> counted) {
            if (counted.size() > plain().size()) {
                System.out.printf(
                        "round trips on %s, %s: %s for each of %d mixes of options%n",
                        database.name(), pool, new TreeSet<>(counted.values()), counted.size());
            } else {
                System.out.printf("round trips on %s, %s: %s%n", database.name(), pool, counted);
            }
        }

        @Override
        public void close() throws SQLException {
            for (int i = opened.size() - 1; i >= 0; i--) {
                opened.get(i).run();
            }
            proxy.close();
            observe("drop table proxied");
            observer.close();
        }
    }

    private static void update(ConnectionScope scope) throws SQLException {
        Sql.update(scope, "update proxied set v = v + 1 where id = 1");
    }

    private static void select(ConnectionScope scope) throws SQLException {
        Sql.ints(scope, "select v from proxied where id = 1");
    }

    private static Map<String, Work> plain() {
        Map<String, Work> all = new LinkedHashMap<>();
        all.put("plain", db -> db.execute(RoundTripsTest::update));
        all.put("empty", db -> db.execute(tx -> {}));
        all.put(
                "rolled back",
                db -> Facts.thrownBy(() -> db.execute(tx -> {
                    update(tx);
                    throw new IllegalStateException("planned");
                })));
        all.put(
                "nested, and its statement",
                db -> db.execute(tx -> {
                    update(tx);
                    tx.executeNested(RoundTripsTest::update);
                }));
        all.put(
                "nested, rolled back and survived",
                db -> db.execute(tx -> {
                    update(tx);
                    Facts.thrownBy(() -> tx.executeNested(inner -> {
                        update(inner);
                        throw new IllegalStateException("planned");
                    }));
                }));
        return all;
    }

    /** Every mix of the options, but the empty one. */
    private static Map<String, Work> mixes() {
        return mixes(UnaryOperator.identity(), "none", RoundTripsTest::select);
    }

    /** Every mix of the options but one, with something more, around a statement. */
    private static Map<String, Work> mixes(UnaryOperator<TxOptions> more, String but, Body body) {
        List<Map.Entry<String, UnaryOperator<TxOptions>>> options = OPTIONS.entrySet().stream()
                .filter(option -> !option.getKey().equals(but))
                .toList();
        Map<String, Work> mixes = new LinkedHashMap<>();
        for (int chosen = 1; chosen < 1 << options.size(); chosen++) {
            TxOptions mix = NONE;
            List<String> names = new ArrayList<>();
            for (int i = 0; i < options.size(); i++) {
                if ((chosen & 1 << i) != 0) {
                    mix = options.get(i).getValue().apply(mix);
                    names.add(options.get(i).getKey());
                }
            }
            TxOptions asked = more.apply(mix);
            mixes.put(String.join(", ", names), db -> db.execute(asked, tx -> body.on(tx)));
        }
        return mixes;
    }

    @ParameterizedTest
    @EnumSource
    void on_a_pool_of_our_own_plain_costs_two_and_any_mix_of_options_three(Bed bed) throws Exception {
        try (Behind behind = new Behind(bed)) {
            Transactor db = behind.onOwnPool();
            assertThat(behind.costs(db, plain()))
                    .isEqualTo(Map.of(
                            "plain", 2L,
                            "empty", 0L,
                            "rolled back", 2L,
                            "nested, and its statement", 5L,
                            "nested, rolled back and survived", 5L));
            assertThat(behind.costs(db, mixes()).values()).containsOnly(3L);
        }
    }

    @ParameterizedTest
    @EnumSource
    void on_a_pool_with_autocommit_on_everything_costs_three(Bed bed) throws Exception {
        try (Behind behind = new Behind(bed)) {
            Transactor db = behind.onForeignPool(Texts.TOGETHER);
            assertThat(behind.costs(db, plain()))
                    .isEqualTo(Map.of(
                            "plain", 3L,
                            "empty", 0L,
                            "rolled back", 3L,
                            "nested, and its statement", 6L,
                            "nested, rolled back and survived", 6L));
            assertThat(behind.costs(db, mixes()).values()).containsOnly(3L);
        }
    }

    @ParameterizedTest
    @EnumSource
    void without_several_statements_in_a_text_plain_still_costs_three(Bed bed) throws Exception {
        try (Behind behind = new Behind(bed)) {
            Transactor db = behind.onForeignPool(Texts.ONE_BY_ONE);
            Map<String, Work> plain = plain();
            Work undone = Objects.requireNonNull(plain.remove("nested, rolled back and survived"));
            assertThat(behind.costs(db, plain))
                    .isEqualTo(Map.of("plain", 3L, "empty", 0L, "rolled back", 3L, "nested, and its statement", 6L));
            assertIs(7, bed, behind.ofAll(db, undone), "nested, rolled back and survived");
        }
    }

    /** The row travels with COMMIT, or with the settings. */
    @ParameterizedTest
    @EnumSource
    void what_is_verifiable_costs_no_more(Bed bed) throws Exception {
        Map<String, Work> verifiable =
                Map.of("verifiable", db -> db.execute(NONE.verifiable(), RoundTripsTest::update));
        Map<String, Work> mixes =
                mixes(options -> options.verifiable().wholeTimeout(LONG), "read-only", RoundTripsTest::update);
        assertThat(mixes).hasSize(15);
        try (Behind behind = new Behind(bed)) {
            behind.observe("drop table if exists holdfast_marker");
            behind.observe(Holdfast.markerTable(new MysqlDialect()).orElseThrow());
            Transactor db = behind.onOwnPool();
            assertThat(behind.costs(db, verifiable)).isEqualTo(Map.of("verifiable", 2L));
            assertThat(behind.costs(db, mixes).values()).containsOnly(3L);
        }
        try (Behind behind = new Behind(bed)) {
            Transactor db = behind.onForeignPool(Texts.TOGETHER);
            assertThat(behind.costs(db, verifiable)).isEqualTo(Map.of("verifiable", 3L));
            assertThat(behind.costs(db, mixes).values()).containsOnly(3L);
        }
    }

    @ParameterizedTest
    @EnumSource
    void without_several_statements_in_a_text_options_cost_what_their_statements_do(Bed bed) throws Exception {
        try (Behind behind = new Behind(bed)) {
            Transactor db = behind.onForeignPool(Texts.ONE_BY_ONE);
            for (Map.Entry<String, Work> mix : mixes().entrySet()) {
                assertIs(oneByOne(mix.getKey()), bed, behind.ofAll(db, mix.getValue()), mix.getKey());
            }
        }
    }

    /**
     * Connector/J sends one statement after the other. MariaDB's driver sends what belongs together without waiting in
     * between, and the server may have answered the first before the last is out: then the proxy counts one more.
     */
    private static void assertIs(long oneByOne, Bed bed, long all, String what) {
        if (bed.driver == JdbcDriver.MARIADB) {
            assertThat(all).as(what).isBetween(3L * MEASURED, oneByOne * MEASURED);
        } else {
            assertThat(all).as(what).isEqualTo(oneByOne * MEASURED);
        }
    }

    /** The level is a statement before the one that begins; the timeouts share one before it, and one before COMMIT. */
    private static long oneByOne(String mix) {
        return 3L + (mix.contains("isolation") ? 1 : 0) + (mix.contains("timeout") ? 2 : 0);
    }
}
