package dev.holdfast.tx.sqlite;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.Match;
import dev.holdfast.tx.spi.Profile;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SqliteDialectTest {
    private static Match match(String product, String driver) {
        return new SqliteDialect()
                .accepts(new Identity(product, "3.54.1", driver, "3.54.1.0", "jdbc:sqlite:x", Autocommit.ON));
    }

    @Test
    void it_is_found_as_a_service() {
        assertThat(ServiceLoader.load(Dialect.class))
                .anySatisfy(dialect -> assertThat(dialect).isInstanceOf(SqliteDialect.class));
    }

    @ParameterizedTest
    @CsvSource({"SQLite, SQLite JDBC, EXACT", "SQLite, Another Driver, FAMILY", "PostgreSQL, PostgreSQL JDBC, NO"})
    void it_is_made_for_SQLite_through_sqlite_jdbc(String product, String driver, Match match) {
        assertThat(match(product, driver)).isEqualTo(match);
    }

    @ParameterizedTest
    @ValueSource(strings = {"WAL", "DELETE"})
    void the_driver_is_recognised_and_the_probe_answered(String journal) throws SQLException {
        try (Database database = Database.file(journal)) {
            Connection connection = database.open();
            assertThat(new SqliteDialect().accepts(Database.identity(connection)))
                    .isEqualTo(Match.EXACT);
            Profile profile = Database.profile(connection);
            assertThat(profile.flavour()).isEqualTo("SQLite");
            assertThat(profile.server()).startsWith("SQLite 3.");
            assertThat(profile.fact("journal_mode")).isEqualToIgnoringCase(journal);
            assertThat(profile.fact("busy_timeout")).isEqualTo("20");
            assertThat(profile.fact("foreign_keys")).isEqualTo("1");
            assertThat(profile.fact("query_only")).isEqualTo("0");
            assertThat(Database.profile(database.openReader()).fact("query_only"))
                    .isEqualTo("1");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"WAL", "DELETE"})
    void the_probe_is_answered_while_another_writes(String journal) throws SQLException {
        try (Database database = Database.file(journal)) {
            Connection connection = database.open();
            Database.run(database.open(), "BEGIN EXCLUSIVE", "INSERT INTO t VALUES (10, 10)");
            assertThat(Database.profile(connection).fact("foreign_keys")).isEqualTo("1");
        }
    }

    @Test
    void a_version_that_cannot_be_read_is_zero() {
        Profile profile = new SqliteDialect()
                .profile(new Identity("SQLite", "", "SQLite JDBC", "", "jdbc:sqlite:x", Autocommit.ON), Answers.none());
        assertThat(profile.server()).isEqualTo("SQLite 0.0");
    }
}
