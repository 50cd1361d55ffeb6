package dev.holdfast.tx.mysql;

import static java.time.Duration.ofMillis;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.LockPlan;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.spi.Wish.Target;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is sent for a lock, what is noted, and what is refused. */
class MysqlLocksTest {
    private static final MysqlDialect DIALECT = new MysqlDialect();
    private static final Wish PLAIN = Wish.of(TxOptions.none());
    private static final Wish READ_ONLY = Wish.of(TxOptions.none().readOnly());
    private static final RowLock UPDATE = RowLock.forUpdate();
    private static final RowLock SHARE = RowLock.forShare();

    static final Profile MYSQL = profile("9.7.0");
    static final Profile MARIADB = profile("10.11.19-MariaDB");
    static final Profile TIDB = profile("8.0.11-TiDB-v8.5.0");
    static final Profile VITESS = profile("8.0.30-Vitess");

    static Profile profile(String version) {
        return profile(version, Map.of());
    }

    static Profile profile(String version, Map<String, String> variables) {
        Identity identity =
                new Identity("MySQL", version, "Some Driver", "1.0", "jdbc:mysql://db/shop", Identity.Autocommit.ON);
        Map<String, String> answers = new HashMap<>(variables);
        answers.put("version", version);
        return DIALECT.profile(identity, new Answers(answers));
    }

    static Stream<Arguments> texts() {
        return Stream.of(
                Arguments.of(UPDATE, "FOR UPDATE", "FOR UPDATE"),
                Arguments.of(UPDATE.noWait(), "FOR UPDATE NOWAIT", "FOR UPDATE NOWAIT"),
                Arguments.of(UPDATE.skipLocked(), "FOR UPDATE SKIP LOCKED", "FOR UPDATE SKIP LOCKED"),
                Arguments.of(UPDATE.waitAtMost(ofSeconds(2)), "FOR UPDATE", "FOR UPDATE WAIT 2"),
                Arguments.of(UPDATE.of("a", "b"), "FOR UPDATE OF a, b", "FOR UPDATE"),
                Arguments.of(UPDATE.of("a").noWait(), "FOR UPDATE OF a NOWAIT", "FOR UPDATE NOWAIT"),
                Arguments.of(RowLock.forNoKeyUpdate(), "FOR UPDATE", "FOR UPDATE"),
                Arguments.of(SHARE, "FOR SHARE", "LOCK IN SHARE MODE"),
                Arguments.of(SHARE.noWait(), "FOR SHARE NOWAIT", "LOCK IN SHARE MODE NOWAIT"),
                Arguments.of(SHARE.skipLocked(), "FOR SHARE SKIP LOCKED", "LOCK IN SHARE MODE SKIP LOCKED"),
                Arguments.of(SHARE.waitAtMost(ofSeconds(2)), "FOR SHARE", "LOCK IN SHARE MODE WAIT 2"),
                Arguments.of(RowLock.forKeyShare(), "FOR SHARE", "LOCK IN SHARE MODE"));
    }

    @ParameterizedTest
    @MethodSource("texts")
    void eachServerHasItsWords(RowLock lock, String mysql, String mariadb) {
        assertThat(DIALECT.lock(lock, PLAIN, MYSQL).tail()).isEqualTo(mysql);
        assertThat(DIALECT.lock(lock, PLAIN, MARIADB).tail()).isEqualTo(mariadb);
        assertThat(DIALECT.lock(lock, PLAIN, MARIADB).before().isEmpty()).isTrue();
        assertThat(DIALECT.lock(lock, PLAIN, MYSQL).tableHint()).isEmpty();
    }

    @Test
    void mysqlLimitsWaitingByASetting_whichIsReadAndPutBack() {
        LockPlan plan = DIALECT.lock(UPDATE.waitAtMost(ofSeconds(2)), PLAIN, MYSQL);

        assertThat(plan.before().statements())
                .containsExactly("SELECT @@innodb_lock_wait_timeout", "SET innodb_lock_wait_timeout = 2");
        assertThat(plan.after().statements()).containsExactly("SET innodb_lock_wait_timeout = {row_lock_wait_was}");
        assertThat(plan.notes()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 999, 1000})
    void lessThanASecondIsASecond(long millis) {
        LockPlan mariadb = DIALECT.lock(UPDATE.waitAtMost(ofMillis(millis)), PLAIN, MARIADB);
        LockPlan mysql = DIALECT.lock(UPDATE.waitAtMost(ofMillis(millis)), PLAIN, MYSQL);

        assertThat(mariadb.tail()).isEqualTo("FOR UPDATE WAIT 1");
        assertThat(mysql.before().statements()).contains("SET innodb_lock_wait_timeout = 1");
        assertThat(mariadb.notes().isEmpty()).isEqualTo(millis == 1000);
        assertThat(mysql.notes().isEmpty()).isEqualTo(millis == 1000);
    }

    @Test
    void noLimitIsTooLong() {
        assertThat(DIALECT.lock(UPDATE.waitAtMost(Duration.ofDays(100_000)), PLAIN, MARIADB)
                        .tail())
                .isEqualTo("FOR UPDATE WAIT 31536000");
    }

    @Test
    void whatIsGivenOtherThanAskedForIsNoted() {
        for (Profile profile : new Profile[] {MYSQL, MARIADB}) {
            assertThat(DIALECT.lock(RowLock.forNoKeyUpdate(), PLAIN, profile).notes())
                    .singleElement()
                    .asString()
                    .contains("NO_KEY_UPDATE is given as UPDATE");
            assertThat(DIALECT.lock(RowLock.forKeyShare(), PLAIN, profile).notes())
                    .singleElement()
                    .asString()
                    .contains("KEY_SHARE is given as SHARE");
            assertThat(DIALECT.lock(UPDATE, PLAIN, profile).notes()).isEmpty();
            assertThat(DIALECT.lock(SHARE, PLAIN, profile).notes()).isEmpty();
        }
        assertThat(DIALECT.lock(UPDATE.of("a"), PLAIN, MARIADB).notes())
                .singleElement()
                .asString()
                .contains("other tables");
        assertThat(DIALECT.lock(UPDATE.of("a"), PLAIN, MYSQL).notes()).isEmpty();
    }

    static Stream<Arguments> refused() {
        return Stream.of(
                Arguments.of(UPDATE, READ_ONLY, MYSQL, "read-only transaction"),
                Arguments.of(RowLock.forNoKeyUpdate(), READ_ONLY, MARIADB, "read-only transaction"),
                Arguments.of(UPDATE, PLAIN.to(Target.REPLICA), MYSQL, "replica"),
                Arguments.of(UPDATE, PLAIN, profile("9.7.0", Map.of("transaction_read_only", "ON")), "read-only"),
                Arguments.of(UPDATE.of("a").skipLocked(), PLAIN, MARIADB, "left out"),
                Arguments.of(SHARE, PLAIN, TIDB, "lock for UPDATE"),
                Arguments.of(RowLock.forKeyShare(), PLAIN, TIDB, "lock for UPDATE"),
                Arguments.of(UPDATE.skipLocked(), PLAIN, TIDB, "lock that waits"),
                Arguments.of(UPDATE.of("a"), PLAIN, VITESS, "all tables"));
    }

    @ParameterizedTest(name = "{0} on {2}")
    @MethodSource("refused")
    void whatTheServerWouldNotKeepIsRefused(RowLock lock, Wish wish, Profile profile, String why) {
        assertThatThrownBy(() -> DIALECT.lock(lock, wish, profile))
                .isInstanceOf(TxUnsupportedException.class)
                .hasMessageContaining("Row lock " + lock)
                .hasMessageContaining(profile.server())
                .hasMessageContaining(why);
    }

    @Test
    void aReadOnlyTransactionMayShare() {
        assertThat(DIALECT.lock(SHARE, READ_ONLY, MYSQL).tail()).isEqualTo("FOR SHARE");
        assertThat(DIALECT.lock(SHARE, READ_ONLY, MARIADB).tail()).isEqualTo("LOCK IN SHARE MODE");
    }

    @Test
    void tidbHasWhatItsManualNames() {
        assertThat(DIALECT.lock(UPDATE.of("a").noWait(), PLAIN, TIDB).tail()).isEqualTo("FOR UPDATE OF a NOWAIT");
    }
}
