package dev.holdfast.tx.postgres;

import static dev.holdfast.tx.postgres.Profiles.DIALECT;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.LockPlan;
import dev.holdfast.tx.spi.Wish;
import java.sql.SQLException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Row locks keep others from what they promise to, and wait as they promise to. */
class LocksOnServerTest extends ServerTest {
    private static final Wish PLAIN = Wish.of(TxOptions.none());

    private Session begun(Wish wish) throws SQLException {
        Session session = open();
        session.perform(DIALECT.plan(wish, profile()).begin());
        return session;
    }

    private @Nullable String lock(Session session, RowLock lock, Wish wish, String select) throws SQLException {
        LockPlan plan = DIALECT.lock(lock, wish, profile());
        session.perform(plan.before());
        String id = session.ask(select + " " + plan.tail());
        session.perform(plan.after());
        return id;
    }

    static Stream<Arguments> strengths() {
        return Stream.of(
                Arguments.of(RowLock.forUpdate(), "FOR KEY SHARE", true),
                Arguments.of(RowLock.forNoKeyUpdate(), "FOR KEY SHARE", false),
                Arguments.of(RowLock.forNoKeyUpdate(), "FOR SHARE", true),
                Arguments.of(RowLock.forShare(), "FOR SHARE", false),
                Arguments.of(RowLock.forShare(), "FOR NO KEY UPDATE", true),
                Arguments.of(RowLock.forKeyShare(), "FOR NO KEY UPDATE", false),
                Arguments.of(RowLock.forKeyShare(), "FOR UPDATE", true));
    }

    @ParameterizedTest(name = "{0} against {1}: {2}")
    @MethodSource("strengths")
    void aLockKeepsOthersFromWhatItsStrengthSays(RowLock lock, String other, boolean keepsOut) throws SQLException {
        Session holder = begun(PLAIN);
        lock(holder, lock, PLAIN, "SELECT id FROM item WHERE id = 1");

        String seen = begun(PLAIN).ask("SELECT id FROM item WHERE id = 1 " + other + " SKIP LOCKED");
        assertThat(seen == null).isEqualTo(keepsOut);
    }

    @Test
    void lockedRowsAreLeftOut() throws SQLException {
        RowLock lock = RowLock.forUpdate().skipLocked();
        lock(begun(PLAIN), lock, PLAIN, "SELECT id FROM item WHERE id = 1");

        assertThat(lock(begun(PLAIN), lock, PLAIN, "SELECT id FROM item ORDER BY id LIMIT 1"))
                .isEqualTo("2");
    }

    @Test
    void onlyTheTableThatIsNamedIsLocked() throws SQLException {
        Session holder = begun(PLAIN);
        lock(
                holder,
                RowLock.forUpdate().of("a"),
                PLAIN,
                "SELECT a.id FROM item a JOIN item b ON b.id = a.id + 1 WHERE a.id = 1");

        assertThat(begun(PLAIN)
                        .ask("SELECT string_agg(id::text, ',') FROM (SELECT id FROM item FOR UPDATE SKIP LOCKED) s"))
                .isEqualTo("2");
    }

    @Test
    void waitingEndsWithItsLimit() throws SQLException {
        lock(begun(PLAIN), RowLock.forUpdate(), PLAIN, "SELECT id FROM item WHERE id = 1");
        Session session = begun(PLAIN);
        LockPlan plan = DIALECT.lock(RowLock.forUpdate().waitAtMost(ofMillis(20)), PLAIN, profile());
        session.perform(plan.before());

        assertThat(session.errorOf("SELECT id FROM item WHERE id = 1 " + plan.tail())
                        .getSQLState())
                .isEqualTo("55P03");
    }

    static Stream<Arguments> limits() {
        return Stream.of(
                Arguments.of("", PLAIN, "0"),
                Arguments.of("", Wish.of(TxOptions.none().lockTimeout(ofSeconds(9))), "9s"),
                Arguments.of("SET lock_timeout = '7min'", PLAIN, "7min"));
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("limits")
    void theLimitOfOneLockIsNotThatOfTheNext(String ofTheSession, Wish wish, String inForce) throws SQLException {
        Session session = open();
        session.run(ofTheSession);
        session.perform(DIALECT.plan(wish, profile()).begin());
        String within = lock(
                session,
                RowLock.forUpdate().waitAtMost(ofMillis(1500)),
                wish,
                "SELECT current_setting('lock_timeout') FROM item WHERE id = 1");

        assertThat(within).isEqualTo("1500ms");
        assertThat(session.ask("SHOW lock_timeout")).isEqualTo(inForce);
    }

    @Test
    void aReadOnlyTransactionMayNotLock_whichIsWhyItIsRefused() throws SQLException {
        Session session = begun(Wish.of(TxOptions.none().readOnly()));

        assertThat(session.errorOf("SELECT id FROM item FOR KEY SHARE").getSQLState())
                .isEqualTo("25006");
    }
}
