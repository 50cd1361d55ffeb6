package dev.holdfast.tx.mutants;

import dev.holdfast.tx.postgres.PostgresDialect;
import dev.holdfast.tx.sqlite.SqliteDialect;
import dev.holdfast.tx.testkit.DriverSessions;
import dev.holdfast.tx.testkit.server.ReplicatedServer;
import dev.holdfast.tx.testkit.server.ServerUrl;
import dev.holdfast.tx.testkit.server.TestServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import javax.sql.DataSource;
import org.example.holdfast.derby.DerbyDialect;
import org.example.holdfast.h2.H2Dialect;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteDataSource;

/** Good databases, to be broken. */
final class Databases {
    private static final AtomicInteger NUMBERS = new AtomicInteger();

    private Databases() {}

    /** One writer at a time, serializable, in this process. */
    static Database sqlite() {
        SQLiteConfig config = new SQLiteConfig();
        config.setJournalMode(SQLiteConfig.JournalMode.WAL);
        config.enforceForeignKeys(true);
        config.setBusyTimeout(5_000);
        SQLiteDataSource sessions = new SQLiteDataSource(config);
        try {
            Path folder = Files.createDirectories(Path.of("target", "databases"));
            sessions.setUrl("jdbc:sqlite:" + Files.createTempFile(folder, "mutant", ".db"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new Database(
                "SQLite",
                new SqliteDialect(),
                sessions,
                List.of("PRAGMA busy_timeout", "PRAGMA query_only", "PRAGMA defer_foreign_keys"),
                null,
                null,
                UnaryOperator.identity(),
                UnaryOperator.identity());
    }

    /** Snapshots, and many writers. */
    static Database postgres() {
        return postgres(UnaryOperator.identity());
    }

    /** The same, with more said to its driver. */
    static Database postgres(UnaryOperator<DriverSessions> more) {
        ServerUrl server = TestServer.postgres(18).find();
        return new Database(
                "PostgreSQL",
                new PostgresDialect(),
                more.apply(DriverSessions.of(server.url(), server.user(), server.password())),
                List.of(
                        "SHOW transaction_isolation",
                        "SHOW transaction_read_only",
                        "SHOW default_transaction_isolation",
                        "SHOW lock_timeout",
                        "SHOW statement_timeout"),
                null,
                null,
                UnaryOperator.identity(),
                UnaryOperator.identity());
    }

    /** The same, with a standby. */
    static Database postgresWithStandby() {
        return postgres()
                .withReplica(ReplicatedServer.postgres(18)
                        .underTest(server -> DriverSessions.of(server.url(), server.user(), server.password())));
    }

    /** Snapshots in this process; DDL commits. */
    static Database h2() {
        return new Database(
                "H2",
                new H2Dialect(),
                DriverSessions.of("jdbc:h2:mem:mutant" + NUMBERS.incrementAndGet() + ";DB_CLOSE_DELAY=-1"),
                List.of("CALL LOCK_TIMEOUT()"),
                null,
                null,
                UnaryOperator.identity(),
                UnaryOperator.identity());
    }

    /** Locks in this process. A deadlock ends as a lock that was not had in time, which takes the transaction with it. */
    static Database derby() {
        DataSource sessions =
                DriverSessions.of("jdbc:derby:memory:mutant" + NUMBERS.incrementAndGet() + ";create=true");
        try (Connection connection = sessions.getConnection();
                CallableStatement set = connection.prepareCall("CALL SYSCS_UTIL.SYSCS_SET_DATABASE_PROPERTY(?, ?)")) {
            for (String property : List.of("derby.locks.waitTimeout", "derby.locks.deadlockTimeout")) {
                set.setString(1, property);
                set.setString(2, "1");
                set.execute();
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
        return new Database(
                "Derby",
                new DerbyDialect(),
                sessions,
                List.of("VALUES CURRENT ISOLATION"),
                null,
                null,
                UnaryOperator.identity(),
                UnaryOperator.identity());
    }
}
