package dev.holdfast.tx.postgres;

import static dev.holdfast.tx.postgres.Profiles.DIALECT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.Match;
import dev.holdfast.tx.spi.PoolAdvice;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How the dialect presents itself. */
class PostgresDialectTest {
    @Test
    void itIsFoundAsAService() {
        assertThat(ServiceLoader.load(Dialect.class)).hasAtLeastOneElementOfType(PostgresDialect.class);
    }

    @Test
    void itSpeaksTheLevelItWasCompiledWith() {
        assertThat(DIALECT.spiLevel()).isEqualTo(Dialect.SPI_LEVEL);
        assertThat(DIALECT.name()).isEqualTo("postgresql");
    }

    @ParameterizedTest
    @CsvSource({
        "PostgreSQL, 18.6, jdbc:postgresql://db/shop, EXACT",
        "PostgreSQL, 15.18 (Debian 15.18-0+deb12u1), jdbc:postgresql://db/shop, EXACT",
        "PostgreSQL, 13.0.0, jdbc:aws-wrapper:postgresql://db/shop, EXACT",
        "YugabyteDB, 11.2, jdbc:yugabytedb://db/shop, EXACT",
        "PostgreSQL, 8.0.2, jdbc:postgresql://db/shop, NO",
        "Someone, 1, jdbc:postgresql://db/shop, NO",
        "Someone, 18, jdbc:postgresql://db/shop, FAMILY",
        "Someone, (unknown), jdbc:postgresql://db/shop, FAMILY",
        "SQLite, 3.54.1, jdbc:sqlite:shop.db, NO",
        "H2, 2.4.240, jdbc:h2:mem:shop;MODE=PostgreSQL, NO"
    })
    void itTakesItsOwn(String product, String version, String url, Match match) {
        Identity identity = new Identity(product, version, "a driver", "1", url, Autocommit.ON);

        assertThat(DIALECT.accepts(identity)).isEqualTo(match);
    }

    @Test
    void itAdvisesTenConnectionsOnAutocommit() {
        PoolAdvice advice = DIALECT.advise("jdbc:postgresql://db/shop").orElseThrow();

        assertThat(advice.size()).isEqualTo(10);
        assertThat(advice.autocommit()).isEqualTo(Autocommit.ON);
        assertThat(advice.properties()).containsOnlyKeys("tcpKeepAlive");
        assertThat(advice.initSql()).isNull();
        assertThat(advice.readers()).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"jdbc:sqlite:shop.db", "jdbc:yugabytedb://db/shop", "jdbc:h2:mem:shop;MODE=PostgreSQL", ""})
    void itAdvisesNothingForOthers(String url) {
        assertThat(DIALECT.advise(url)).isEmpty();
    }

    @Test
    void theTypicalServerIsTheNewest() {
        assertThat(DIALECT.typicalProfile().server()).isEqualTo("PostgreSQL 18.0");
    }
}
