package dev.holdfast.tx.mysql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.holdfast.tx.CommitFate;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.spi.LockPlan;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Cancelled;
import dev.holdfast.tx.spi.Moment.Phase;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What ends by waiting too long, by a cancel, or with the session; {@code innodb_rollback_on_timeout} is off here. */
class InterruptedOnServerTest extends RealServerTest {
    private static final String LOCKED = "UPDATE item SET n = 2 WHERE id = 1";

    // ---- waits

    @Test
    void aLockThatIsWaitedForTooLongTimesOut_andTheTransactionGoesOn() throws SQLException {
        holder();
        RawSession session = begun();
        session.run("SET innodb_lock_wait_timeout = 1");
        SQLException error = session.errorOf(LOCKED);

        assertThat(error.getErrorCode()).isEqualTo(1205);
        assertThat(error.getSQLState()).isEqualTo(on.isConnectorJ() ? "40001" : "HY000");
        assertIs(inStatement(error), FailureKind.LOCK_TIMEOUT, FailureEffect.NONE);
        assertGoesOn(session);
    }

    @Test
    void aLockThatIsNotWaitedForIsNotAvailable_andTheTransactionGoesOn() throws SQLException {
        holder();
        RawSession session = begun();
        RowLock lock = RowLock.forUpdate().noWait();
        SQLException error = session.errorOf("SELECT * FROM item WHERE id = 1 "
                + DIALECT.lock(lock, PLAIN, profile()).tail());
        Failure failure = classified(error, Moment.of(Phase.STATEMENT, PLAIN).lock(lock));

        assertThat(error.getErrorCode()).isEqualTo(on.isMariadb() ? 1205 : 3572);
        assertIs(failure, FailureKind.LOCK_NOT_AVAILABLE, FailureEffect.NONE);
        assertGoesOn(session);
    }

    @Test
    void aLockThatIsWaitedForAsLongAsWasAskedTimesOut_andTheTransactionGoesOn() throws SQLException {
        holder();
        RawSession session = begun();
        RowLock lock = RowLock.forUpdate().waitAtMost(Duration.ofSeconds(1));
        LockPlan plan = DIALECT.lock(lock, PLAIN, profile());
        session.perform(plan.before());
        SQLException error = session.errorOf("SELECT * FROM item WHERE id = 1 " + plan.tail());

        assertThat(error.getErrorCode()).isEqualTo(1205);
        assertIs(
                classified(error, Moment.of(Phase.STATEMENT, PLAIN).lock(lock)),
                FailureKind.LOCK_TIMEOUT,
                FailureEffect.NONE);
        assertGoesOn(session);
    }

    @Test
    void aTableThatIsWaitedForTooLongTimesOut_andTheTransactionGoesOn() throws SQLException {
        RawSession other = open();
        other.run("CREATE TABLE IF NOT EXISTS apart (n int)", "LOCK TABLES apart WRITE");
        RawSession session = begun();
        session.run("SET lock_wait_timeout = 1");
        SQLException error = session.errorOf("SELECT * FROM apart");
        other.run("UNLOCK TABLES");

        assertThat(error.getErrorCode()).isEqualTo(1205);
        assertIs(inStatement(error), FailureKind.LOCK_TIMEOUT, FailureEffect.NONE);
        assertGoesOn(session);
    }

    // ---- cancels and limits

    @Test
    void aStatementThatIsKilledFromOutsideIsCancelled_andTheTransactionGoesOn() throws Exception {
        holder();
        RawSession session = begun();
        CompletableFuture<SQLException> error = errorMeanwhile(session, LOCKED);
        awaitWaiting(session);
        open().run("KILL QUERY " + session.id);

        assertThat(finished(error).getErrorCode()).isEqualTo(1317);
        assertIs(inStatement(finished(error)), FailureKind.CANCELLED, FailureEffect.NONE);
        assertGoesOn(session);
    }

    @ParameterizedTest
    @CsvSource({"NOT, CANCELLED", "BY_CALLER, CANCELLED", "BY_LIMIT, STATEMENT_TIMEOUT"})
    void aStatementThatIsCancelledThroughTheDriverIsWhatItWasCancelledFor_andTheTransactionGoesOn(
            Cancelled cancelled, FailureKind kind) throws Exception {
        holder();
        RawSession session = begun();
        try (Statement statement = session.connection.createStatement()) {
            CompletableFuture<SQLException> error =
                    meanwhile(() -> catchThrowableOfType(SQLException.class, () -> statement.execute(LOCKED)));
            awaitWaiting(session);
            statement.cancel();
            Moment moment = Moment.of(Phase.STATEMENT, PLAIN).cancelled(cancelled);

            assertIs(classified(finished(error), moment), kind, FailureEffect.NONE);
        }
        assertGoesOn(session);
    }

    @Test
    void aStatementThatOutlivesTheDriversLimitIsCutShort_andTheTransactionGoesOn() throws SQLException {
        holder();
        RawSession session = begun();
        SQLException error;
        try (Statement statement = session.connection.createStatement()) {
            statement.setQueryTimeout(1);
            error = catchThrowableOfType(SQLException.class, () -> statement.execute(LOCKED));
        }

        // MariaDB's driver has MySQL's server kill the statement, as anybody else might
        boolean isTold = on.isConnectorJ() || on.isMariadb();
        assertIs(
                inStatement(error), isTold ? FailureKind.STATEMENT_TIMEOUT : FailureKind.CANCELLED, FailureEffect.NONE);
        assertGoesOn(session);
    }

    @Test
    void aStatementThatOutlivesTheServersLimitTimesOut_andTheTransactionGoesOn() throws SQLException {
        holder();
        RawSession session = begun();
        session.run(on.isMariadb() ? "SET max_statement_time = 0.1" : "SET max_execution_time = 100");
        SQLException error = session.errorOf("SELECT * FROM item WHERE id = 1 FOR UPDATE");

        assertThat(error.getErrorCode()).isEqualTo(on.isMariadb() ? 1969 : 3024);
        assertIs(inStatement(error), FailureKind.STATEMENT_TIMEOUT, FailureEffect.NONE);
        assertGoesOn(session);
    }

    // ---- the end of the session

    @Test
    void aSessionThatIsKilledIsLost_andWhatIsDoneOnItIs() throws SQLException {
        RawSession session = begun();
        kill(session);
        for (int i = 0; i < 2; i++) {
            assertIs(inStatement(session.errorOf("SELECT 1")), FailureKind.CONNECTION_LOST, FailureEffect.LOST);
        }
        assertThat(count("id = 50")).isZero();
    }

    @Test
    void aSessionThatIsKilledAtItsStatementIsLost() throws Exception {
        holder();
        RawSession session = begun();
        CompletableFuture<SQLException> error = errorMeanwhile(session, LOCKED);
        awaitWaiting(session);
        kill(session);
        Failure failure = inStatement(finished(error));

        assertThat(failure.kind()).isIn(FailureKind.CONNECTION_LOST, FailureKind.SERVER_SHUTDOWN);
        assertThat(failure.effect()).isEqualTo(FailureEffect.LOST);
        assertThat(count("id = 50")).isZero();
    }

    /** MySQL says so since 8.0.24, and was never reached by COMMIT; only MariaDB's driver passes the number on. */
    @Test
    void aSessionThatIdlesTooLongIsLost() throws SQLException {
        RawSession session = begun();
        session.run("SET wait_timeout = 1");
        awaitGone(session);
        SQLException error = session.errorOf("COMMIT");
        boolean isTold = !on.isMariadb() && !on.isConnectorJ() && isSince(8, 0, 24);

        assertThat(error.getErrorCode() == 4031).isEqualTo(isTold);
        assertIs(
                atCommit(error),
                isTold ? FailureKind.SERVER_SHUTDOWN : FailureKind.CONNECTION_LOST,
                FailureEffect.LOST,
                isTold ? CommitFate.ROLLED_BACK : CommitFate.UNKNOWN);
        assertThat(count("id = 50")).isZero();
    }
}
