package dev.holdfast.tx.postgres;

import static dev.holdfast.tx.postgres.Profiles.DIALECT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.BeginMode;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.TestHooks;
import dev.holdfast.tx.spi.Wish;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What a server is, from what it answers. */
class PostgresProfilesTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "PostgreSQL 18.6 on x86_64-pc-linux-gnu, compiled by gcc, 64-bit | PostgreSQL 18.6",
                "PostgreSQL 15.18 (Debian 15.18-0+deb12u1) on x86_64-pc-linux-gnu | PostgreSQL 15.18",
                "PostgreSQL 19beta1 on x86_64-pc-linux-gnu | PostgreSQL 19.0",
                "PostgreSQL 17.5 (EnterpriseDB Advanced Server 17.5.0) on x86_64 | PostgreSQL 17.5",
                "CockroachDB CCL v26.3.0 (x86_64-pc-linux-gnu, built 2026/08/01) | CockroachDB 26.3",
                "CockroachDB OSS v19.2.1 (x86_64-unknown-linux-gnu) | CockroachDB 19.2",
                "PostgreSQL 15.12-YB-2025.2.0.0-b0 on x86_64-pc-linux-gnu | YugabyteDB 2025.2",
                "PostgreSQL 11.2-YB-2.20.1.3-b0 on x86_64-pc-linux-gnu | YugabyteDB 2.20",
                "something else | PostgreSQL 0.0"
            })
    void aServerIsWhatItCallsItself(String version, String server) {
        assertThat(Profiles.answering(Map.of("version", version)).server()).isEqualTo(server);
    }

    @Test
    void auroraIsToldByItsFunction() {
        assertThat(Profiles.aurora().server()).isEqualTo("Aurora PostgreSQL 17.3");
    }

    @ParameterizedTest
    @CsvSource({
        "read uncommitted, READ_UNCOMMITTED, RC",
        "read committed, READ_COMMITTED, RC",
        "repeatable read, REPEATABLE_READ, SI",
        "serializable, SERIALIZABLE, SER"
    })
    void theDefaultLevelIsTheServers(String setting, Isolation level, IsolationModel model) {
        Profile profile = Profiles.answering(Map.of("default_transaction_isolation", setting));

        assertThat(profile.defaultIsolation()).isEqualTo(level);
        assertThat(profile.model(null)).isEqualTo(model);
    }

    @Test
    void aDefaultNobodyKnowsCountsAsTheWeakest() {
        Profile profile = Profiles.answering(Map.of("default_transaction_isolation", "nearly serializable"));

        assertThat(profile.model(null)).isEqualTo(IsolationModel.RC);
    }

    @Test
    void cockroachDbHasRepeatableReadWhereItIsTheDefault() {
        Profile profile = Profiles.answering(
                Map.of("version", Profiles.COCKROACHDB, "default_transaction_isolation", "repeatable read"));

        assertThat(profile.model(Isolation.REPEATABLE_READ)).isEqualTo(IsolationModel.SI);
        assertThat(profile.model(Isolation.SNAPSHOT)).isNull();
    }

    @Test
    void anOldServerCannotSettle() {
        Profile profile = Profiles.postgres(12);

        assertThat(profile.has(Feature.VERIFIABLE)).isFalse();
        assertThat(DIALECT.settlement(profile)).isEmpty();
    }

    static Stream<Arguments> declarations() {
        return Stream.of(
                Arguments.of(Feature.READ_ONLY, TxOptions.none().readOnly()),
                Arguments.of(Feature.DEFERRED_CONSTRAINTS, TxOptions.none().deferConstraints()),
                Arguments.of(Feature.IMMEDIATE_CONSTRAINTS, TxOptions.none().checkConstraintsImmediately()),
                Arguments.of(Feature.NAMED_CONSTRAINTS, TxOptions.none().deferConstraints("a")),
                Arguments.of(Feature.LOCK_TIMEOUT, TxOptions.none().lockTimeout(Duration.ofSeconds(1))),
                Arguments.of(Feature.STATEMENT_TIMEOUT, TxOptions.none().statementTimeout(Duration.ofSeconds(1))),
                Arguments.of(Feature.VERIFIABLE, TxOptions.none().verifiable()),
                Arguments.of(Feature.BEGIN_MODE, TxOptions.none().beginMode(BeginMode.DEFERRED)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("declarations")
    void whatIsDeclaredIsNotRefused_andWhatIsNotIs(Feature feature, TxOptions options) {
        for (Profile profile : new Profile[] {
            Profiles.postgres(18),
            Profiles.postgres(12),
            Profiles.standby(),
            Profiles.aurora(),
            Profiles.cockroach(),
            Profiles.yugabyte()
        }) {
            assertThat(isPlanned(options, profile)).as(profile.server()).isEqualTo(profile.has(feature));
        }
    }

    private static boolean isPlanned(TxOptions options, Profile profile) {
        try {
            return DIALECT.plan(Wish.of(options), profile).notes().isEmpty();
        } catch (TxUnsupportedException refused) {
            return false;
        }
    }

    @Test
    void cockroachDbHasNoSessionsToBeKilledByNumber() {
        assertThat(DIALECT.testHooks(Profiles.cockroach())).isSameAs(TestHooks.NONE);
    }
}
