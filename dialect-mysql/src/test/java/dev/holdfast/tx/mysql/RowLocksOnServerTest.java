package dev.holdfast.tx.mysql;

import static java.time.Duration.ofMillis;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.spi.LockPlan;
import java.sql.SQLException;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Row locks keep others from what they promise to, and wait as they promise to, seen from a second session. */
class RowLocksOnServerTest extends RealServerTest {
    private static final RowLock UPDATE = RowLock.forUpdate();
    private static final RowLock SHARE = RowLock.forShare();
    private static final String ROW_1 = "SELECT id FROM item WHERE id = 1";

    private RawSession started() throws SQLException {
        RawSession session = open();
        session.run("START TRANSACTION");
        return session;
    }

    private LockPlan plan(RowLock lock) throws SQLException {
        return DIALECT.lock(lock, PLAIN, profile());
    }

    private @Nullable String lock(RawSession session, RowLock lock, String select) throws SQLException {
        LockPlan plan = plan(lock);
        session.perform(plan.before());
        String first = session.ask(select + " " + plan.tail());
        session.perform(plan.after());
        return first;
    }

    /** Which rows another session can have a lock of. */
    private String free(RowLock lock) throws SQLException {
        return String.valueOf(open().ask("SELECT GROUP_CONCAT(id ORDER BY id) FROM (SELECT id FROM item "
                + plan(lock.skipLocked()).tail() + ") t"));
    }

    static Stream<Arguments> strengths() {
        return Stream.of(
                Arguments.of(UPDATE, SHARE, true),
                Arguments.of(UPDATE, UPDATE, true),
                Arguments.of(RowLock.forNoKeyUpdate(), SHARE, true),
                Arguments.of(SHARE, SHARE, false),
                Arguments.of(SHARE, UPDATE, true),
                Arguments.of(RowLock.forKeyShare(), SHARE, false),
                Arguments.of(RowLock.forKeyShare(), UPDATE, true));
    }

    @ParameterizedTest(name = "{0} against {1}: {2}")
    @MethodSource("strengths")
    void aLockKeepsOthersFromWhatItsStrengthSays_andFromThatRowAlone(RowLock lock, RowLock other, boolean keepsOut)
            throws SQLException {
        assertThat(lock(started(), lock, ROW_1)).isEqualTo("1");

        assertThat(free(other)).isEqualTo(keepsOut ? "2" : "1,2");
    }

    @Test
    void aLockEndsWithItsTransaction() throws SQLException {
        RawSession session = started();
        lock(session, UPDATE, ROW_1);
        assertThat(free(UPDATE)).isEqualTo("2");
        session.run("COMMIT");

        assertThat(free(UPDATE)).isEqualTo("1,2");
    }

    /** MariaDB's manual says so, and MySQL does it, too; unless there is nothing before the savepoint to go back to. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aLockOutlivesTheSavepointThatItWasTakenAfter_ifSomethingWasDoneBefore(boolean isFirst) throws SQLException {
        RawSession session = started();
        if (!isFirst) {
            session.run("INSERT INTO item VALUES (50, 0)");
        }
        session.run("SAVEPOINT before_it");
        lock(session, UPDATE, ROW_1);
        session.run("ROLLBACK TO SAVEPOINT before_it");

        assertThat(free(UPDATE)).isEqualTo(isFirst ? "1,2" : "2");
    }

    @Test
    void lockedRowsAreLeftOut() throws SQLException {
        lock(started(), UPDATE.skipLocked(), ROW_1);

        assertThat(lock(started(), UPDATE.skipLocked(), "SELECT id FROM item ORDER BY id LIMIT 1"))
                .isEqualTo("2");
    }

    @ParameterizedTest
    @MethodSource("bothStrengths")
    void aLockThatMustNotWaitFailsAtOnce(RowLock lock) throws SQLException {
        holder();
        RawSession session = started();

        assertThat(session.errorOf(ROW_1 + " " + plan(lock.noWait()).tail()).getErrorCode())
                .isEqualTo(on.isMariadb() ? 1205 : 3572);
        assertThat(lock(session, lock.noWait(), "SELECT id FROM item WHERE id = 2"))
                .isEqualTo("2");
    }

    static Stream<RowLock> bothStrengths() {
        return Stream.of(UPDATE, SHARE);
    }

    /** MariaDB knows no OF, and says by a note that more is locked. */
    @Test
    void onlyTheTableThatIsNamedIsLocked_orItIsSaid() throws SQLException {
        open().run("INSERT INTO child VALUES (1)");
        RowLock lock = UPDATE.of("c");
        lock(started(), lock, "SELECT i.id FROM child c JOIN item i ON i.id = c.item");

        assertThat(free(UPDATE)).isEqualTo(on.isMariadb() ? "2" : "1,2");
        assertThat(open().ask("SELECT item FROM child "
                        + plan(UPDATE.skipLocked()).tail()))
                .isNull();
        assertThat(plan(lock).notes().isEmpty()).isNotEqualTo(on.isMariadb());
    }

    @Test
    void aLockInACommonTableExpressionIsWithinIt() throws SQLException {
        String tail = plan(UPDATE).tail();
        assertThat(started().ask("WITH first AS (SELECT id FROM item WHERE id = 1 " + tail + ") SELECT id FROM first"))
                .isEqualTo("1");

        assertThat(free(UPDATE)).isEqualTo("2");
    }

    // ---- limits

    @ParameterizedTest
    @MethodSource("bothStrengths")
    void waitingEndsWithItsLimit_andNotBefore(RowLock lock) throws Exception {
        holder();
        RawSession session = started();
        LockPlan plan = plan(lock.waitAtMost(ofSeconds(1)));
        session.perform(plan.before());
        long start = System.nanoTime();
        SQLException error = session.errorOf(ROW_1 + " " + plan.tail());
        long waited = System.nanoTime() - start;

        assertThat(error.getErrorCode()).isEqualTo(1205);
        assertThat(ofMillis(waited / 1_000_000)).isBetween(ofMillis(900), ofSeconds(30));
    }

    @Test
    void whoWaitsGetsTheRowWhenItIsFree() throws Exception {
        RawSession holder = holder();
        RawSession session = started();
        CompletableFuture<String> waiting = meanwhile(() -> lock(session, UPDATE.waitAtMost(ofSeconds(40)), ROW_1));
        awaitWaiting(session);
        holder.run("COMMIT");

        assertThat(finished(waiting)).isEqualTo("1");
    }

    /** On MariaDB the select brings its limit and takes it along; on MySQL it is the session's, and put back. */
    @Test
    void theLimitOfOneLockIsNotThatOfTheNext() throws SQLException {
        RawSession session = open();
        session.run("SET innodb_lock_wait_timeout = 77", "START TRANSACTION");
        RowLock lock = UPDATE.waitAtMost(ofMillis(1500));
        String within = lock(session, lock, "SELECT @@innodb_lock_wait_timeout FROM item WHERE id = 1");

        assertThat(within).isEqualTo("2");
        assertThat(session.ask("SELECT @@innodb_lock_wait_timeout")).isEqualTo("77");
    }

    // ---- read-only

    @Test
    void aReadOnlyTransactionMayNotLockForUpdate_whichIsWhyItIsRefused_andMayShare() throws SQLException {
        RawSession session = open();
        session.run("START TRANSACTION READ ONLY");

        assertThat(session.errorOf(ROW_1 + " " + plan(UPDATE).tail()).getErrorCode())
                .isEqualTo(1792);
        assertThat(lock(session, SHARE, ROW_1)).isEqualTo("1");
        assertThat(free(UPDATE)).isEqualTo("2");
    }
}
