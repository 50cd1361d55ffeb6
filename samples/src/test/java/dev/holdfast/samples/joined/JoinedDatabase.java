package dev.holdfast.samples.joined;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.server.ServerUrl;
import dev.holdfast.tx.testkit.server.TestServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.sql.DataSource;
import org.postgresql.ds.PGSimpleDataSource;
import org.sqlite.SQLiteDataSource;

/** A database that a client's statements run on, with our transactions and without. */
enum JoinedDatabase {
    SQLITE {
        @Override
        Transactor connect() {
            return Holdfast.connect(SqliteFile.URL);
        }

        @Override
        DataSource withoutHoldfast() {
            SQLiteDataSource source = new SQLiteDataSource();
            source.setUrl(SqliteFile.URL);
            return source;
        }
    },

    POSTGRESQL {
        @Override
        Transactor connect() {
            ServerUrl server = TestServer.postgres(18).find();
            return Holdfast.connect(server.url(), server.user(), server.password());
        }

        @Override
        DataSource withoutHoldfast() {
            ServerUrl server = TestServer.postgres(18).find();
            PGSimpleDataSource source = new PGSimpleDataSource();
            source.setUrl(server.url());
            source.setUser(server.user());
            source.setPassword(server.password());
            return source;
        }
    };

    /** As a program would; closed by the test. */
    abstract Transactor connect();

    /** Sessions of the same database that Holdfast knows nothing of. */
    abstract DataSource withoutHoldfast();

    private static final class SqliteFile {
        static final String URL = "jdbc:sqlite:" + fresh();

        private static Path fresh() {
            try {
                Path folder = Files.createDirectories(Path.of("target", "databases"));
                return Files.createTempFile(folder, "joined", ".db");
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
