package dev.holdfast.tx.mysql;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.testkit.DatabaseUnderTest;
import dev.holdfast.tx.testkit.DriverSessions;
import dev.holdfast.tx.testkit.EngineSetup;
import dev.holdfast.tx.testkit.FaultScenario;
import dev.holdfast.tx.testkit.Network;
import dev.holdfast.tx.testkit.ReplicatedUnderTest;
import dev.holdfast.tx.testkit.Sql;
import dev.holdfast.tx.testkit.Untested;
import dev.holdfast.tx.testkit.server.ReplicatedServer;
import dev.holdfast.tx.testkit.server.ServerUrl;
import dev.holdfast.tx.testkit.server.TestServer;
import java.net.URI;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * A real MySQL or MariaDB, reached by one of the two drivers, and Holdfast's engine. Once found it is called what it says it
 * is: who names a server by its URL has that one, and not each version that there is.
 */
public final class MysqlUnderTest implements DatabaseUnderTest {
    /** Whether a driver may send several statements as one text. */
    public enum Texts {
        TOGETHER,
        ONE_BY_ONE
    }

    private record Found(ServerUrl server, String name) {}

    private final String wanted;
    private final boolean anyVersion;
    private final Supplier<ServerUrl> finder;
    private final JdbcDriver driver;
    private final Texts texts;
    private @Nullable Found found;

    /** This server, or one of another version that a URL names instead. */
    public MysqlUnderTest(TestServer server, JdbcDriver driver, Texts texts) {
        this(server.name(), true, server::find, driver, texts);
    }

    /**
     * Made for tests of this class.
     *
     * @param wanted what it is called, such as MySQL 9 or MariaDB 10.11
     * @param anyVersion whether another version than that is taken, too
     * @param finder throws {@link Untested} if there is none
     */
    MysqlUnderTest(String wanted, boolean anyVersion, Supplier<ServerUrl> finder, JdbcDriver driver, Texts texts) {
        this.wanted = wanted;
        this.anyVersion = anyVersion;
        this.finder = finder;
        this.driver = driver;
        this.texts = texts;
    }

    /** This server, and none of another version. */
    public static MysqlUnderTest only(TestServer server, JdbcDriver driver) {
        return new MysqlUnderTest(server.name(), false, server::find, driver, Texts.TOGETHER);
    }

    /** The server, without how it is reached. */
    private synchronized String title() {
        return found == null ? wanted : found.name;
    }

    @Override
    public String name() {
        return title() + ", " + driver + (texts == Texts.TOGETHER ? "" : ", one statement by one");
    }

    @Override
    public String variant() {
        return driver.isUsual(title()) ? "" : driver.toString();
    }

    /** Looked for when it is needed: the tests may run where there is none. */
    synchronized ServerUrl server() {
        if (found == null) {
            ServerUrl server = finder.get();
            found = new Found(server, looked(server));
        }
        return found.server;
    }

    /** What is there, if it is what is wanted. */
    private String looked(ServerUrl server) {
        String version;
        try (Connection connection = driver.sessions(server).getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT VERSION()")) {
            row.next();
            version = row.getString(1);
        } catch (SQLException e) {
            throw new IllegalStateException(wanted + " cannot be asked what it is", e);
        }
        MysqlFlavour flavour = MysqlFlavour.of(version, false);
        int[] numbers = flavour.versionIn(version);
        String name = flavour.title + " " + numbers[0] + "." + numbers[1];
        String product = wanted.substring(0, wanted.indexOf(' '));
        if ((name + ".").startsWith(wanted + ".")) {
            return wanted;
        }
        if (!anyVersion || product.equals("MariaDB") != (flavour == MysqlFlavour.MARIADB)) {
            throw new Untested("the server there is a " + name + ", version " + version + ", and no "
                    + (anyVersion ? product : wanted));
        }
        return name;
    }

    @Override
    public Dialect dialect() {
        return new MysqlDialect();
    }

    @Override
    public DataSource sessions() {
        return told(driver.sessions(server()));
    }

    private DriverSessions told(DriverSessions sessions) {
        return sessions.with("allowMultiQueries", String.valueOf(texts == Texts.TOGETHER));
    }

    /** Of the same version as the one under test. */
    private static ReplicatedServer pair(String name) {
        String version = name.substring(name.indexOf(' ') + 1);
        return name.startsWith("MySQL") ? ReplicatedServer.mysql(version) : ReplicatedServer.mariadb(version);
    }

    @Override
    public Optional<ReplicatedUnderTest> replicated() {
        try {
            return Optional.of(pair(wanted).underTest(server -> told(driver.sessions(server))));
        } catch (Untested none) {
            return Optional.empty();
        }
    }

    @Override
    public Optional<Network> network() {
        URI address = JdbcDriver.address(server());
        return Optional.of(new Network(
                address.getHost(), address.getPort(), (host, port) -> told(driver.sessions(server(), host, port))));
    }

    @Override
    public Transactor transactor(EngineSetup setup) {
        Holdfast.Builder builder = Holdfast.builder(setup.dataSource())
                .replicaPolicy(setup.replicaPolicy())
                .dialect(dialect())
                .options(setup.options())
                .ambient(setup.ambient())
                .settleWithin(setup.settleWithin())
                .endWithin(setup.endWithin());
        setup.listeners().forEach(builder::listener);
        setup.replicas().forEach(builder::replica);
        return builder.build();
    }

    /** None of them touches a table of InnoDB's, so that none begins a transaction. */
    @Override
    public List<String> sessionQueries() {
        return Stream.of(
                        isMariadb() ? "tx_isolation" : "transaction_isolation",
                        isMariadb() ? "tx_read_only" : "transaction_read_only",
                        isMariadb() ? "max_statement_time" : "max_execution_time",
                        isMariadb() ? "innodb_snapshot_isolation" : "unique_checks",
                        "innodb_lock_wait_timeout",
                        "lock_wait_timeout",
                        "autocommit",
                        "sql_mode",
                        "foreign_key_checks")
                .map(variable -> "SELECT @@" + variable + " AS session_default")
                .toList();
    }

    /**
     * Which level the running transaction has is no variable of the session. MariaDB tells it from a copy that it renews no
     * more often than ten times a second.
     */
    @Override
    public List<String> levelQueries() {
        return List.of(
                isMariadb()
                        ? "SELECT (SELECT max(trx_isolation_level) FROM information_schema.innodb_trx"
                                + " WHERE trx_mysql_thread_id = CONNECTION_ID() + s.slept)"
                                + " FROM (SELECT sleep(0.11) AS slept) s"
                        : "SELECT e.isolation_level FROM performance_schema.events_transactions_current e"
                                + " JOIN performance_schema.threads t USING (thread_id)"
                                + " WHERE t.processlist_id = CONNECTION_ID() AND e.state = 'ACTIVE'");
    }

    private boolean isMariadb() {
        return title().startsWith("MariaDB");
    }

    @Override
    public List<FaultScenario> faultScenarios() {
        FaultScenario snapshot = FaultScenario.of(
                "a consistent snapshot",
                stage -> stage.db()
                        .execute(
                                TxOptions.none().with(MysqlOptions.CONSISTENT_SNAPSHOT, true),
                                tx -> Sql.insert(tx, stage.table(), 1)));
        FaultScenario settings = FaultScenario.of(
                "settings of the caller's",
                stage -> stage.db().execute(tx -> {
                    Sql.insert(tx, stage.table(), 1);
                    tx.connection().setNetworkTimeout(Runnable::run, 60_000);
                }));
        return Stream.of(snapshot, settings)
                .flatMap(scenario -> Stream.of(scenario, scenario.autocommitOff()))
                .toList();
    }
}
