package dev.holdfast.tx.postgres;

import static dev.holdfast.tx.Isolation.SERIALIZABLE;
import static dev.holdfast.tx.postgres.Profiles.DIALECT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.CommitFate;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.spi.Wish.Carry;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;

/** Errors that a server really answers COMMIT with, and what became of the transaction. */
class CommitFailuresOnServerTest extends ServerTest {
    private static final Wish PLAIN = Wish.of(TxOptions.none());
    private static final Wish WITH_POSITION = PLAIN.carrying(Carry.POSITION);

    /** A transaction that has written a row and breaks a constraint at its end. */
    private Session breaking(TxPlan plan) throws SQLException {
        Session session = open();
        session.run("CREATE TABLE child (item int REFERENCES item DEFERRABLE INITIALLY DEFERRED)");
        session.perform(plan.begin());
        session.run("INSERT INTO item VALUES (3, 0)");
        session.run("INSERT INTO child VALUES (99)");
        return session;
    }

    private static SQLException errorOf(Session session, Message message) {
        try {
            session.perform(message);
        } catch (SQLException error) {
            return error;
        }
        throw new AssertionError("No error: " + message);
    }

    private Failure classified(SQLException error, Session session, Wish wish) throws SQLException {
        return DIALECT.classify(error, Moment.of(Phase.COMMIT, wish).driverState(session.state()), profile());
    }

    private Failure refused(Session session, TxPlan plan, Wish wish) throws SQLException {
        return classified(errorOf(session, plan.commit().message()), session, wish);
    }

    private static void assertRolledBack(Failure failure, FailureKind kind) {
        assertThat(failure.kind()).isEqualTo(kind);
        assertThat(failure.effect()).isEqualTo(FailureEffect.ENDED);
        assertThat(failure.atCommit()).isEqualTo(CommitFate.ROLLED_BACK);
    }

    @Test
    void aDeferredViolationHasRolledBack() throws SQLException {
        TxPlan plan = DIALECT.plan(PLAIN, profile());
        Session session = breaking(plan);

        assertRolledBack(refused(session, plan, PLAIN), FailureKind.FOREIGN_KEY);
        assertThat(count("id = 3")).isZero();
        assertThat(session.state()).isEqualTo(DriverState.IDLE);
    }

    @Test
    void aDeferredViolationHasRolledBack_thoughThePositionTravelsBehind() throws SQLException {
        TxPlan plan = DIALECT.plan(WITH_POSITION, profile());
        Session session = breaking(plan);

        assertRolledBack(refused(session, plan, WITH_POSITION), FailureKind.FOREIGN_KEY);
        assertThat(count("id = 3")).isZero();
    }

    @Test
    void aDeferredViolationHasRolledBack_throughAnotherDriver() throws SQLException {
        TxPlan plan = DIALECT.plan(PLAIN, profile(Autocommit.ON, "Some Other Driver"));
        Session session = breaking(plan);
        SQLException error = errorOf(session, plan.commit().message());

        assertRolledBack(DIALECT.classify(error, Moment.of(Phase.COMMIT, PLAIN), profile()), FailureKind.FOREIGN_KEY);
        assertThat(count("id = 3")).isZero();
    }

    @Test
    void aSerializationFailureHasRolledBack() throws SQLException {
        Wish wish = Wish.of(TxOptions.of(SERIALIZABLE));
        TxPlan plan = DIALECT.plan(wish, profile());
        Session first = open();
        Session second = open();
        for (Session session : new Session[] {first, second}) {
            session.perform(plan.begin());
            session.run("SELECT sum(n) FROM item");
        }
        first.run("INSERT INTO item VALUES (3, 0)");
        second.run("INSERT INTO item VALUES (4, 0)");
        first.perform(plan.commit().message());

        assertRolledBack(refused(second, plan, wish), FailureKind.SERIALIZATION);
        assertThat(count("id = 4")).isZero();
        assertThat(count("id = 3")).isOne();
    }

    @Test
    void theFenceStandsForARollback_andTheTransactionIsStillToBeEnded() throws SQLException {
        for (Wish wish : new Wish[] {PLAIN, WITH_POSITION}) {
            TxPlan plan = DIALECT.plan(wish, profile(Autocommit.ON, "Some Other Driver"));
            Session session = open();
            session.perform(plan.begin());
            session.run("INSERT INTO item VALUES (3, 0)");
            session.fail();
            SQLException error = errorOf(session, plan.commit().message());
            Failure failure = DIALECT.classify(error, Moment.of(Phase.COMMIT, wish), profile());

            assertThat(failure.kind()).isEqualTo(FailureKind.TX_ABORTED);
            assertThat(failure.effect()).isEqualTo(FailureEffect.SCOPE);
            assertThat(failure.atCommit()).isEqualTo(CommitFate.ROLLED_BACK);
            assertThat(session.state()).isEqualTo(DriverState.FAILED);
            assertThat(count("id = 3")).isZero();
        }
    }

    @Test
    void anErrorBehindCommitDoesNotStandForARollback() throws SQLException {
        Session session = open();
        session.perform(DIALECT.plan(WITH_POSITION, profile()).begin());
        session.run("INSERT INTO item VALUES (3, 0)");
        SQLException error = errorOf(
                session,
                Message.oneString(
                        Step.query("SELECT 1", "fence"), Step.sql("COMMIT"), Step.query("SELECT 1/0", "position")));
        Failure failure = classified(error, session, WITH_POSITION);

        assertThat(failure.atCommit()).isEqualTo(CommitFate.UNKNOWN);
        assertThat(count("id = 3")).isOne();
    }

    @Test
    void anErrorBeforeCommitStandsForARollback_becauseTheDriverSaysWhereItStopped() throws SQLException {
        Session session = open();
        session.perform(DIALECT.plan(WITH_POSITION, profile()).begin());
        session.run("INSERT INTO item VALUES (3, 0)");
        SQLException error = errorOf(
                session,
                Message.oneString(Step.query("SELECT 1/0", "fence"), Step.sql("COMMIT"), Step.sql("SELECT 1")));
        Failure failure = classified(error, session, WITH_POSITION);

        assertThat(failure.effect()).isEqualTo(FailureEffect.SCOPE);
        assertThat(failure.atCommit()).isEqualTo(CommitFate.ROLLED_BACK);
        assertThat(count("id = 3")).isZero();
    }

    @Test
    void aSessionThatWasTerminatedLeavesTheFateUnknown() throws SQLException {
        TxPlan plan = DIALECT.plan(PLAIN, profile());
        Session session = open();
        session.perform(plan.begin());
        String pid = String.valueOf(session.ask("SELECT pg_backend_pid()"));
        terminate(pid);
        Failure failure = refused(session, plan, PLAIN);

        assertThat(failure.kind()).isEqualTo(FailureKind.SERVER_SHUTDOWN);
        assertThat(failure.effect()).isEqualTo(FailureEffect.LOST);
        assertThat(failure.atCommit()).isEqualTo(CommitFate.UNKNOWN);
    }

    @Test
    void aSessionThatIdledTooLongWasRolledBackBeforeCommitCame() throws SQLException {
        TxPlan plan = DIALECT.plan(PLAIN, profile());
        Session session = open();
        session.perform(plan.begin());
        session.run("INSERT INTO item VALUES (3, 0)");
        String pid = String.valueOf(session.ask("SELECT pg_backend_pid()"));
        session.run("SET LOCAL idle_in_transaction_session_timeout = 20");
        awaitGone(pid);
        Failure failure = refused(session, plan, PLAIN);

        assertThat(failure.kind()).isEqualTo(FailureKind.TX_TIMEOUT);
        assertThat(failure.effect()).isEqualTo(FailureEffect.LOST);
        assertThat(failure.atCommit()).isEqualTo(CommitFate.ROLLED_BACK);
        assertThat(count("id = 3")).isZero();
    }

    @Test
    void anErrorOfADeferredTriggerHasRolledBack_whateverItsCode() throws SQLException {
        Session maker = open();
        maker.run("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
                + " $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'ZZ123'; END $$");
        maker.run("CREATE CONSTRAINT TRIGGER late AFTER INSERT ON item DEFERRABLE INITIALLY DEFERRED"
                + " FOR EACH ROW EXECUTE FUNCTION refuse()");
        TxPlan plan = DIALECT.plan(PLAIN, profile());
        Session session = open();
        session.perform(plan.begin());
        session.run("INSERT INTO item VALUES (3, 0)");

        assertRolledBack(refused(session, plan, PLAIN), FailureKind.OTHER);
        assertThat(count("id = 3")).isZero();
    }

    @Test
    void aRoleThatMayNotConnectAgainFindsTooManyConnections() throws SQLException {
        Session maker = open();
        String role = maker.ask("SELECT 'limited_' || current_schema()");
        maker.run("CREATE ROLE " + role + " LOGIN PASSWORD 'x' CONNECTION LIMIT 0");
        try {
            SQLException error = connectionError(maker.connection.getMetaData().getURL(), "" + role);
            Failure failure = DIALECT.classify(error, Moment.of(Phase.ACQUIRE, PLAIN), profile());

            assertThat(failure.sqlState()).isEqualTo("53300");
            assertThat(failure.kind()).isEqualTo(FailureKind.TOO_MANY_CONNECTIONS);
            assertThat(failure.effect()).isEqualTo(FailureEffect.NONE);
        } finally {
            maker.run("DROP ROLE " + role);
        }
    }

    private static SQLException connectionError(String url, String user) throws SQLException {
        String address = url.replaceFirst("\\?.*", "");
        try (Connection connection = DriverManager.getConnection(address, user, "x")) {
            throw new AssertionError("No error: " + connection);
        } catch (SQLException error) {
            return error;
        }
    }
}
