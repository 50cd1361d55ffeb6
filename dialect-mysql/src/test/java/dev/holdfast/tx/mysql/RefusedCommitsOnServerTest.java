package dev.holdfast.tx.mysql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.CommitFate;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Profile;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * What a server raises when it is stopped, made read-only or full for all, and that it has done so when it says so; and
 * what {@code innodb_rollback_on_timeout} makes of a timeout. The servers are of this class's own.
 */
class RefusedCommitsOnServerTest extends RealServerTest {
    @Override
    String[] options() {
        return new String[] {"--innodb-rollback-on-timeout=ON"};
    }

    @AfterEach
    void letAllWrite() throws SQLException {
        open().run("SET GLOBAL read_only = 0");
    }

    /** A session that may not write on a server that is read-only. */
    private RawSession weak() throws SQLException {
        String user = database() + "w";
        open().run(
                        "CREATE USER IF NOT EXISTS " + accounts(user, " IDENTIFIED BY 'x'"),
                        "GRANT ALL ON " + database() + ".* TO " + accounts(user, ""));
        return open(user, "x");
    }

    /** A COMMIT that cannot go on, since all tables are locked, and who has locked them. */
    private final class StoppedCommit {
        final RawSession session;
        final RawSession stopper = open();
        final CompletableFuture<SQLException> error;

        StoppedCommit(RawSession session) throws SQLException {
            this.session = session;
            stopper.run("FLUSH TABLES WITH READ LOCK");
            error = errorMeanwhile(session, "COMMIT");
        }

        void awaitStopped() throws SQLException {
            awaitShown(session, "info = 'COMMIT' AND state LIKE 'Waiting for%'");
        }

        SQLException error() throws Exception {
            SQLException raised = finished(error);
            stopper.run("UNLOCK TABLES");
            return raised;
        }
    }

    // ---- COMMIT

    /** That is not said, for what was tried is one place of many at which a COMMIT can be killed. */
    @Test
    void aCommitThatIsKilledAsAStatementHasRolledBackHere() throws Exception {
        RawSession session = begun();
        StoppedCommit commit = new StoppedCommit(session);
        commit.awaitStopped();
        open().run("KILL QUERY " + session.id);
        SQLException error = commit.error();

        assertThat(error.getErrorCode()).isEqualTo(1317);
        assertIs(atCommit(error), FailureKind.CANCELLED, FailureEffect.ENDED, CommitFate.UNKNOWN);
        assertIsGone(session);
    }

    /** Whether the row is there is not asked: the killed session may be let in before it sees the kill, and commit. */
    @Test
    void aCommitWhoseSessionIsKilledLeavesTheFateUnknown() throws Exception {
        RawSession session = begun();
        StoppedCommit commit = new StoppedCommit(session);
        commit.awaitStopped();
        open().run("KILL " + session.id);

        assertIs(atCommit(commit.error()), FailureKind.CONNECTION_LOST, FailureEffect.LOST, CommitFate.UNKNOWN);
        awaitGone(session);
    }

    @Test
    void aCommitThatWaitsForTooLongHasRolledBack() throws Exception {
        RawSession session = begun();
        session.run("SET lock_wait_timeout = 1");
        SQLException error = new StoppedCommit(session).error();

        assertThat(error.getErrorCode()).isEqualTo(1205);
        assertIs(atCommit(error), FailureKind.LOCK_TIMEOUT, FailureEffect.ENDED, CommitFate.ROLLED_BACK);
        assertIsGone(session);
    }

    @Test
    void aCommitOnAServerThatHasBecomeReadOnlyHasRolledBack() throws SQLException {
        RawSession session = begun(weak());
        open().run("SET GLOBAL read_only = 1");
        SQLException error = session.errorOf("COMMIT");

        assertThat(error.getErrorCode()).isEqualTo(1290);
        assertIs(atCommit(error), FailureKind.NOT_PRIMARY, FailureEffect.ENDED, CommitFate.ROLLED_BACK);
        open().run("SET GLOBAL read_only = 0");
        assertIsGone(session);
    }

    @Test
    void aSessionThatIsKilledBeforeCommitLeavesTheFateUnknown() throws SQLException {
        RawSession session = begun();
        kill(session);

        assertIs(
                atCommit(session.errorOf("COMMIT")),
                FailureKind.CONNECTION_LOST,
                FailureEffect.LOST,
                CommitFate.UNKNOWN);
        assertThat(count("id = 50")).isZero();
    }

    /** What was before the statement is committed, and what came after it is, too, or is not: both is possible. */
    @Test
    void aFenceThatIsMissingLeavesTheFateUnknown() throws SQLException {
        RawSession session = begun();
        session.run("CREATE TABLE IF NOT EXISTS made (n int)", "INSERT INTO item VALUES (51, 0)");
        SQLException error = session.errorOf("RELEASE SAVEPOINT before_it");

        assertThat(error.getErrorCode()).isEqualTo(1305);
        assertIs(atCommit(error), FailureKind.TX_STATE, FailureEffect.ENDED, CommitFate.UNKNOWN);
        session.run("ROLLBACK");
        assertThat(count("id >= 50")).isEqualTo(2);
        session.run("DROP TABLE made");
    }

    // ---- servers that refuse

    @Test
    void aWriteOnAServerThatIsReadOnlyIsRefused_andTheTransactionGoesOn() throws SQLException {
        RawSession session = begun(weak());
        open().run("SET GLOBAL read_only = 1");
        for (String refused : new String[] {"INSERT INTO item VALUES (52, 0)", "SELECT * FROM item FOR UPDATE"}) {
            SQLException error = session.errorOf(refused);

            assertThat(error.getErrorCode()).isEqualTo(1290);
            assertIs(inStatement(error), FailureKind.NOT_PRIMARY, FailureEffect.NONE);
        }
        assertThat(session.ask("SELECT id FROM item WHERE id = 1 LOCK IN SHARE MODE"))
                .isEqualTo("1");
        open().run("SET GLOBAL read_only = 0");
        assertGoesOn(session);
    }

    @Test
    void aServerThatIsFullHasTooManyConnections() throws SQLException {
        profile(); // asked for while there is room
        RawSession admin = open();
        String limit = admin.ask("SELECT @@max_connections");
        String user = database() + "f";
        admin.run("CREATE USER IF NOT EXISTS " + user, "SET GLOBAL max_connections = 10");
        List<Connection> taken = new ArrayList<>();
        try {
            SQLException error = null;
            for (int i = 0; i < 12 && error == null; i++) {
                try {
                    taken.add(connect("", user, ""));
                } catch (SQLException e) {
                    error = e;
                }
            }
            assertThat((Throwable) error).isNotNull();
            assertThat(error.getErrorCode()).isEqualTo(1040);
            assertIs(
                    classified(error, Moment.of(Phase.ACQUIRE, PLAIN)),
                    FailureKind.TOO_MANY_CONNECTIONS,
                    FailureEffect.NONE);
        } finally {
            for (Connection connection : taken) {
                connection.close();
            }
            admin.run("SET GLOBAL max_connections = " + limit, "DROP USER " + user);
        }
    }

    @Test
    void aUserWhoMayNotConnectOnceMoreHasTooManyConnections() throws SQLException {
        String user = database() + "o";
        RawSession admin = open();
        admin.run("CREATE USER " + accounts(user, " IDENTIFIED BY 'x'") + " WITH MAX_USER_CONNECTIONS 1");
        try (Connection first = connect("", user, "x")) {
            assertThat(first.isValid(10)).isTrue();
            SQLException error = connectionError(user, "x");

            assertThat(error.getErrorCode()).isEqualTo(1226);
            assertIs(
                    classified(error, Moment.of(Phase.ACQUIRE, PLAIN)),
                    FailureKind.TOO_MANY_CONNECTIONS,
                    FailureEffect.NONE);
            assertIs(
                    classified(connectionError(user, "y"), Moment.of(Phase.ACQUIRE, PLAIN)),
                    FailureKind.PERMISSION,
                    FailureEffect.NONE);
        } finally {
            admin.run("DROP USER " + accounts(user, ""));
        }
    }

    private SQLException connectionError(String user, String password) {
        try (Connection connection = connect("", user, password)) {
            throw new AssertionError("No error: " + connection);
        } catch (SQLException error) {
            return error;
        }
    }

    // ---- innodb_rollback_on_timeout

    @Test
    void theProfileKnowsTheSetting() throws SQLException {
        Profile profile = profile();

        assertThat(MysqlProfiles.rollsBackOnTimeout(profile)).isTrue();
    }

    @Test
    void aLockThatIsWaitedForTooLongEndsTheTransaction() throws SQLException {
        holder();
        RawSession session = begun();
        session.run("SET innodb_lock_wait_timeout = 1");
        SQLException error = session.errorOf("UPDATE item SET n = 2 WHERE id = 1");

        assertThat(error.getErrorCode()).isEqualTo(1205);
        assertIs(inStatement(error), FailureKind.LOCK_TIMEOUT, FailureEffect.ENDED);
        assertIsGone(session);
    }

    /** To MariaDB it is a timeout like any other. */
    @Test
    void aLockThatIsNotWaitedForEndsTheTransactionOfMariadbOnly() throws SQLException {
        holder();
        RawSession session = begun();
        RowLock lock = RowLock.forUpdate().noWait();
        SQLException error = session.errorOf("SELECT * FROM item WHERE id = 1 "
                + DIALECT.lock(lock, PLAIN, profile()).tail());
        Failure failure = classified(error, Moment.of(Phase.STATEMENT, PLAIN).lock(lock));

        assertIs(failure, FailureKind.LOCK_NOT_AVAILABLE, on.isMariadb() ? FailureEffect.ENDED : FailureEffect.NONE);
        if (on.isMariadb()) {
            assertIsGone(session);
        } else {
            assertGoesOn(session);
        }
    }

    /** Nothing tells it from a row's timeout; a rollback is right in either case. */
    @Test
    void aTableThatIsWaitedForTooLongLeavesTheTransactionOpen_thoughItIsSaidToEndIt() throws SQLException {
        RawSession other = open();
        other.run("CREATE TABLE IF NOT EXISTS apart (n int)", "LOCK TABLES apart WRITE");
        RawSession session = begun();
        session.run("SET lock_wait_timeout = 1");
        SQLException error = session.errorOf("SELECT * FROM apart");
        other.run("UNLOCK TABLES");

        assertThat(error.getErrorCode()).isEqualTo(1205);
        assertIs(inStatement(error), FailureKind.LOCK_TIMEOUT, FailureEffect.ENDED);
        assertGoesOn(session);
    }

    @Test
    void aStatementThatIsKilledLeavesTheTransactionOpenAllTheSame() throws Exception {
        holder();
        RawSession session = begun();
        CompletableFuture<SQLException> error = errorMeanwhile(session, "UPDATE item SET n = 2 WHERE id = 1");
        awaitWaiting(session);
        open().run("KILL QUERY " + session.id);

        assertIs(inStatement(finished(error)), FailureKind.CANCELLED, FailureEffect.NONE);
        assertGoesOn(session);
    }
}
