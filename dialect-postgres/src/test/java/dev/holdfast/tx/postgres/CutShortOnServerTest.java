package dev.holdfast.tx.postgres;

import static dev.holdfast.tx.postgres.Profiles.DIALECT;
import static java.time.Duration.ofMillis;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Cancelled;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Wish;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What ends by waiting too long, by a cancel, or with the session. */
class CutShortOnServerTest extends FailureServerTest {
    @Test
    void aDeadlockIsHealedByASavepoint() throws Exception {
        Session other = open();
        other.run("SET deadlock_timeout = '1min'");
        other.connection.setAutoCommit(false);
        other.run("UPDATE item SET n = 1 WHERE id = 1");
        String pid = String.valueOf(other.ask("SELECT pg_backend_pid()"));
        Session session = open();
        session.run("SET deadlock_timeout = '10ms'");
        session.connection.setAutoCommit(false);
        session.run("UPDATE item SET n = 2 WHERE id = 2");
        session.run("CREATE TEMPORARY TABLE kept (n int) ON COMMIT DROP");
        session.run("SAVEPOINT before_it");
        CompletableFuture<Integer> waiting = meanwhile(() -> {
            other.run("UPDATE item SET n = 1 WHERE id = 2");
            return 0;
        });
        awaitWaiting(pid);
        Failure failure = classified(session.errorOf("UPDATE item SET n = 2 WHERE id = 1"), session);

        assertThat(failure.kind()).isEqualTo(FailureKind.DEADLOCK);
        assertThat(failure.effect()).isEqualTo(FailureEffect.SCOPE);
        assertAbortedUntilTheSavepoint(session);
        finished(waiting);
    }

    @Test
    void aLockThatIsNotWaitedForIsNotAvailable() throws SQLException {
        Session holder = open();
        holder.connection.setAutoCommit(false);
        holder.run("SELECT * FROM item WHERE id = 1 FOR UPDATE");
        Session session = begun();
        RowLock lock = RowLock.forUpdate().noWait();
        SQLException error = session.errorOf("SELECT * FROM item WHERE id = 1 "
                + DIALECT.lock(lock, PLAIN, profile()).tail());
        Moment moment = Moment.of(Phase.STATEMENT, PLAIN).lock(lock).driverState(session.state());
        Failure failure = DIALECT.classify(error, moment, profile());

        assertThat(failure.sqlState()).isEqualTo("55P03");
        assertThat(failure.kind()).isEqualTo(FailureKind.LOCK_NOT_AVAILABLE);
        assertThat(failure.effect()).isEqualTo(FailureEffect.SCOPE);
        assertAbortedUntilTheSavepoint(session);
    }

    @Test
    void aLockThatIsWaitedForTooLongTimesOut() throws SQLException {
        Session holder = open();
        holder.connection.setAutoCommit(false);
        holder.run("SELECT * FROM item WHERE id = 1 FOR UPDATE");
        Wish wish = Wish.of(TxOptions.none().lockTimeout(ofMillis(20)));
        Session session = begun(wish, "");
        Failure failure = classified(session.errorOf("UPDATE item SET n = 1 WHERE id = 1"), session, wish);

        assertThat(failure.sqlState()).isEqualTo("55P03");
        assertThat(failure.kind()).isEqualTo(FailureKind.LOCK_TIMEOUT);
        assertThat(failure.effect()).isEqualTo(FailureEffect.SCOPE);
        assertAbortedUntilTheSavepoint(session);
    }

    @Test
    void aStatementThatOutlivesItsLimitTimesOut() throws SQLException {
        Wish wish = Wish.of(TxOptions.none().statementTimeout(ofMillis(700)));
        Session session = begun(wish, "");
        Failure failure = classified(session.errorOf("SELECT pg_sleep(60)"), session, wish);

        assertThat(failure.sqlState()).isEqualTo("57014");
        assertThat(failure.kind()).isEqualTo(FailureKind.STATEMENT_TIMEOUT);
        assertThat(failure.effect()).isEqualTo(FailureEffect.SCOPE);
        assertAbortedUntilTheSavepoint(session);
    }

    @Test
    void aStatementThatIsCancelledIsCancelled_thoughItHasALimit() throws Exception {
        Wish wish = Wish.of(TxOptions.none().statementTimeout(BOUND));
        Session session = begun(wish, "");
        String pid = String.valueOf(session.ask("SELECT pg_backend_pid()"));
        try (Statement statement = session.connection.createStatement()) {
            CompletableFuture<SQLException> error = meanwhile(() -> {
                try {
                    statement.execute("SELECT pg_sleep(60)");
                } catch (SQLException e) {
                    return e;
                }
                throw new AssertionError("not cancelled");
            });
            Session outside = open();
            await(
                    "it sleeps",
                    () -> outside.ask("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND pid = " + pid)
                            != null);
            statement.cancel();
            SQLException raised = finished(error);
            Moment moment = Moment.of(Phase.STATEMENT, wish)
                    .cancelled(Cancelled.BY_CALLER)
                    .driverState(session.state());
            Failure failure = DIALECT.classify(raised, moment, profile());

            assertThat(failure.sqlState()).isEqualTo("57014");
            assertThat(failure.kind()).isEqualTo(FailureKind.CANCELLED);
            assertThat(failure.effect()).isEqualTo(FailureEffect.SCOPE);
        }
        assertAbortedUntilTheSavepoint(session);
    }

    @Test
    void aSessionThatIsTerminatedIsLost() throws SQLException {
        Session session = begun();
        terminate(String.valueOf(session.ask("SELECT pg_backend_pid()")));
        Failure failure = classified(session.errorOf("SELECT 1"), session);

        assertThat(failure.sqlState()).isEqualTo("57P01");
        assertThat(failure.kind()).isEqualTo(FailureKind.SERVER_SHUTDOWN);
        assertThat(failure.effect()).isEqualTo(FailureEffect.LOST);
        assertThat(session.connection.isClosed()).isTrue();
    }

    @Test
    void whatIsDoneOnALostConnectionIsLostToo() throws SQLException {
        Session session = begun();
        terminate(String.valueOf(session.ask("SELECT pg_backend_pid()")));
        assertThat(session.errorOf("SELECT 1").getSQLState()).isEqualTo("57P01");
        Failure failure = classified(session.errorOf("SELECT 1"), session);

        assertThat(failure.sqlState()).isEqualTo("08003");
        assertThat(failure.kind()).isEqualTo(FailureKind.CONNECTION_LOST);
        assertThat(failure.effect()).isEqualTo(FailureEffect.LOST);
    }

    @Test
    void aTransactionThatIdlesTooLongIsLost() throws SQLException {
        Session session = begun();
        String pid = String.valueOf(session.ask("SELECT pg_backend_pid()"));
        session.run("SET LOCAL idle_in_transaction_session_timeout = 20");
        awaitGone(pid);
        Failure failure = classified(session.errorOf("SELECT 1"), session);

        assertThat(failure.sqlState()).isEqualTo("25P03");
        assertThat(failure.kind()).isEqualTo(FailureKind.TX_TIMEOUT);
        assertThat(failure.effect()).isEqualTo(FailureEffect.LOST);
    }

    @Test
    void aTransactionThatLivesTooLongIsLost() throws SQLException {
        Session session = begun();
        String setting = PostgresProfiles.wholeTimeoutSetting(profile());
        String pid = String.valueOf(session.ask("SELECT pg_backend_pid()"));
        session.run("SET LOCAL " + setting + " = 200");
        awaitGone(pid);
        Failure failure = classified(session.errorOf("SELECT 1"), session);

        assertThat(failure.sqlState()).isEqualTo(major >= 17 ? "25P04" : "25P03");
        assertThat(failure.kind()).isEqualTo(FailureKind.TX_TIMEOUT);
        assertThat(failure.effect()).isEqualTo(FailureEffect.LOST);
    }
}
