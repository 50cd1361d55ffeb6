package dev.holdfast.tx.sqlite;

import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.Profile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.sqlite.Function;

/** A fresh file with a few tables, and the connections that a test opens to it. */
final class Database implements AutoCloseable {
    static final SqliteDialect DIALECT = new SqliteDialect();

    /** Runs until it is cancelled; {@code started()} is called when it has begun. */
    static final String ENDLESS =
            "WITH RECURSIVE c(x) AS (SELECT started() UNION ALL SELECT x + 1 FROM c WHERE x < 2000000000) ";

    private static final List<String> SESSION = List.of(
            "busy_timeout", "query_only", "read_uncommitted", "defer_foreign_keys", "foreign_keys", "journal_mode");

    private final String url;
    private final String journal;
    private final List<Connection> opened = new ArrayList<>();

    private Database(String url, String journal) {
        this.url = url;
        this.journal = journal;
    }

    /** A file with this journal mode: {@code WAL} or {@code DELETE}. */
    static Database file(String journal) throws SQLException {
        try {
            Database database = new Database(
                    "jdbc:sqlite:" + Files.createTempDirectory(folder(), "db").resolve("t.db"), journal);
            Connection connection = database.open();
            run(
                    connection,
                    "BEGIN",
                    "CREATE TABLE t(id INTEGER PRIMARY KEY, n INT NOT NULL UNIQUE CHECK (n < 100))",
                    "CREATE TABLE parent(id INTEGER PRIMARY KEY)",
                    "CREATE TABLE child(id INTEGER PRIMARY KEY, parent INT REFERENCES parent ON DELETE RESTRICT)",
                    "CREATE TABLE later(parent INT REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
                    "CREATE TABLE big(b)",
                    "CREATE TABLE strict(n INT) STRICT",
                    "INSERT INTO t VALUES (1, 1)",
                    "INSERT INTO parent VALUES (1)",
                    "INSERT INTO child VALUES (1, 1)",
                    "COMMIT");
            return database;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Path folder() throws IOException {
        return Files.createDirectories(Path.of(System.getProperty("basedir", ""), "target", "databases"));
    }

    String url() {
        return url;
    }

    /** Opens a connection as {@code Holdfast.connect} would, but one that gives up on locks soon, and never on power. */
    Connection open(String... properties) throws SQLException {
        Properties all = new Properties();
        all.put("journal_mode", journal);
        all.put("foreign_keys", "true");
        all.put("busy_timeout", "20");
        all.put("synchronous", "OFF");
        for (int i = 0; i < properties.length; i += 2) {
            all.put(properties[i], properties[i + 1]);
        }
        Connection connection = DriverManager.getConnection(url, all);
        opened.add(connection);
        return connection;
    }

    /** Opens one that can only read. */
    Connection openReader() throws SQLException {
        Connection connection = open();
        run(connection, "PRAGMA query_only=ON");
        return connection;
    }

    /** Whether nobody holds the write lock. */
    boolean isFree() throws SQLException {
        try (Connection other = open()) {
            run(other, "BEGIN IMMEDIATE", "ROLLBACK");
            return true;
        } catch (SQLException e) {
            return false;
        }
    }

    /** How many rows of table t others see. */
    int committed() throws SQLException {
        try (Connection other = open()) {
            return Integer.parseInt(ask(other, "SELECT count(*) FROM t"));
        }
    }

    @Override
    public void close() throws SQLException {
        for (Connection connection : opened) {
            connection.close();
        }
    }

    static Identity identity(Connection connection) throws SQLException {
        DatabaseMetaData data = connection.getMetaData();
        return new Identity(
                data.getDatabaseProductName(),
                data.getDatabaseProductVersion(),
                data.getDriverName(),
                data.getDriverVersion(),
                data.getURL(),
                connection.getAutoCommit() ? Autocommit.ON : Autocommit.OFF);
    }

    /** The profile of a connection, by the dialect's own probe. */
    static Profile profile(Connection connection) throws SQLException {
        Identity identity = identity(connection);
        Runner runner = new Runner(connection);
        runner.perform(DIALECT.probe(identity));
        return DIALECT.profile(identity, new Answers(runner.slots()));
    }

    static DriverState state(Connection connection) {
        return DIALECT.port().state(connection);
    }

    /** All that a transaction may have changed of a session. */
    static Map<String, String> session(Connection connection) throws SQLException {
        Map<String, String> session = new LinkedHashMap<>();
        session.put("autocommit", String.valueOf(connection.getAutoCommit()));
        for (String pragma : SESSION) {
            session.put(pragma, ask(connection, "PRAGMA " + pragma));
        }
        return session;
    }

    static void run(Connection connection, String... statements) throws SQLException {
        for (String sql : statements) {
            try (Statement statement = connection.createStatement()) {
                statement.execute(sql);
            }
        }
    }

    static String ask(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }

    static SQLException errorOf(Connection connection, String... statements) {
        try {
            run(connection, statements);
        } catch (SQLException error) {
            return error;
        }
        throw new AssertionError("No error from " + List.of(statements));
    }

    /** Runs a statement that uses {@link #ENDLESS}, and cancels it from another thread once it has begun. */
    static SQLException cancelled(Connection connection, String sql) throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        Function.create(connection, "started", new Function() {
            @Override
            protected void xFunc() throws SQLException {
                begun.countDown();
                result(1);
            }
        });
        try (Statement statement = connection.createStatement()) {
            Thread canceller = new Thread(() -> {
                try {
                    begun.await();
                    statement.cancel();
                } catch (InterruptedException | SQLException e) {
                    throw new IllegalStateException(e);
                }
            });
            canceller.start();
            try {
                statement.execute(sql);
            } catch (SQLException error) {
                return error;
            } finally {
                canceller.join();
            }
        }
        throw new AssertionError("No error from " + sql);
    }
}
