package dev.holdfast.tx.sqlite;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.PoolAdvice;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** If a URL is taken for the wrong place, look at SqlitePools. */
class SqlitePoolsTest {
    private static PoolAdvice advice(String url) {
        return new SqliteDialect().advise(url).orElseThrow();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "jdbc:sqlite:shop.db",
                "jdbc:sqlite:/var/shop.db",
                "JDBC:SQLite:shop.db",
                "jdbc:sqlite:C:\\shop.db",
                "jdbc:sqlite:shop.db?synchronous=NORMAL",
                "jdbc:sqlite:file:shop.db",
                "jdbc:sqlite:file:shop.db?mode=rwc&cache=private",
                "jdbc:sqlite:shop.db?mode=memory"
            })
    void a_file_has_one_writer_and_readers_that_cannot_write(String url) {
        PoolAdvice writer = advice(url);
        assertThat(writer.size()).isEqualTo(1);
        assertThat(writer.autocommit()).isEqualTo(Autocommit.ON);
        assertThat(writer.initSql()).isNull();
        assertThat(writer.properties())
                .isEqualTo(Map.of("journal_mode", "WAL", "foreign_keys", "true", "busy_timeout", "5000"));
        PoolAdvice readers = writer.readers();
        assertThat(readers).isNotNull();
        assertThat(readers.size()).isGreaterThanOrEqualTo(4);
        assertThat(readers.initSql()).isEqualTo("PRAGMA query_only=ON");
        assertThat(readers.properties()).isEqualTo(Map.of("foreign_keys", "true", "busy_timeout", "5000"));
        assertThat(readers.readers()).isNull();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "jdbc:sqlite:",
                "jdbc:sqlite::memory:",
                "jdbc:sqlite::memory:?foreign_keys=true",
                "jdbc:sqlite:file::memory:",
                "jdbc:sqlite:file::memory:?cache=shared",
                "jdbc:sqlite:file:x?mode=memory&cache=shared",
                "jdbc:sqlite:file:shop.db?cache=shared",
                "jdbc:sqlite:file:shop.db?shared_cache=TRUE",
                "jdbc:sqlite:file:/shop?vfs=memdb",
                "jdbc:sqlite:file:",
                "jdbc:sqlite::resource:shop.db"
            })
    void what_lives_in_memory_or_in_a_shared_cache_has_one_connection(String url) {
        PoolAdvice only = advice(url);
        assertThat(only.size()).isEqualTo(1);
        assertThat(only.readers()).isNull();
        assertThat(only.initSql()).isNull();
        assertThat(only.properties()).doesNotContainKey("journal_mode");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "jdbc:sqlite:file:shop.db?mode=ro",
                "jdbc:sqlite:file:shop.db?immutable=1",
                "jdbc:sqlite:shop.db?open_mode=1"
            })
    void a_file_opened_for_reading_has_readers_only(String url) {
        PoolAdvice readers = advice(url);
        assertThat(readers.size()).isGreaterThanOrEqualTo(4);
        assertThat(readers.initSql()).isEqualTo("PRAGMA query_only=ON");
        assertThat(readers.properties()).doesNotContainKey("journal_mode");
        assertThat(readers.readers()).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "jdbc:sqlite", "sqlite:shop.db", "jdbc:postgresql://localhost/shop", "jdbc:sqlite3:x"})
    void the_URL_of_something_else_is_left_to_others(String url) {
        assertThat(new SqliteDialect().advise(url)).isEmpty();
    }

    @Test
    void the_driver_does_as_the_properties_say() throws SQLException {
        try (Database database = Database.file("DELETE")) {
            PoolAdvice advice = advice(database.url());
            try (Connection writer = open(database.url(), advice);
                    Connection reader = open(database.url(), Objects.requireNonNull(advice.readers()))) {
                assertThat(Database.session(writer))
                        .containsEntry("journal_mode", "wal")
                        .containsEntry("foreign_keys", "1")
                        .containsEntry("busy_timeout", "5000")
                        .containsEntry("query_only", "0");
                assertThat(Database.session(reader))
                        .containsEntry("journal_mode", "wal")
                        .containsEntry("foreign_keys", "1")
                        .containsEntry("busy_timeout", "5000")
                        .containsEntry("query_only", "1");
                assertThat(Database.ask(writer, "PRAGMA synchronous"))
                        .as("FULL")
                        .isEqualTo("2");
            }
        }
    }

    private static Connection open(String url, PoolAdvice advice) throws SQLException {
        Properties properties = new Properties();
        properties.putAll(advice.properties());
        Connection connection = DriverManager.getConnection(url, properties);
        if (advice.initSql() != null) {
            Database.run(connection, advice.initSql());
        }
        return connection;
    }
}
