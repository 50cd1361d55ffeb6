package dev.holdfast.tx.engine.internal;

import static dev.holdfast.tx.engine.internal.Made.IDENTITY;
import static dev.holdfast.tx.engine.internal.Made.dialect;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.Match;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class DialectsTest {
    @Test
    void the_one_that_fits_is_taken() {
        Dialect fits = dialect("fits", Match.FAMILY);
        assertThat(Dialects.best(List.of(dialect("no", Match.NO), fits), IDENTITY))
                .isSameAs(fits);
    }

    @Test
    void one_made_for_the_database_is_taken_before_one_of_its_family_in_whatever_order() {
        Dialect exact = dialect("exact", Match.EXACT);
        Dialect family = dialect("family", Match.FAMILY);
        assertThat(Dialects.best(List.of(exact, family), IDENTITY)).isSameAs(exact);
        assertThat(Dialects.best(List.of(family, exact), IDENTITY)).isSameAs(exact);
    }

    @Test
    void several_of_the_family_are_no_matter_where_one_is_made_for_the_database() {
        Dialect exact = dialect("exact", Match.EXACT);
        Dialect family = dialect("family", Match.FAMILY);
        assertThat(Dialects.best(List.of(family, exact, family), IDENTITY)).isSameAs(exact);
    }

    @Test
    void two_that_fit_equally_well_are_an_error_that_names_both_and_what_to_do() {
        List<Dialect> two = List.of(dialect("one", Match.FAMILY), dialect("other", Match.FAMILY));
        assertThatThrownBy(() -> Dialects.best(two, IDENTITY))
                .isInstanceOf(TxException.class)
                .hasMessageContainingAll("one (", "other (", "equally well", "Holdfast.builder(dataSource).dialect(");
    }

    @TestFactory
    Stream<DynamicTest> where_none_fits_the_artifact_to_add_is_named() {
        return Stream.of(
                        "PostgreSQL: dev.holdfast:dialect-postgres",
                        "MySQL: dev.holdfast:dialect-mysql",
                        "MariaDB: dev.holdfast:dialect-mysql",
                        "Microsoft SQL Server: dev.holdfast:dialect-mssql",
                        "SQLite: dev.holdfast:dialect-sqlite",
                        "Firebird: writing-a-dialect.md")
                .map(line -> line.split(": "))
                .map(line -> dynamicTest(line[0], () -> {
                    Identity identity = new Identity(line[0], "1", "driver", "1", "jdbc:x:y", Identity.Autocommit.ON);
                    assertThatThrownBy(() -> Dialects.best(List.of(dialect("no", Match.NO)), identity))
                            .isInstanceOf(TxUnsupportedException.class)
                            .hasMessageContainingAll(line[0], line[1]);
                }));
    }

    @Test
    void where_none_knows_a_url_the_artifact_to_add_is_named_and_no_password() {
        assertThatThrownBy(() -> Dialects.advise("jdbc:postgresql://me:secret@host/db?password=secret"))
                .isInstanceOf(TxUnsupportedException.class)
                .hasMessageContainingAll("jdbc:postgresql://host/db", "dev.holdfast:dialect-postgres")
                .message()
                .doesNotContain("secret");
    }

    @TestFactory
    Stream<DynamicTest> a_chosen_dialect_is_taken_if_it_fits_at_all() {
        return Stream.of(Match.FAMILY, Match.EXACT)
                .map(match -> dynamicTest(match.name(), () -> {
                    Dialect chosen = dialect("chosen", match);
                    assertThat(Dialects.checked(chosen, IDENTITY)).isSameAs(chosen);
                }));
    }

    @Test
    void a_chosen_dialect_that_does_not_fit_is_refused() {
        assertThatThrownBy(() -> Dialects.checked(dialect("chosen", Match.NO), IDENTITY))
                .isInstanceOf(TxUnsupportedException.class)
                .hasMessageContainingAll("chosen", "Made 1.0", "leave it out");
    }

    @Test
    void a_dialect_of_the_level_of_the_engine_is_taken() {
        assertThatCode(() -> Dialects.requireLevel(dialect("same", Match.EXACT, Dialect.SPI_LEVEL)))
                .doesNotThrowAnyException();
    }

    @Test
    void a_dialect_of_a_later_level_says_that_the_engine_must_be_upgraded() {
        assertThatThrownBy(() -> Dialects.requireLevel(dialect("later", Match.EXACT, Dialect.SPI_LEVEL + 1)))
                .isInstanceOf(TxException.class)
                .hasMessageContainingAll("later", "level " + (Dialect.SPI_LEVEL + 1), "upgrade tx-engine");
    }

    @Test
    void a_dialect_of_a_level_that_never_was_says_that_the_dialect_must_be_upgraded() {
        assertThatThrownBy(() -> Dialects.checked(dialect("odd", Match.EXACT, 0), IDENTITY))
                .isInstanceOf(TxException.class)
                .hasMessageContainingAll("odd", "level 0", "upgrade the dialect");
    }
}
