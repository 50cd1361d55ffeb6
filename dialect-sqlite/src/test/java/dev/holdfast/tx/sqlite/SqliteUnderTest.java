package dev.holdfast.tx.sqlite;

import dev.holdfast.tx.BeginMode;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.testkit.DatabaseUnderTest;
import dev.holdfast.tx.testkit.EngineSetup;
import dev.holdfast.tx.testkit.FaultScenario;
import dev.holdfast.tx.testkit.Sql;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteConnection;
import org.sqlite.SQLiteDataSource;

/** SQLite in a file of its own, and Holdfast's engine. */
public class SqliteUnderTest implements DatabaseUnderTest {
    /** The same names in each run: reports tell them. */
    private static final AtomicInteger FILES = new AtomicInteger();

    private final Path file;

    public SqliteUnderTest() {
        try {
            Path folder = Files.createDirectories(Path.of("target", "databases"));
            this.file = folder.resolve("conformance-" + FILES.incrementAndGet() + ".db");
            for (String part : List.of("", "-wal", "-shm")) {
                Files.deleteIfExists(folder.resolve(file.getFileName() + part));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String name() {
        return "SQLite";
    }

    @Override
    public Dialect dialect() {
        return new SqliteDialect();
    }

    @Override
    public DataSource sessions() {
        SQLiteConfig config = new SQLiteConfig();
        config.setJournalMode(SQLiteConfig.JournalMode.WAL);
        config.enforceForeignKeys(true);
        config.setBusyTimeout(5_000);
        SQLiteDataSource sessions = new SQLiteDataSource(config);
        sessions.setUrl("jdbc:sqlite:" + file);
        return sessions;
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
        return Stream.of("busy_timeout", "query_only", "read_uncommitted", "defer_foreign_keys", "foreign_keys")
                .map("PRAGMA "::concat)
                .toList();
    }

    @Override
    public List<FaultScenario> faultScenarios() {
        FaultScenario unwrapped = FaultScenario.of(
                "the driver's connection unwrapped",
                stage -> stage.db().execute(tx -> {
                    Sql.insert(tx, stage.table(), 1);
                    tx.connection().unwrap(SQLiteConnection.class).libversion();
                }));
        FaultScenario setting = FaultScenario.of(
                "a setting of the caller's",
                stage -> stage.db().execute(tx -> {
                    Sql.insert(tx, stage.table(), 1);
                    tx.connection().setNetworkTimeout(Runnable::run, 5_000);
                }));
        FaultScenario begun = FaultScenario.of(
                "exclusive",
                stage -> stage.db()
                        .execute(
                                TxOptions.none().beginMode(BeginMode.EXCLUSIVE),
                                tx -> Sql.insert(tx, stage.table(), 1)));
        return List.of(unwrapped, unwrapped.autocommitOff(), setting, setting.autocommitOff(), begun);
    }
}
