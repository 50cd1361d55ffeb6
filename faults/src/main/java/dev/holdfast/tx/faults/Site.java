package dev.holdfast.tx.faults;

import dev.holdfast.tx.Tx;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.mysql.MysqlDialect;
import dev.holdfast.tx.postgres.PostgresDialect;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.sqlite.SqliteDialect;
import dev.holdfast.tx.testkit.DriverSessions;
import dev.holdfast.tx.testkit.Sql;
import dev.holdfast.tx.testkit.server.FailoverPair;
import dev.holdfast.tx.testkit.server.ServerUrl;
import dev.holdfast.tx.testkit.server.TestServer;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteConnection;
import org.sqlite.SQLiteDataSource;

/** A database that the bank is on, reached directly. */
final class Site {
    final Dialect dialect;
    final DataSource sessions;
    private final @Nullable ServerUrl server;

    private Site(Dialect dialect, DataSource sessions, @Nullable ServerUrl server) {
        this.dialect = dialect;
        this.sessions = sessions;
        this.server = server;
    }

    /**
     * One of those that can be run here.
     *
     * @throws IllegalArgumentException if there is none of this name
     */
    static Site named(String name) throws IOException {
        return switch (name) {
            case "postgres" ->
                over(new PostgresDialect(), TestServer.postgres(18).find());
            case "mysql" -> over(new MysqlDialect(), TestServer.mysql("9").find());
            case "mariadb" ->
                over(new MysqlDialect(), TestServer.mariadb("11.4").find());
            case "sqlite" -> sqlite();
            default ->
                throw new IllegalArgumentException("-Dserver=" + name + ": give postgres, mysql, mariadb or sqlite");
        };
    }

    private static Site over(Dialect dialect, ServerUrl server) {
        return new Site(dialect, sessions(server, server.url()), server);
    }

    private static Site sqlite() throws IOException {
        SQLiteConfig config = new SQLiteConfig();
        config.setJournalMode(SQLiteConfig.JournalMode.WAL);
        config.setSynchronous(SQLiteConfig.SynchronousMode.NORMAL);
        config.setBusyTimeout(20_000);
        SQLiteDataSource file = new SQLiteDataSource(config);
        file.setUrl("jdbc:sqlite:" + Files.createTempDirectory("faults").resolve("bank.db"));
        return new Site(new SqliteDialect(), file, null);
    }

    /** On the one of two servers that takes writes. */
    static Site on(FailoverPair pair, Dialect dialect) {
        return new Site(dialect, DriverSessions.of(pair.url()), null);
    }

    private static DataSource sessions(ServerUrl server, String url) {
        DriverSessions sessions = DriverSessions.of(url, server.user(), server.password());
        return url.startsWith("jdbc:postgresql:") ? sessions : sessions.with("allowMultiQueries", "true");
    }

    /** Whether there is a network that can be cut. */
    boolean hasNetwork() {
        return server != null;
    }

    /** Where the server listens. */
    URI address() {
        return URI.create(required().url().substring("jdbc:".length()));
    }

    /** The same sessions, through something that listens here. */
    DataSource through(int port) {
        ServerUrl to = required();
        return sessions(to, to.url().replaceFirst("//[^/]+/", "//localhost:" + port + "/"));
    }

    private ServerUrl required() {
        if (server == null) {
            throw new IllegalStateException("There is no network");
        }
        return server;
    }

    /**
     * What ends the session of a transaction, or its running statement, from another thread. Where there is no server to ask
     * for that, it is done to the driver's connection.
     */
    Runnable killing(Tx tx, boolean session) throws SQLException {
        if (server == null) {
            SQLiteConnection raw = tx.connection().unwrap(SQLiteConnection.class);
            return () -> quietly(session ? raw::close : raw.getDatabase()::interrupt);
        }
        boolean postgres = dialect instanceof PostgresDialect;
        int id = Sql.ints(tx, "select " + (postgres ? "pg_backend_pid()" : "connection_id()"))
                .get(0);
        String kill = postgres
                ? "select " + (session ? "pg_terminate_backend(" : "pg_cancel_backend(") + id + ")"
                : (session ? "kill " : "kill query ") + id;
        return () -> quietly(() -> run(kill));
    }

    @FunctionalInterface
    private interface Blow {
        void strike() throws SQLException;
    }

    private static void quietly(Blow blow) {
        try {
            blow.strike();
        } catch (SQLException alreadyGone) {
            return;
        }
    }

    /** Runs statements that commit by themselves, in a session of their own. */
    void run(String... statements) throws SQLException {
        try (Connection session = sessions.getConnection();
                Statement statement = session.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    /** Makes the table of marker rows anew, where one is needed. */
    void makeMarkerTable() throws SQLException {
        String ddl = Holdfast.markerTable(dialect).orElse(null);
        if (ddl != null) {
            run("drop table if exists holdfast_marker", ddl);
        }
    }
}
