package dev.holdfast.tx.mssql;

import static dev.holdfast.tx.FailureKind.CHECK;
import static dev.holdfast.tx.FailureKind.FOREIGN_KEY;
import static dev.holdfast.tx.FailureKind.OTHER;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.CommitFate;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.Match;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Wish;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.Map;
import java.util.ServiceLoader;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What needs neither driver nor server. */
class MssqlDialectTest {
    private static final MssqlDialect DIALECT = Profiles.DIALECT;

    @Test
    void it_is_found() {
        assertThat(ServiceLoader.load(Dialect.class)).anyMatch(MssqlDialect.class::isInstance);
    }

    private static Match match(String product, String version, String url) {
        return DIALECT.accepts(new Identity(product, version, "driver", "1", url, Identity.Autocommit.ON));
    }

    @Test
    void it_takes_what_calls_itself_sql_server() {
        assertThat(match("Microsoft SQL Server", "16.00.4185", "jdbc:sqlserver://db"))
                .isEqualTo(Match.EXACT);
        assertThat(match("Microsoft SQL Server", "12.00.2000", "jdbc:other:db")).isEqualTo(Match.EXACT);
        assertThat(match("Microsoft SQL Server", "11.00.7001", "jdbc:sqlserver://db"))
                .isEqualTo(Match.NO);
        assertThat(match("Something", "16.0", "jdbc:sqlserver://db")).isEqualTo(Match.FAMILY);
        assertThat(match("PostgreSQL", "18.0", "jdbc:postgresql://db")).isEqualTo(Match.NO);
    }

    @Test
    void levels_are_what_the_database_allows() {
        assertThat(Profiles.usual().levels()).doesNotContainKey(Isolation.SNAPSHOT);
        assertThat(Profiles.azure().model(Isolation.SNAPSHOT)).isEqualTo(IsolationModel.SI);
        assertThat(Profiles.usual().model(Isolation.REPEATABLE_READ)).isEqualTo(IsolationModel.RR_LOCKING);
        for (String inTransition : new String[] {"2", "3"}) {
            assertThat(Profiles.answering(Map.of("snapshot_isolation_state", inTransition))
                            .levels())
                    .doesNotContainKey(Isolation.SNAPSHOT);
        }
        assertThat(Profiles.answering(Map.of("isolation", "4")).defaultIsolation())
                .isEqualTo(Isolation.SERIALIZABLE);
        // a session at SNAPSHOT in a database that does not allow it: not to be had, so not the default
        assertThat(Profiles.answering(Map.of("isolation", "5")).defaultIsolation())
                .isEqualTo(Isolation.READ_COMMITTED);
    }

    @Test
    void a_secondary_reads_from_snapshots_and_locks_nothing() {
        Profile secondary = Profiles.secondary();
        assertThat(secondary.levels()).doesNotContainKey(Isolation.SERIALIZABLE);
        assertThat(secondary.model(Isolation.READ_COMMITTED)).isEqualTo(IsolationModel.SI);
        assertThat(secondary.features()).contains(Feature.READ_ONLY).doesNotContain(Feature.LOCK_UPDATE);
        assertThat(Profiles.readOnlyDatabase().levels()).containsKey(Isolation.SERIALIZABLE);
        Assertions.assertThatThrownBy(() -> DIALECT.lock(RowLock.forUpdate(), Wish.of(TxOptions.none()), secondary))
                .isInstanceOf(TxUnsupportedException.class);
    }

    @Test
    void what_the_probe_does_not_know_is_planned_for() {
        Profile blind = DIALECT.profile(Profiles.identity(Identity.Autocommit.ON), dev.holdfast.tx.spi.Answers.none());
        assertThat(blind.server()).isEqualTo("SQL Server 16.0");
        assertThat(MssqlProfiles.readsVersions(blind)).isTrue();
        assertThat(blind.levels()).doesNotContainKey(Isolation.SNAPSHOT);
        assertThat(blind.has(Feature.READ_ONLY)).isFalse();
    }

    @Test
    void version_12_is_azures_and_not_that_of_2014() {
        Assertions.assertThatThrownBy(() -> Profiles.answering(Map.of("product_version", "12.0.6024.0")))
                .isInstanceOf(TxUnsupportedException.class)
                .hasMessageContaining("2014");
        assertThat(Profiles.azure().server()).startsWith("Azure SQL Database");
        assertThat(Profiles.answering(Map.of("engine_edition", "8", "product_version", "12.0.2000.8"))
                        .server())
                .startsWith("Azure SQL Managed Instance");
    }

    @Test
    void babelfish_is_no_sql_server() {
        Assertions.assertThatThrownBy(() -> Profiles.answering(Map.of("babelfish", "1")))
                .isInstanceOf(TxUnsupportedException.class)
                .hasMessageContaining("Babelfish");
    }

    // ---- 547

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "The INSERT statement conflicted with the FOREIGN KEY constraint \"fk\". The conflict occurred in database \"d\", table \"dbo.t\", column 'id'. | FOREIGN_KEY",
                "The DELETE statement conflicted with the REFERENCE constraint \"CHECK\". | FOREIGN_KEY",
                "The UPDATE statement conflicted with the FOREIGN KEY SAME TABLE constraint \"x\". | FOREIGN_KEY",
                "The DELETE statement conflicted with the SAME TABLE REFERENCE constraint \"x\". | FOREIGN_KEY",
                "The INSERT statement conflicted with the CHECK constraint \"FOREIGN KEY\". | CHECK",
                "Die INSERT-Anweisung steht in Konflikt mit der FOREIGN KEY-Einschränkung \"CHECK\". | FOREIGN_KEY",
                "Die INSERT-Anweisung steht in Konflikt mit der CHECK-Einschränkung \"c\". | CHECK",
                "Instruction INSERT en conflit avec la contrainte FOREIGN KEY « CHECK ». | FOREIGN_KEY",
                "INSERT ステートメントは CHECK 制約 \"c\" と競合しています。 | CHECK",
                "INSERT 语句与 FOREIGN KEY 约束\"fk\"冲突。 | FOREIGN_KEY",
                "INSERT 문이 REFERENCE 제약 조건 \"x\"과(와) 충돌했습니다. | FOREIGN_KEY",
                "The INSERT statement conflicted with the constraint \"CHECK\". | OTHER",
                "PRECHECK and CHECKED and CROSSREFERENCE | OTHER"
            })
    void the_words_of_sql_tell_what_constraint_it_was(String message, FailureKind kind) {
        assertThat(MssqlFailures.constraint(message)).isEqualTo(kind);
    }

    @Test
    void without_words_it_is_neither() {
        assertThat(MssqlFailures.constraint(null)).isEqualTo(OTHER);
        assertThat(MssqlFailures.constraint("")).isEqualTo(OTHER);
        assertThat(java.util.List.of(FOREIGN_KEY, CHECK)).doesNotContain(MssqlFailures.constraint("foreign key"));
    }

    // ---- errors as another driver, or no driver, would raise them

    private static Failure classify(SQLException error, Phase phase, Profile profile) {
        return DIALECT.classify(error, Moment.of(phase, Wish.of(TxOptions.none())), profile);
    }

    @Test
    void a_pool_that_is_exhausted_is_no_lost_connection() {
        SQLException exhausted = new SQLTransientConnectionException("request timed out after 30000ms");
        assertThat(classify(exhausted, Phase.ACQUIRE, Profiles.usual()).kind())
                .isEqualTo(FailureKind.TOO_MANY_CONNECTIONS);
        SQLException unreachable =
                new SQLTransientConnectionException("timed out", "08S01", new SQLException("x", "08S01"));
        assertThat(classify(unreachable, Phase.ACQUIRE, Profiles.usual()).kind())
                .isEqualTo(FailureKind.CONNECTION_LOST);
        SQLException throttled =
                new SQLTransientConnectionException("timed out", "S0001", new SQLException("x", "S0001", 10928));
        assertThat(classify(throttled, Phase.ACQUIRE, Profiles.azure()).kind())
                .isEqualTo(FailureKind.TOO_MANY_CONNECTIONS);
    }

    @Test
    void a_database_that_cannot_be_opened_comes_back_on_azure_alone() {
        SQLException cannotOpen = new SQLException("x", "S0001", 4060);
        assertThat(classify(cannotOpen, Phase.ACQUIRE, Profiles.azure()).kind()).isEqualTo(FailureKind.SERVER_SHUTDOWN);
        assertThat(classify(cannotOpen, Phase.ACQUIRE, Profiles.usual()).kind()).isEqualTo(FailureKind.PERMISSION);
    }

    @Test
    void the_fence_is_known_by_its_sqlstate_where_the_driver_is_not() {
        Failure there = classify(new SQLException("x", "S0071", 50_000), Phase.COMMIT, Profiles.usual());
        assertThat(there.atCommit()).isEqualTo(CommitFate.STILL_OPEN);
        Failure gone = classify(new SQLException("x", "S0072", 50_000), Phase.COMMIT, Profiles.usual());
        assertThat(gone.atCommit()).isEqualTo(CommitFate.UNKNOWN);
        assertThat(gone.kind()).isEqualTo(FailureKind.TX_STATE);
        Failure user = classify(new SQLException("x", "S0071", 50_000), Phase.STATEMENT, Profiles.usual());
        assertThat(user.effect()).isEqualTo(FailureEffect.ASK);
    }

    @Test
    void outside_of_a_transaction_an_error_has_no_effect_unless_the_connection_is_lost() {
        assertThat(classify(new SQLException("x", "40001", 1205), Phase.OUTSIDE, Profiles.usual())
                        .effect())
                .isEqualTo(FailureEffect.NONE);
        assertThat(classify(new SQLException("x", "08S01"), Phase.OUTSIDE, Profiles.usual())
                        .effect())
                .isEqualTo(FailureEffect.LOST);
    }

    @Test
    void a_circle_of_errors_is_walked_once() {
        SQLException one = new SQLException("one", "S0001", 2627);
        SQLException two = new SQLException("two", "S0001", 1205);
        one.setNextException(two);
        two.initCause(one);
        assertThat(classify(one, Phase.STATEMENT, Profiles.usual()).effect()).isEqualTo(FailureEffect.ENDED);
        assertThat(classify(one, Phase.STATEMENT, Profiles.usual()).kind()).isEqualTo(FailureKind.UNIQUE);
    }

    @Test
    void under_snapshot_and_repeatable_read_rows_can_be_skipped_and_not_under_the_others() {
        RowLock skipping = RowLock.forUpdate().skipLocked();
        for (Isolation level : Isolation.values()) {
            Wish wish = Wish.of(TxOptions.of(level));
            if (level == Isolation.SERIALIZABLE || level == Isolation.READ_UNCOMMITTED) {
                Assertions.assertThatThrownBy(() -> DIALECT.lock(skipping, wish, Profiles.azure()))
                        .isInstanceOf(TxUnsupportedException.class)
                        .hasMessageContaining(level.name());
            } else {
                assertThat(DIALECT.lock(skipping, wish, Profiles.azure()).tableHint())
                        .contains("READPAST");
            }
        }
    }
}
