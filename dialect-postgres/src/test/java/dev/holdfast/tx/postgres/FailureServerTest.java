package dev.holdfast.tx.postgres;

import static dev.holdfast.tx.postgres.Profiles.DIALECT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Wish;
import java.sql.SQLException;

/** What it takes to see whether the effect of an error is the one it had. */
abstract class FailureServerTest extends ServerTest {
    static final Wish PLAIN = Wish.of(TxOptions.none());

    final Session begun() throws SQLException {
        return begun(PLAIN, "");
    }

    /** A transaction that has written one row, and set a savepoint. */
    final Session begun(Wish wish, String parameters) throws SQLException {
        Session session = open(parameters);
        session.perform(DIALECT.plan(wish, profile()).begin());
        session.run("CREATE TEMPORARY TABLE kept (n int) ON COMMIT DROP");
        session.run("SAVEPOINT before_it");
        return session;
    }

    final Failure classified(SQLException error, Session session) throws SQLException {
        return classified(error, session, PLAIN);
    }

    final Failure classified(SQLException error, Session session, Wish wish) throws SQLException {
        return DIALECT.classify(error, Moment.of(Phase.STATEMENT, wish).driverState(session.state()), profile());
    }

    final void assertAbortedUntilTheSavepoint(Session session) throws SQLException {
        SQLException next = session.errorOf("SELECT 1");
        assertThat(classified(next, session).kind()).isEqualTo(FailureKind.TX_ABORTED);
        assertThat(classified(next, session).effect()).isEqualTo(FailureEffect.SCOPE);
        session.run("ROLLBACK TO SAVEPOINT before_it");
        assertGoesOn(session);
    }

    final void assertGoesOn(Session session) throws SQLException {
        session.run("INSERT INTO kept VALUES (1)");
        session.run("INSERT INTO item VALUES (50, 0)");
        session.perform(DIALECT.plan(PLAIN, profile()).commit().message());
        assertThat(count("id = 50")).isOne();
    }
}
