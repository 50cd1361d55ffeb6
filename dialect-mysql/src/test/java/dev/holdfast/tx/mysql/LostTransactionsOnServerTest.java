package dev.holdfast.tx.mysql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Phase;
import java.sql.SQLException;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Errors by which the server has rolled the whole transaction back, and the statement that comes next commits by itself. */
class LostTransactionsOnServerTest extends RealServerTest {
    /** Ends for the one that has written less. */
    private SQLException deadlock(RawSession session) throws Exception {
        RawSession other = open();
        other.run("START TRANSACTION", "UPDATE item SET n = 1 WHERE id = 1");
        for (int id = 60; id < 80; id++) {
            other.run("INSERT INTO item VALUES (" + id + ", 0)");
        }
        session.run("UPDATE item SET n = 2 WHERE id = 2");
        CompletableFuture<Void> waiting = meanwhile(() -> {
            other.run("UPDATE item SET n = 1 WHERE id = 2", "ROLLBACK");
            return null;
        });
        awaitWaiting(other);
        SQLException error = session.errorOf("UPDATE item SET n = 2 WHERE id = 1");
        finished(waiting);
        return error;
    }

    @Test
    void theVictimOfADeadlockIsGone_withItsSavepoints() throws Exception {
        RawSession session = begun();
        SQLException error = deadlock(session);

        assertThat(error.getErrorCode()).isEqualTo(1213);
        assertThat(error.getSQLState()).isEqualTo("40001");
        assertIs(inStatement(error), FailureKind.DEADLOCK, FailureEffect.ENDED);
        assertIsGone(session);
    }

    @Test
    void theVictimOfADeadlockIsGone_thoughAutocommitIsOff() throws Exception {
        RawSession session = open();
        session.connection.setAutoCommit(false);
        session.run("INSERT INTO item VALUES (50, 0)", "SAVEPOINT before_it");
        SQLException error = deadlock(session);

        assertIs(inStatement(error), FailureKind.DEADLOCK, FailureEffect.ENDED);
        assertThat(session.hasSavepoint("before_it")).isFalse();
        session.run("COMMIT");
        assertThat(count("id = 50")).isZero();
    }

    /** What the server does with a savepoint that it has forgotten. */
    @Test
    void aSavepointThatIsGoneMeansThatTheTransactionIs() throws Exception {
        RawSession session = begun();
        assertThat(deadlock(session).getErrorCode()).isEqualTo(1213);
        for (String statement : new String[] {"ROLLBACK TO SAVEPOINT before_it", "RELEASE SAVEPOINT before_it"}) {
            SQLException error = session.errorOf(statement);

            assertThat(error.getErrorCode()).isEqualTo(1305);
            assertIs(classified(error, Moment.of(Phase.SAVEPOINT, PLAIN)), FailureKind.TX_STATE, FailureEffect.ENDED);
        }
    }

    @Test
    void aSavepointOutsideATransactionIsTakenWithoutAWord_andIsNone() throws SQLException {
        RawSession session = open();
        session.run("SAVEPOINT before_it", "INSERT INTO item VALUES (51, 0)");

        assertThat(session.hasSavepoint("before_it")).isFalse();
        assertThat(count("id = 51")).isOne();
    }

    private RawSession behindItsSnapshot() throws SQLException {
        RawSession session = open();
        session.run("SET innodb_snapshot_isolation = ON", "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ");
        begun(session);
        session.ask("SELECT SUM(n) FROM item");
        open().run("UPDATE item SET n = 5 WHERE id = 1");
        return session;
    }

    @Test
    void aWriteToWhatHasChangedSinceTheSnapshotEndsTheTransaction() throws SQLException {
        if (!on.isMariadb()) {
            assertThat(open().errorOf("SET innodb_snapshot_isolation = ON").getErrorCode())
                    .isEqualTo(1193);
            return; // there are no snapshots that conflict
        }
        for (String statement : new String[] {
            "UPDATE item SET n = 2 WHERE id = 1",
            "SELECT * FROM item WHERE id = 1 FOR UPDATE",
            "SELECT * FROM item WHERE id = 1 LOCK IN SHARE MODE"
        }) {
            RawSession session = behindItsSnapshot();
            SQLException error = session.errorOf(statement);

            assertThat(error.getErrorCode()).isEqualTo(1020);
            assertThat(error.getSQLState()).isEqualTo("HY000");
            assertIs(inStatement(error), FailureKind.SERIALIZATION, FailureEffect.ENDED);
            assertIsGone(session);
            open().run("DELETE FROM item WHERE id >= 50", "UPDATE item SET n = 0");
        }
    }

    /** The tables are locked by a statement that ends transactions, so that a deadlock needs one that waits for both. */
    @Test
    void theVictimOfADeadlockOfTablesIsGoneToo() throws Exception {
        RawSession session = open();
        session.run("START TRANSACTION", "INSERT INTO item VALUES (50, 0)", "SAVEPOINT before_it");
        RawSession maker = open();
        maker.run("CREATE TABLE IF NOT EXISTS a_table (n int)");
        CompletableFuture<Void> renaming = meanwhile(() -> {
            maker.run("RENAME TABLE a_table TO b_table, item TO other_item");
            return null;
        });
        awaitShown(maker, "state LIKE 'Waiting for table metadata lock'");
        SQLException error = session.errorOf("SELECT * FROM a_table");
        finished(renaming);
        maker.run("RENAME TABLE b_table TO a_table, other_item TO item");

        assertThat(error.getErrorCode()).isEqualTo(1213);
        assertIs(inStatement(error), FailureKind.DEADLOCK, FailureEffect.ENDED);
        assertIsGone(session);
    }

    /** MariaDB has one number for both; what is said of it is the worse, and a rollback is right in either case. */
    @Test
    void aDeadlockOfUserLocksLeavesTheTransactionOpen_whichMariadbDoesNotTell() throws Exception {
        RawSession session = begun();
        RawSession other = open();
        String mine = database() + "a";
        String its = database() + "b";
        session.ask("SELECT GET_LOCK('" + mine + "', 1)");
        other.ask("SELECT GET_LOCK('" + its + "', 1)");
        CompletableFuture<String> waiting = meanwhile(() -> other.ask("SELECT GET_LOCK('" + mine + "', 20)"));
        awaitShown(other, "state LIKE 'User lock'");
        SQLException error = session.errorOf("SELECT GET_LOCK('" + its + "', 20)");

        assertThat(error.getErrorCode()).isEqualTo(on.isMariadb() ? 1213 : 3058);
        assertIs(inStatement(error), FailureKind.DEADLOCK, on.isMariadb() ? FailureEffect.ENDED : FailureEffect.NONE);
        session.ask("SELECT RELEASE_LOCK('" + mine + "')");
        finished(waiting);
        assertGoesOn(session);
    }
}
