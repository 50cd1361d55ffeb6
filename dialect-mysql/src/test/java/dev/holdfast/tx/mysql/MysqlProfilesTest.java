package dev.holdfast.tx.mysql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.Match;
import dev.holdfast.tx.spi.PoolAdvice;
import dev.holdfast.tx.spi.Profile;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MysqlProfilesTest {
    private static final MysqlDialect DIALECT = new MysqlDialect();

    @ParameterizedTest
    @CsvSource({
        "9.7.4-2, MySQL 9.7",
        "8.0.12, MySQL 8.0",
        "8.4.3-log, MySQL 8.4",
        "10.11.19-MariaDB-0+deb12u1, MariaDB 10.11",
        "5.5.5-10.11.19-MariaDB, MariaDB 10.11",
        "11.4.5-MariaDB, MariaDB 11.4",
        "8.0.11-TiDB-v8.5.1, TiDB 8.5",
        "5.7.25-TiDB-v6.5.0, TiDB 6.5",
        "8.0.30-Vitess, Vitess 8.0",
        "8.0.35-PlanetScale, Vitess 8.0"
    })
    void a_server_is_told_by_its_version(String version, String server) {
        assertThat(Profiles.saying(version).made().server()).isEqualTo(server);
    }

    @Test
    void aurora_is_told_by_a_variable() {
        assertThat(Profiles.saying("8.0.39")
                        .says("aurora_version", "3.08")
                        .made()
                        .server())
                .isEqualTo("Aurora MySQL 8.0");
    }

    @Test
    void repeatable_read_is_what_the_server_makes_of_it() {
        assertThat(Profiles.mysql().made().model(Isolation.REPEATABLE_READ)).isEqualTo(IsolationModel.RR_INNODB);
        assertThat(Profiles.mariadb().made().model(Isolation.REPEATABLE_READ)).isEqualTo(IsolationModel.RR_INNODB);
        assertThat(Profiles.mariadb()
                        .says("innodb_snapshot_isolation", "ON")
                        .made()
                        .model(null))
                .isEqualTo(IsolationModel.SI);
        // pessimistic by default: what writes or locks reads the latest commit
        assertThat(Profiles.saying("8.0.11-TiDB-v8.5.1").made().model(null)).isEqualTo(IsolationModel.RR_INNODB);
        // over several shards there is no snapshot
        assertThat(Profiles.saying("8.0.30-Vitess").made().model(null)).isEqualTo(IsolationModel.RC);
        assertThat(Profiles.saying("8.0.30-Vitess")
                        .says("transaction_isolation", "SERIALIZABLE")
                        .made()
                        .model(null))
                .isEqualTo(IsolationModel.RC);
        assertThat(Profiles.saying("8.0.30-Vitess")
                        .says("transaction_isolation", "READ-UNCOMMITTED")
                        .made()
                        .model(null))
                .isEqualTo(IsolationModel.RU);
    }

    @Test
    void snapshot_isolation_is_to_be_had_where_the_server_knows_it() {
        assertThat(Profiles.mariadb().made().model(Isolation.SNAPSHOT)).isEqualTo(IsolationModel.SI);
        assertThat(Profiles.mysql().made().model(Isolation.SNAPSHOT)).isNull();
        assertThat(Profiles.saying("10.6.2-MariaDB").made().model(Isolation.SNAPSHOT))
                .isNull();
        assertThat(Profiles.saying("8.0.11-TiDB-v8.5.1").made().model(Isolation.SNAPSHOT))
                .isNull();
    }

    @Test
    void what_the_family_lacks_is_not_declared() {
        Profile tidb = Profiles.saying("8.0.11-TiDB-v8.5.1").made();
        assertThat(tidb.features())
                .doesNotContain(Feature.READ_ONLY, Feature.LOCK_SHARE, Feature.LOCK_SKIP_LOCKED)
                .contains(Feature.LOCK_UPDATE, Feature.LOCK_NO_WAIT);
        assertThat(tidb.levels()).containsOnlyKeys(Isolation.READ_COMMITTED, Isolation.REPEATABLE_READ);
        Profile vitess = Profiles.saying("8.0.30-Vitess").made();
        assertThat(vitess.features())
                .doesNotContain(Feature.READ_ONLY, Feature.LOCK_TIMEOUT, Feature.STATEMENT_TIMEOUT);
        assertThat(vitess.levels()).containsOnlyKeys(Isolation.REPEATABLE_READ);
        assertThat(Profiles.mysql().made().features())
                .doesNotContain(Feature.TRANSACTIONAL_DDL, Feature.DEFERRED_CONSTRAINTS);
    }

    private static Match accepts(String product, String version, String url) {
        return DIALECT.accepts(new Identity(product, version, "a driver", "1", url, Autocommit.ON));
    }

    @Test
    void accepts_what_it_knows_from_the_versions_it_is_written_for() {
        assertThat(accepts("MySQL", "8.0.12", "jdbc:mysql://db/x")).isEqualTo(Match.EXACT);
        assertThat(accepts("MySQL", "5.7.44", "jdbc:mysql://db/x")).isEqualTo(Match.NO);
        assertThat(accepts("MySQL", "5.5.5-10.11.19-MariaDB", "jdbc:mysql://db/x"))
                .isEqualTo(Match.EXACT);
        assertThat(accepts("MariaDB", "10.5.9-MariaDB", "jdbc:mariadb://db/x")).isEqualTo(Match.NO);
        assertThat(accepts("MySQL", "5.7.25-TiDB-v6.5.0", "jdbc:mysql://db/x")).isEqualTo(Match.EXACT);
        assertThat(accepts("StrangeDB", "8.1.0", "jdbc:mysql://db/x")).isEqualTo(Match.FAMILY);
        assertThat(accepts("PostgreSQL", "18.0", "jdbc:postgresql://db/x")).isEqualTo(Match.NO);
    }

    @ParameterizedTest
    @ValueSource(strings = {"jdbc:mysql://db/shop", "jdbc:mysql:loadbalance://a,b/shop", "jdbc:mariadb://db/shop"})
    void pools_idle_with_autocommit_off(String url) {
        PoolAdvice advice = DIALECT.advise(url).orElseThrow();
        assertThat(advice.autocommit()).isEqualTo(Autocommit.OFF);
        assertThat(advice.properties()).containsEntry("allowMultiQueries", "true");
    }

    @Test
    void other_urls_are_not_advised_on() {
        assertThat(DIALECT.advise("jdbc:postgresql://db/shop")).isEmpty();
    }

    @Test
    void connectorJMayWriteOnTheHostThatItFailsOverTo() {
        assertThat(DIALECT.advise("jdbc:mysql://a,b/shop").orElseThrow().properties())
                .containsEntry("failOverReadOnly", "false")
                .containsEntry("secondsBeforeRetrySource", "0")
                .containsEntry("queriesBeforeRetrySource", "0");
        for (String url :
                List.of("jdbc:mysql://a/shop", "jdbc:mysql://a/shop?x=1,2", "jdbc:mysql:replication://a,b/shop")) {
            assertThat(DIALECT.advise(url).orElseThrow().properties()).as(url).doesNotContainKey("failOverReadOnly");
        }
    }
}
