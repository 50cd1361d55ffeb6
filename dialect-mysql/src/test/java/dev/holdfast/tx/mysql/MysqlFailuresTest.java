package dev.holdfast.tx.mysql;

import static dev.holdfast.tx.CommitFate.ROLLED_BACK;
import static dev.holdfast.tx.CommitFate.UNKNOWN;
import static dev.holdfast.tx.FailureEffect.ASK;
import static dev.holdfast.tx.FailureEffect.DOOMED;
import static dev.holdfast.tx.FailureEffect.ENDED;
import static dev.holdfast.tx.FailureEffect.LOST;
import static dev.holdfast.tx.FailureEffect.NONE;
import static dev.holdfast.tx.mysql.MysqlLocksTest.MARIADB;
import static dev.holdfast.tx.mysql.MysqlLocksTest.MYSQL;
import static dev.holdfast.tx.mysql.MysqlLocksTest.TIDB;
import static dev.holdfast.tx.mysql.MysqlLocksTest.VITESS;
import static dev.holdfast.tx.mysql.MysqlLocksTest.profile;
import static org.assertj.core.api.Assertions.assertThat;

import com.mysql.cj.jdbc.exceptions.MySQLStatementCancelledException;
import com.mysql.cj.jdbc.exceptions.MySQLTimeoutException;
import dev.holdfast.tx.CommitFate;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Cancelled;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.spi.Wish.Carry;
import java.sql.BatchUpdateException;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLTransientConnectionException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The table of errors, and what the moment and the server make of it. */
class MysqlFailuresTest {
    private static final MysqlDialect DIALECT = new MysqlDialect();
    private static final Wish PLAIN = Wish.of(TxOptions.none());

    private static Failure in(Phase phase, SQLException error, Profile profile) {
        return DIALECT.classify(error, Moment.of(phase, PLAIN), profile);
    }

    private static SQLException number(int code) {
        return new SQLException("words", "HY000", code);
    }

    private static void assertIs(Failure failure, FailureKind kind, FailureEffect effect) {
        assertThat(failure.kind()).isEqualTo(kind);
        assertThat(failure.effect()).isEqualTo(effect);
    }

    @ParameterizedTest
    @CsvSource({
        // code, kind, effect in a statement, fate at COMMIT
        "1213, DEADLOCK,             ENDED, ROLLED_BACK",
        "1614, DEADLOCK,             ENDED, ROLLED_BACK",
        "3058, DEADLOCK,             NONE,  UNKNOWN",
        "1205, LOCK_TIMEOUT,         NONE,  ROLLED_BACK",
        "3572, LOCK_NOT_AVAILABLE,   NONE,  ROLLED_BACK",
        "3101, SERIALIZATION,        ENDED, ROLLED_BACK",
        "1402, TX_ABORTED,           ENDED, ROLLED_BACK",
        "1613, TX_TIMEOUT,           ENDED, ROLLED_BACK",
        "1206, RESOURCES,            ENDED, ROLLED_BACK",
        "3100, OTHER,                ENDED, UNKNOWN",
        "1180, OTHER,                ENDED, UNKNOWN",
        "1181, OTHER,                ASK,   UNKNOWN",
        "1062, UNIQUE,               NONE,  ROLLED_BACK",
        "1586, UNIQUE,               NONE,  ROLLED_BACK",
        "1022, UNIQUE,               NONE,  ROLLED_BACK",
        "1169, UNIQUE,               NONE,  ROLLED_BACK",
        "1859, UNIQUE,               NONE,  ROLLED_BACK",
        "1452, FOREIGN_KEY,          NONE,  ROLLED_BACK",
        "1216, FOREIGN_KEY,          NONE,  ROLLED_BACK",
        "1451, FOREIGN_KEY,          NONE,  ROLLED_BACK",
        "1217, FOREIGN_KEY,          NONE,  ROLLED_BACK",
        "3819, CHECK,                NONE,  ROLLED_BACK",
        "4025, CHECK,                NONE,  ROLLED_BACK",
        "1369, CHECK,                NONE,  ROLLED_BACK",
        "1048, NOT_NULL,             NONE,  ROLLED_BACK",
        "1364, NOT_NULL,             NONE,  ROLLED_BACK",
        "1264, DATA,                 NONE,  ROLLED_BACK",
        "1406, DATA,                 NONE,  ROLLED_BACK",
        "1366, DATA,                 NONE,  ROLLED_BACK",
        "1792, READ_ONLY,            NONE,  ROLLED_BACK",
        "1290, READ_ONLY,            NONE,  ROLLED_BACK",
        "1836, NOT_PRIMARY,          NONE,  ROLLED_BACK",
        "1568, TX_STATE,             NONE,  UNKNOWN",
        "1192, TX_STATE,             NONE,  UNKNOWN",
        "1305, SYNTAX,               NONE,  UNKNOWN",
        "1064, SYNTAX,               NONE,  UNKNOWN",
        "1146, SYNTAX,               NONE,  UNKNOWN",
        "1054, SYNTAX,               NONE,  UNKNOWN",
        "1235, UNSUPPORTED,          NONE,  UNKNOWN",
        "1142, PERMISSION,           NONE,  UNKNOWN",
        "1045, PERMISSION,           NONE,  UNKNOWN",
        "1317, CANCELLED,            NONE,  UNKNOWN",
        "3024, STATEMENT_TIMEOUT,    NONE,  UNKNOWN",
        "1969, STATEMENT_TIMEOUT,    NONE,  UNKNOWN",
        "1040, TOO_MANY_CONNECTIONS, NONE,  UNKNOWN",
        "1203, TOO_MANY_CONNECTIONS, NONE,  UNKNOWN",
        "1226, TOO_MANY_CONNECTIONS, NONE,  UNKNOWN",
        "1114, RESOURCES,            NONE,  UNKNOWN",
        "1644, OTHER,                NONE,  UNKNOWN",
        "1105, OTHER,                NONE,  UNKNOWN",
        "9999, OTHER,                NONE,  UNKNOWN",
        "1053, SERVER_SHUTDOWN,      LOST,  UNKNOWN",
        "1927, SERVER_SHUTDOWN,      LOST,  UNKNOWN",
        "3169, SERVER_SHUTDOWN,      LOST,  UNKNOWN",
        "4031, SERVER_SHUTDOWN,      LOST,  ROLLED_BACK",
        "1158, CONNECTION_LOST,      LOST,  UNKNOWN",
        "1184, CONNECTION_LOST,      LOST,  UNKNOWN",
        "1153, DATA,                 LOST,  UNKNOWN",
    })
    void whatTheServerSays(int code, FailureKind kind, FailureEffect effect, CommitFate fate) {
        for (Profile profile : new Profile[] {MYSQL, MARIADB}) {
            assertIs(in(Phase.STATEMENT, number(code), profile), kind, effect);
            assertThat(in(Phase.COMMIT, number(code), profile).atCommit())
                    .as("at COMMIT")
                    .isEqualTo(fate);
        }
    }

    @Test
    void aRecordThatHasChangedEndsTheTransactionOfMariadb_andOnlyDoomsThatOfOthers() {
        assertIs(in(Phase.STATEMENT, number(1020), MARIADB), FailureKind.SERIALIZATION, ENDED);
        assertIs(in(Phase.STATEMENT, number(1020), MYSQL), FailureKind.SERIALIZATION, DOOMED);
    }

    @ParameterizedTest
    @ValueSource(strings = {"9.7.0", "10.11.19-MariaDB"})
    void aTimeoutEndsTheTransactionWhereTheServerIsSetSo(String version) {
        Profile ending = profile(version, Map.of("innodb_rollback_on_timeout", "ON"));

        assertIs(in(Phase.STATEMENT, number(1205), ending), FailureKind.LOCK_TIMEOUT, ENDED);
        assertIs(in(Phase.STATEMENT, number(3572), ending), FailureKind.LOCK_NOT_AVAILABLE, NONE);
        assertIs(in(Phase.STATEMENT, number(1317), ending), FailureKind.CANCELLED, NONE);
    }

    @Test
    void aLockOfMariadbThatMustNotWaitIsNotAvailable() {
        Moment noWait =
                Moment.of(Phase.STATEMENT, PLAIN).lock(RowLock.forUpdate().noWait());
        Moment waits = Moment.of(Phase.STATEMENT, PLAIN).lock(RowLock.forUpdate());

        assertThat(DIALECT.classify(number(1205), noWait, MARIADB).kind()).isEqualTo(FailureKind.LOCK_NOT_AVAILABLE);
        assertThat(DIALECT.classify(number(1205), waits, MARIADB).kind()).isEqualTo(FailureKind.LOCK_TIMEOUT);
        // to MySQL this is the table's timeout: the row's has another number
        assertThat(DIALECT.classify(number(1205), noWait, MYSQL).kind()).isEqualTo(FailureKind.LOCK_TIMEOUT);
    }

    @ParameterizedTest
    @EnumSource(names = {"SAVEPOINT", "COMMIT", "BEGIN", "ABORT"})
    void aSavepointOfTheEnginesThatIsNotThereMeansThatTheTransactionIsNot(Phase phase) {
        Failure failure = in(phase, number(1305), MYSQL);

        assertIs(failure, FailureKind.TX_STATE, ENDED);
        assertThat(failure.atCommit()).isEqualTo(UNKNOWN);
    }

    // ---- the drivers' own

    @ParameterizedTest
    @CsvSource({"08S01, 0", "08003, 0", "08000, -1", "08000, 1220", "08000, 0", "08001, 0", "08004, 0"})
    void aConnectionThatIsGoneIsLost(String state, int code) {
        SQLException error = new SQLNonTransientConnectionException("words", state, code);

        assertIs(in(Phase.STATEMENT, error, MYSQL), FailureKind.CONNECTION_LOST, LOST);
        assertIs(in(Phase.OUTSIDE, error, MYSQL), FailureKind.CONNECTION_LOST, LOST);
        assertIs(in(Phase.COMMIT, error, MYSQL), FailureKind.CONNECTION_LOST, LOST);
        assertThat(in(Phase.COMMIT, error, MYSQL).atCommit()).isEqualTo(UNKNOWN);
    }

    /** Or later statements would be sent to a server that knows nothing of the transaction. */
    @Test
    void aConnectionThatMariadbsDriverHasMadeAnewIsLost() {
        SQLException error = new SQLTransientConnectionException("words", "25S03");

        assertIs(in(Phase.STATEMENT, error, MARIADB), FailureKind.CONNECTION_LOST, LOST);
        assertIs(in(Phase.COMMIT, error, MARIADB), FailureKind.CONNECTION_LOST, LOST);
        assertThat(in(Phase.COMMIT, error, MARIADB).atCommit()).isEqualTo(UNKNOWN);
    }

    @Test
    void aWriteOnAServerThatOnlyReadsMayReachAnother_unlessTheTransactionReadsOnly() {
        for (String option : new String[] {"--read-only", "--super-read-only"}) {
            SQLException error = new SQLException("Worte mit " + option + " darin", "HY000", 1290);

            assertIs(in(Phase.STATEMENT, error, MYSQL), FailureKind.NOT_PRIMARY, NONE);
            for (Wish reads : new Wish[] {
                Wish.of(TxOptions.none().readOnly()),
                Wish.of(TxOptions.none().readOnlyHint()),
                Wish.of(TxOptions.none()).to(Wish.Target.REPLICA)
            }) {
                assertIs(
                        DIALECT.classify(error, Moment.of(Phase.STATEMENT, reads), MYSQL), FailureKind.READ_ONLY, NONE);
            }
        }
        SQLException other = new SQLException("words with --secure-file-priv", "HY000", 1290);
        assertIs(in(Phase.STATEMENT, other, MYSQL), FailureKind.READ_ONLY, NONE);
    }

    @Test
    void aSignalOfTheUsersIsNoLostConnection_thoughMariadbsDriverHasItsType() {
        SQLException error = new SQLTransientConnectionException("words", "45000", 1644);

        assertIs(in(Phase.STATEMENT, error, MARIADB), FailureKind.OTHER, NONE);
    }

    @ParameterizedTest
    @CsvSource({"NOT, STATEMENT_TIMEOUT", "BY_LIMIT, STATEMENT_TIMEOUT", "BY_CALLER, CANCELLED"})
    void theTimeoutOfConnectorJHasNeitherNumberNorState(Cancelled cancelled, FailureKind kind) {
        Failure failure = DIALECT.classify(
                new MySQLTimeoutException(), Moment.of(Phase.STATEMENT, PLAIN).cancelled(cancelled), MYSQL);

        assertThat(failure.vendorCode()).isZero();
        assertThat(failure.sqlState()).isNull();
        assertIs(failure, kind, NONE);
    }

    @ParameterizedTest
    @CsvSource({"NOT, CANCELLED", "BY_LIMIT, STATEMENT_TIMEOUT", "BY_CALLER, CANCELLED"})
    void theCancelOfConnectorJHasNeitherNumberNorState(Cancelled cancelled, FailureKind kind) {
        Moment moment = Moment.of(Phase.STATEMENT, PLAIN).cancelled(cancelled);

        assertIs(DIALECT.classify(new MySQLStatementCancelledException(), moment, MYSQL), kind, NONE);
        assertIs(DIALECT.classify(number(1317), moment, MYSQL), kind, NONE);
    }

    @Test
    void theServersOwnLimitIsNotTheCancelThatCameLate() {
        Moment moment = Moment.of(Phase.STATEMENT, PLAIN).cancelled(Cancelled.BY_CALLER);

        assertThat(DIALECT.classify(number(1969), moment, MARIADB).kind()).isEqualTo(FailureKind.STATEMENT_TIMEOUT);
        assertThat(DIALECT.classify(number(1213), moment, MARIADB).kind()).isEqualTo(FailureKind.DEADLOCK);
    }

    @ParameterizedTest
    @CsvSource({"S1009, OTHER", "22018, DATA", "0A000, UNSUPPORTED", "42000, SYNTAX", "28000, PERMISSION"})
    void withoutAKnownNumberTheStateTells(String state, FailureKind kind) {
        assertIs(in(Phase.STATEMENT, new SQLException("words", state), MYSQL), kind, NONE);
    }

    @Test
    void anErrorThatSaysNothingHasTheDriverAsked() {
        assertIs(in(Phase.STATEMENT, new SQLException("words"), MYSQL), FailureKind.OTHER, ASK);
    }

    // ---- pools

    @Test
    void aPoolThatIsExhaustedHasTooManyConnections() {
        assertIs(
                in(Phase.ACQUIRE, new SQLTransientConnectionException("timed out"), MYSQL),
                FailureKind.TOO_MANY_CONNECTIONS,
                NONE);
    }

    @ParameterizedTest
    @CsvSource({"08004, 1040, TOO_MANY_CONNECTIONS", "28000, 1045, PERMISSION", "08S01, 0, CONNECTION_LOST"})
    void aPoolThatCannotConnectSaysWhy(String state, int code, FailureKind kind) {
        SQLException why = new SQLException("words", state, code);
        SQLException pool = new SQLTransientConnectionException("timed out", state, why);
        SQLException other = new SQLTransientConnectionException("timed out");
        other.setNextException(why);

        assertThat(in(Phase.ACQUIRE, pool, MYSQL).kind()).isEqualTo(kind);
        assertThat(in(Phase.ACQUIRE, other, MYSQL).kind()).isEqualTo(kind);
    }

    @Test
    void theErrorOfABatchIsThatOfItsStatement() {
        SQLException batch = new BatchUpdateException("words", "HY000", 0, new int[0], number(1062));

        assertIs(in(Phase.STATEMENT, batch, MARIADB), FailureKind.UNIQUE, NONE);
    }

    // ---- COMMIT

    @ParameterizedTest
    @CsvSource({"1213, ROLLED_BACK", "1205, ROLLED_BACK", "1290, ROLLED_BACK", "1062, UNKNOWN", "1406, UNKNOWN"})
    void whereSomethingTravelsBehindCommitOnlyWhatCommitAloneRaisesIsBelieved(int code, CommitFate fate) {
        Moment moment = Moment.of(Phase.COMMIT, PLAIN.carrying(Carry.POSITION));

        assertThat(DIALECT.classify(number(code), moment, MYSQL).atCommit()).isEqualTo(fate);
    }

    @Test
    void anErrorOnCommitHasEndedTheTransaction() {
        assertThat(in(Phase.COMMIT, number(1205), MYSQL).effect()).isEqualTo(ENDED);
        assertThat(in(Phase.COMMIT, number(1317), MYSQL).effect()).isEqualTo(ENDED);
    }

    // ---- TiDB, Vitess

    @ParameterizedTest
    @CsvSource({
        "8002, SERIALIZATION, ENDED, ROLLED_BACK",
        "8005, SERIALIZATION, ENDED, ROLLED_BACK",
        "8022, SERIALIZATION, ENDED, ROLLED_BACK",
        "8028, SERIALIZATION, ENDED, ROLLED_BACK",
        "9007, SERIALIZATION, ENDED, ROLLED_BACK",
        "8147, TX_ABORTED,    ENDED, ROLLED_BACK",
        "8229, TX_TIMEOUT,    ENDED, UNKNOWN",
        "9001, RESOURCES,     ASK,   UNKNOWN",
        "9002, RESOURCES,     ASK,   UNKNOWN",
        "9004, LOCK_TIMEOUT,  NONE,  UNKNOWN",
        "9005, RESOURCES,     ASK,   UNKNOWN",
        "8048, UNSUPPORTED,   NONE,  UNKNOWN",
        "8130, UNSUPPORTED,   NONE,  UNKNOWN",
        "1213, DEADLOCK,      ENDED, ROLLED_BACK",
        "3572, LOCK_NOT_AVAILABLE, NONE, ROLLED_BACK",
    })
    void whatTidbSays(int code, FailureKind kind, FailureEffect effect, CommitFate fate) {
        assertIs(in(Phase.STATEMENT, number(code), TIDB), kind, effect);
        assertThat(in(Phase.COMMIT, number(code), TIDB).atCommit()).isEqualTo(fate);
    }

    /** "execution result undetermined" has the number of every error that has none. */
    @Test
    void anUndeterminedResultLeavesTheFateUnknown() {
        SQLException error = new SQLException("execution result undetermined", "HY000", 1105);
        for (Profile profile : new Profile[] {TIDB, VITESS}) {
            assertIs(in(Phase.STATEMENT, error, profile), FailureKind.OTHER, ASK);
            assertIs(in(Phase.COMMIT, error, profile), FailureKind.OTHER, ENDED);
            assertThat(in(Phase.COMMIT, error, profile).atCommit()).isEqualTo(UNKNOWN);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1062, 1452, 1406})
    void aServerThatMayCommitInPartIsNotBelievedThatItHasRolledBack(int code) {
        assertThat(in(Phase.COMMIT, number(code), VITESS).atCommit()).isEqualTo(UNKNOWN);
        assertThat(in(Phase.COMMIT, number(code), TIDB).atCommit()).isEqualTo(UNKNOWN);
        assertThat(in(Phase.COMMIT, number(code), MYSQL).atCommit()).isEqualTo(ROLLED_BACK);
    }

    @ParameterizedTest
    @ValueSource(ints = {1317, 3024, 1114, 1105, 9999})
    void whatIsNotDocumentedOfOthersIsNotTakenFromMysql(int code) {
        assertThat(in(Phase.STATEMENT, number(code), VITESS).effect()).isEqualTo(ASK);
        assertThat(in(Phase.STATEMENT, number(code), MYSQL).effect()).isEqualTo(NONE);
    }

    @ParameterizedTest
    @EnumSource(names = {"ACQUIRE", "OUTSIDE"})
    void whereThereIsNoTransactionNothingHappensToIt(Phase phase) {
        assertThat(in(phase, number(1213), MYSQL).effect()).isEqualTo(NONE);
        assertThat(in(phase, number(1053), MYSQL).effect()).isEqualTo(LOST);
    }
}
