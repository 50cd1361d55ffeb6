package dev.holdfast.tx.mssql;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.testkit.DatabaseUnderTest;
import dev.holdfast.tx.testkit.DriverSessions;
import dev.holdfast.tx.testkit.EngineSetup;
import dev.holdfast.tx.testkit.FaultScenario;
import dev.holdfast.tx.testkit.Network;
import dev.holdfast.tx.testkit.Sql;
import dev.holdfast.tx.testkit.Untested;
import dev.holdfast.tx.testkit.server.ServerUrl;
import dev.holdfast.tx.testkit.server.TestServer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * A real SQL Server, where there is one, and Holdfast's engine; in a database of its own, unless the URL names one. Once found
 * it is called what it says it is: who names a server by its URL has that one, and not each version that there is.
 */
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
    private static final int NEWEST = 2025;

    /** By the first number of the version. */
    private static final Map<String, String> NAMES = Map.of(
            "13", "SQL Server 2016",
            "14", "SQL Server 2017",
            "15", "SQL Server 2019",
            "16", "SQL Server 2022",
            "17", "SQL Server 2025");

    /** What editions call themselves that give themselves a version of their own. */
    private static final Map<Integer, String> AZURE = Map.of(5, "Azure SQL Database", 8, "Azure SQL Managed Instance");

    static final String WHAT_IT_IS = "SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)),"
            + " CAST(SERVERPROPERTY('EngineEdition') AS int),"
            + " (SELECT CAST(is_read_committed_snapshot_on AS int) FROM sys.databases WHERE database_id = DB_ID())";

    private record Found(ServerUrl server, String name) {}

    private final String wanted;
    private final boolean anyVersion;
    private final Supplier<ServerUrl> finder;
    private final Reads reads;
    private @Nullable Found found;

    /**
     * Made for tests of this class.
     *
     * @param anyVersion whether another server than that is taken, too
     * @param finder throws {@link Untested} if there is none
     */
    MssqlUnderTest(String wanted, boolean anyVersion, Supplier<ServerUrl> finder, Reads reads) {
        this.wanted = wanted;
        this.anyVersion = anyVersion;
        this.finder = finder;
        this.reads = reads;
    }

    private static MssqlUnderTest of(int year, boolean anyVersion, Reads reads) {
        TestServer server = TestServer.mssql(year);
        return new MssqlUnderTest(server.name(), anyVersion, server::find, reads);
    }

    /** The one that a URL names, whatever its version; without a URL the newest. */
    public static MssqlUnderTest newest(Reads reads) {
        return of(NEWEST, true, reads);
    }

    /** One of this version, and no other. */
    public static MssqlUnderTest ofYear(int year, Reads reads) {
        return of(year, false, reads);
    }

    @Override
    public synchronized String name() {
        return (found == null ? wanted : found.name) + (reads == Reads.VERSIONS ? " with READ_COMMITTED_SNAPSHOT" : "");
    }

    @Override
    public String variant() {
        return reads == Reads.VERSIONS ? "rcsi" : "";
    }

    /** Looked for when it is needed: the tests may run where there is none. */
    private synchronized ServerUrl server() throws SQLException {
        if (found == null) {
            ServerUrl server = finder.get();
            found = looked(DATABASE.matcher(server.url()).find() ? server : withDatabase(server));
        }
        return found.server;
    }

    private ServerUrl withDatabase(ServerUrl server) throws SQLException {
        String name = reads.database;
        try (Connection connection = sessions(server).getConnection();
                Statement statement = connection.createStatement()) {
            try {
                statement.execute("IF DB_ID('" + name + "') IS NULL CREATE DATABASE " + name);
                statement.execute("ALTER DATABASE " + name + " SET ALLOW_SNAPSHOT_ISOLATION ON");
                statement.execute("ALTER DATABASE " + name + " SET READ_COMMITTED_SNAPSHOT " + reads.snapshot
                        + " WITH ROLLBACK IMMEDIATE");
            } catch (SQLException e) {
                throw new Untested("a database with READ_COMMITTED_SNAPSHOT " + reads.snapshot
                        + " could not be made on the server: " + e.getMessage());
            }
        }
        return new ServerUrl(server.url() + ";databaseName=" + name, server.user(), server.password());
    }

    /** What is there, if it is what is wanted. */
    private Found looked(ServerUrl server) throws SQLException {
        try (Connection connection = sessions(server).getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(WHAT_IT_IS)) {
            row.next();
            String version = row.getString(1);
            String major = version.replaceFirst("\\..*", "");
            String name = AZURE.getOrDefault(row.getInt(2), NAMES.getOrDefault(major, "SQL Server " + major));
            if (!anyVersion && !name.equals(wanted)) {
                throw new Untested("the server there is a " + name + ", version " + version + ", and no " + wanted);
            }
            if (row.getInt(3) != (reads == Reads.VERSIONS ? 1 : 0)) {
                throw new Untested(
                        "READ_COMMITTED_SNAPSHOT is not " + reads.snapshot + " in the database that the URL names");
            }
            return new Found(server, name);
        }
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
