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
        MYSQL_BY_CONNECTOR_J(TestServer.mysql("9"), JdbcDriver.CONNECTOR_J),
        MYSQL_BY_MARIADB_DRIVER(TestServer.mysql("9"), JdbcDriver.MARIADB),
        MARIADB_BY_CONNECTOR_J(TestServer.mariadb("10.11"), JdbcDriver.CONNECTOR_J),
        MARIADB_BY_MARIADB_DRIVER(TestServer.mariadb("10.11"), JdbcDriver.MARIADB);

        @SuppressWarnings("ImmutableEnumChecker") // it is
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

    /** A database behind a counting proxy. */
    private static final class Behind implements AutoCloseable {
        private final MysqlUnderTest database;
        private final ServerUrl server;
        private final JdbcDriver driver;
        private final CountingProxy proxy;
        private final Connection observer;
        private final List<Runnable> opened = new ArrayList<>();

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
            return on(config);
        }

        /** On a pool of the caller's, with autocommit on. */
        Transactor onForeignPool(Texts texts) {
            HikariConfig config = new HikariConfig();
            config.setDataSource(driver.sessions(server, "localhost", proxy.port())
                    .with("allowMultiQueries", String.valueOf(texts == Texts.TOGETHER)));
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
            for (int i = 0; i < WARM; i++) {
                work.on(db);
            }
            var before = proxy.counts();
            for (int i = 0; i < MEASURED; i++) {
                work.on(db);
            }
            long all = proxy.counts().since(before).roundTrips();
            assertThat(all % MEASURED).as("each run costs the same").isZero();
            return all / MEASURED;
        }

        Map<String, Long> costs(String pool, Transactor db, Map<String, Work> all) throws Exception {
            Map<String, Long> counted = new LinkedHashMap<>();
            StringBuilder table = new StringBuilder("round trips on " + database.name() + ", " + pool + "\n");
            for (Map.Entry<String, Work> one : all.entrySet()) {
                long cost = cost(db, one.getValue());
                counted.put(one.getKey(), cost);
                table.append(String.format("  %-44s %d%n", one.getKey(), cost));
            }
            System.out.print(table);
            return counted;
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
        List<Map.Entry<String, UnaryOperator<TxOptions>>> options = List.copyOf(OPTIONS.entrySet());
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
            TxOptions asked = mix;
            mixes.put(String.join(", ", names), db -> db.execute(asked, RoundTripsTest::select));
        }
        return mixes;
    }

    @ParameterizedTest
    @EnumSource
    void on_a_pool_of_our_own_plain_costs_two_and_any_mix_of_options_three(Bed bed) throws Exception {
        try (Behind behind = new Behind(bed)) {
            Transactor db = behind.onOwnPool();
            assertThat(behind.costs("own pool", db, plain()))
                    .isEqualTo(Map.of(
                            "plain", 2L,
                            "empty", 0L,
                            "rolled back", 2L,
                            "nested, and its statement", 5L,
                            "nested, rolled back and survived", 5L));
            assertThat(behind.costs("own pool", db, mixes()).values()).containsOnly(3L);
        }
    }

    @ParameterizedTest
    @EnumSource
    void on_a_pool_with_autocommit_on_everything_costs_three(Bed bed) throws Exception {
        try (Behind behind = new Behind(bed)) {
            Transactor db = behind.onForeignPool(Texts.TOGETHER);
            assertThat(behind.costs("autocommit on", db, plain()))
                    .isEqualTo(Map.of(
                            "plain", 3L,
                            "empty", 0L,
                            "rolled back", 3L,
                            "nested, and its statement", 6L,
                            "nested, rolled back and survived", 6L));
            assertThat(behind.costs("autocommit on", db, mixes()).values()).containsOnly(3L);
        }
    }

    @ParameterizedTest
    @EnumSource
    void without_several_statements_in_a_text_plain_still_costs_three(Bed bed) throws Exception {
        try (Behind behind = new Behind(bed)) {
            Transactor db = behind.onForeignPool(Texts.ONE_BY_ONE);
            Map<String, Work> plain = Map.of("plain", one -> one.execute(RoundTripsTest::update));
            assertThat(behind.costs("autocommit on, one by one", db, plain)).isEqualTo(Map.of("plain", 3L));
        }
    }
}
