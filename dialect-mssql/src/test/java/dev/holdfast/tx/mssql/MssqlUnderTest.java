package dev.holdfast.tx.mssql;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.testkit.DatabaseUnderTest;
import dev.holdfast.tx.testkit.DriverSessions;
import dev.holdfast.tx.testkit.EngineSetup;
import dev.holdfast.tx.testkit.FaultScenario;
import dev.holdfast.tx.testkit.Network;
import dev.holdfast.tx.testkit.Sql;
import dev.holdfast.tx.testkit.server.ServerUrl;
import dev.holdfast.tx.testkit.server.TestServer;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** A real SQL Server, where there is one, and Holdfast's engine; in a database of its own, unless the URL names one. */
public final class MssqlUnderTest implements DatabaseUnderTest {
    /** What READ COMMITTED reads in the database. */
    public enum Reads {
        /** What is there, once its lock is free. */
        LOCKED("holdfast_locked", "OFF"),
        /** The versions that were committed when the statement began, as on Azure SQL. */
        VERSIONS("holdfast_versions", "ON");

        private final String database;
        private final String snapshot;

        Reads(String database, String snapshot) {
            this.database = database;
            this.snapshot = snapshot;
        }
    }

    private static final Pattern ADDRESS = Pattern.compile("^jdbc:sqlserver://([^:;\\\\]+)(?:\\\\[^:;]*)?(?::(\\d+))?");
    private static final Pattern DATABASE = Pattern.compile("(?i);\\s*database(Name)?\\s*=");
    private static final int USUAL_PORT = 1433;

    private final TestServer wanted;
    private final Reads reads;
    private @Nullable ServerUrl found;

    public MssqlUnderTest(int year, Reads reads) {
        this.wanted = TestServer.mssql(year);
        this.reads = reads;
    }

    @Override
    public String name() {
        return wanted.name() + (reads == Reads.VERSIONS ? " with READ_COMMITTED_SNAPSHOT" : "");
    }

    @Override
    public String variant() {
        return reads == Reads.VERSIONS ? "rcsi" : "";
    }

    /** Looked for when it is needed: the tests may run where there is none. */
    private synchronized ServerUrl server() throws SQLException {
        if (found == null) {
            found = prepared(wanted.find());
        }
        return found;
    }

    private ServerUrl prepared(ServerUrl server) throws SQLException {
        if (DATABASE.matcher(server.url()).find()) {
            return server;
        }
        try (Connection connection = sessions(server).getConnection();
                Statement statement = connection.createStatement()) {
            String name = reads.database;
            statement.execute("IF DB_ID('" + name + "') IS NULL CREATE DATABASE " + name);
            statement.execute("ALTER DATABASE " + name + " SET ALLOW_SNAPSHOT_ISOLATION ON");
            statement.execute("ALTER DATABASE " + name + " SET READ_COMMITTED_SNAPSHOT " + reads.snapshot
                    + " WITH ROLLBACK IMMEDIATE");
        }
        return new ServerUrl(server.url() + ";databaseName=" + reads.database, server.user(), server.password());
    }

    private static DriverSessions sessions(ServerUrl server) {
        return server.user().isEmpty()
                ? DriverSessions.of(server.url())
                : DriverSessions.of(server.url(), server.user(), server.password());
    }

    @Override
    public Dialect dialect() {
        return new MssqlDialect();
    }

    @Override
    public DataSource sessions() throws SQLException {
        return sessions(server());
    }

    @Override
    public Optional<Network> network() {
        ServerUrl server;
        try {
            server = server();
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
        Matcher address = ADDRESS.matcher(server.url());
        if (!address.find()) {
            return Optional.empty();
        }
        int port = address.group(2) == null ? USUAL_PORT : Integer.parseInt(address.group(2));
        String properties = server.url().substring(address.end());
        return Optional.of(new Network(
                address.group(1),
                port,
                (host, other) -> sessions(new ServerUrl(
                        "jdbc:sqlserver://" + host + ":" + other + properties, server.user(), server.password()))));
    }

    @Override
    public DataSource pool(DataSource sessions, int size, Identity.Autocommit autocommit) {
        HikariConfig config = new HikariConfig();
        config.setDataSource(sessions);
        config.setMaximumPoolSize(size);
        config.setAutoCommit(autocommit == Identity.Autocommit.ON);
        config.setMinimumIdle(1);
        config.setConnectionTimeout(10_000);
        return new HikariDataSource(config);
    }

    @Override
    public Transactor transactor(EngineSetup setup) {
        Holdfast.Builder builder = Holdfast.builder(setup.dataSource())
                .dialect(dialect())
                .options(setup.options())
                .ambient(setup.ambient());
        setup.listeners().forEach(builder::listener);
        return builder.build();
    }

    @Override
    public List<String> sessionQueries() {
        return List.of(
                "SELECT CASE transaction_isolation_level WHEN 1 THEN 'READ UNCOMMITTED' WHEN 2 THEN 'READ COMMITTED'"
                        + " WHEN 3 THEN 'REPEATABLE READ' WHEN 4 THEN 'SERIALIZABLE' WHEN 5 THEN 'SNAPSHOT' END"
                        + " FROM sys.dm_exec_sessions WHERE session_id = @@SPID",
                "SELECT deadlock_priority FROM sys.dm_exec_sessions WHERE session_id = @@SPID",
                "SELECT @@LOCK_TIMEOUT",
                "SELECT @@TRANCOUNT",
                "SELECT @@OPTIONS",
                "SELECT DB_NAME()");
    }

    @Override
    public List<FaultScenario> faultScenarios() {
        FaultScenario settings = FaultScenario.of(
                "settings of the caller's",
                stage -> stage.db().execute(tx -> {
                    Sql.insert(tx, stage.table(), 1);
                    tx.connection().setNetworkTimeout(Runnable::run, 60_000);
                }));
        return List.of(settings, settings.autocommitOff());
    }
}
