package dev.holdfast.samples.bank;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.BeginMode;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxListener;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.Holdfast;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.sqlite.SQLiteConnection;

/** SQLite, in a file of its own. */
final class SqliteVault implements Vault {
    private final Path folder;
    private final String url;
    private final List<HikariDataSource> pools = new ArrayList<>();

    SqliteVault() throws IOException {
        folder = Files.createTempDirectory("holdfast-bank");
        url = "jdbc:sqlite:" + folder.resolve("bank.db");
    }

    @Override
    public String name() {
        return "SQLite, in a file of a temporary folder";
    }

    /**
     * Holdfast's own pool has one connection that writes and takes the write lock when it begins, so those who use it never
     * conflict. The optimistic tellers get a pool of several writers that begin without it, and do conflict: with each
     * other and with that one.
     */
    @Override
    public Transactor open(Bank.Manner manner, TxListener listener) {
        if (manner == Bank.Manner.LOCKING) {
            return Holdfast.builder(url).listener(listener).build();
        }
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(url);
        config.setMaximumPoolSize(4);
        config.addDataSourceProperty("busy_timeout", "5000");
        HikariDataSource pool = new HikariDataSource(config);
        pools.add(pool);
        return Holdfast.builder(pool)
                .options(TxOptions.none().beginMode(BeginMode.DEFERRED))
                .listener(listener)
                .build();
    }

    @Override
    public Connection plainConnection() throws SQLException {
        return DriverManager.getConnection(url);
    }

    @Override
    public void cutConnection(Tx tx) throws SQLException {
        tx.connection().unwrap(SQLiteConnection.class).close();
    }

    @Override
    public void close() throws IOException {
        pools.forEach(HikariDataSource::close);
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }
}
