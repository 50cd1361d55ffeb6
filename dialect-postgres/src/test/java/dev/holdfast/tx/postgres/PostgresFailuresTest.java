package dev.holdfast.tx.postgres;

import static dev.holdfast.tx.CommitFate.COMMITTED;
import static dev.holdfast.tx.CommitFate.ROLLED_BACK;
import static dev.holdfast.tx.CommitFate.STILL_OPEN;
import static dev.holdfast.tx.CommitFate.UNKNOWN;
import static dev.holdfast.tx.FailureEffect.ASK;
import static dev.holdfast.tx.FailureEffect.DOOMED;
import static dev.holdfast.tx.FailureEffect.ENDED;
import static dev.holdfast.tx.FailureEffect.LOST;
import static dev.holdfast.tx.FailureEffect.NONE;
import static dev.holdfast.tx.FailureEffect.SCOPE;
import static dev.holdfast.tx.postgres.Profiles.DIALECT;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.CommitFate;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Cancelled;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.spi.Wish.Carry;
import java.sql.BatchUpdateException;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLRecoverableException;
import java.sql.SQLTimeoutException;
import java.sql.SQLTransientConnectionException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.util.PSQLException;
import org.postgresql.util.PSQLState;
import org.postgresql.util.ServerErrorMessage;

/** The table of errors, and what the moment makes of it. */
class PostgresFailuresTest {
    private static final Wish PLAIN = Wish.of(TxOptions.none());
    private static final Profile POSTGRES = Profiles.postgres(18);

    private static SQLException fromServer(String state) {
        return new PSQLException(new ServerErrorMessage("SERROR\0VERROR\0C" + state + "\0Mwords\0\0"));
    }

    private static SQLException fromDriver() {
        return new PSQLException("words", PSQLState.OBJECT_NOT_IN_STATE);
    }

    private static Failure in(Phase phase, DriverState state, SQLException error) {
        return DIALECT.classify(error, Moment.of(phase, PLAIN).driverState(state), POSTGRES);
    }

    private static Failure in(Phase phase, SQLException error) {
        return in(phase, DriverState.UNKNOWN, error);
    }

    @ParameterizedTest
    @CsvSource({
        // code, kind, effect in a statement, fate at COMMIT
        "40001, SERIALIZATION,        SCOPE,  ROLLED_BACK",
        "40000, SERIALIZATION,        SCOPE,  ROLLED_BACK",
        "CR000, SERIALIZATION,        SCOPE,  ROLLED_BACK",
        "40P01, DEADLOCK,             SCOPE,  ROLLED_BACK",
        "40003, OTHER,                ENDED,  UNKNOWN",
        "23505, UNIQUE,               SCOPE,  ROLLED_BACK",
        "23503, FOREIGN_KEY,          SCOPE,  ROLLED_BACK",
        "23001, FOREIGN_KEY,          SCOPE,  ROLLED_BACK",
        "23514, CHECK,                SCOPE,  ROLLED_BACK",
        "44000, CHECK,                SCOPE,  ROLLED_BACK",
        "23502, NOT_NULL,             SCOPE,  ROLLED_BACK",
        "23P01, EXCLUSION,            SCOPE,  ROLLED_BACK",
        "23000, OTHER,                SCOPE,  ROLLED_BACK",
        "22001, DATA,                 SCOPE,  ROLLED_BACK",
        "22P02, DATA,                 SCOPE,  ROLLED_BACK",
        "25006, READ_ONLY,            SCOPE,  ROLLED_BACK",
        "25P02, TX_ABORTED,           SCOPE,  ROLLED_BACK",
        "25001, TX_STATE,             SCOPE,  ROLLED_BACK",
        "25P01, TX_STATE,             SCOPE,  ROLLED_BACK",
        "2D000, TX_STATE,             SCOPE,  ROLLED_BACK",
        "3B001, TX_STATE,             SCOPE,  ROLLED_BACK",
        "25P03, TX_TIMEOUT,           LOST,   ROLLED_BACK",
        "25P04, TX_TIMEOUT,           LOST,   UNKNOWN",
        "55P03, LOCK_TIMEOUT,         SCOPE,  ROLLED_BACK",
        "57014, CANCELLED,            SCOPE,  ROLLED_BACK",
        "57P01, SERVER_SHUTDOWN,      LOST,   UNKNOWN",
        "57P02, SERVER_SHUTDOWN,      LOST,   UNKNOWN",
        "57P03, SERVER_SHUTDOWN,      LOST,   UNKNOWN",
        "57P04, SERVER_SHUTDOWN,      LOST,   UNKNOWN",
        "57P05, SERVER_SHUTDOWN,      LOST,   UNKNOWN",
        "08000, CONNECTION_LOST,      LOST,   UNKNOWN",
        "08001, CONNECTION_LOST,      LOST,   UNKNOWN",
        "08003, CONNECTION_LOST,      LOST,   UNKNOWN",
        "08006, CONNECTION_LOST,      LOST,   UNKNOWN",
        "08P01, CONNECTION_LOST,      LOST,   UNKNOWN",
        "53300, TOO_MANY_CONNECTIONS, SCOPE,  ROLLED_BACK",
        "53200, RESOURCES,            SCOPE,  ROLLED_BACK",
        "54001, RESOURCES,            SCOPE,  ROLLED_BACK",
        "0A000, UNSUPPORTED,          SCOPE,  ROLLED_BACK",
        "42601, SYNTAX,               SCOPE,  ROLLED_BACK",
        "42P01, SYNTAX,               SCOPE,  ROLLED_BACK",
        "3D000, SYNTAX,               SCOPE,  ROLLED_BACK",
        "42501, PERMISSION,           SCOPE,  ROLLED_BACK",
        "28P01, PERMISSION,           SCOPE,  ROLLED_BACK",
        "P0001, OTHER,                SCOPE,  ROLLED_BACK",
        "XX000, OTHER,                SCOPE,  ROLLED_BACK",
        "ZZ123, OTHER,                SCOPE,  ROLLED_BACK",
        "X,     OTHER,                SCOPE,  ROLLED_BACK",
        "XXA00, OTHER,                ENDED,  COMMITTED",
    })
    void whatTheServerSays(String state, FailureKind kind, FailureEffect effect, CommitFate fate) {
        Failure inStatement = in(Phase.STATEMENT, fromServer(state));

        assertThat(inStatement.kind()).isEqualTo(kind);
        assertThat(inStatement.effect()).isEqualTo(effect);
        assertThat(in(Phase.COMMIT, fromServer(state)).atCommit()).isEqualTo(fate);
    }

    @ParameterizedTest
    @CsvSource({
        "40001, ROLLED_BACK",
        "40P01, ROLLED_BACK",
        "23505, ROLLED_BACK",
        "25P02, ROLLED_BACK",
        "23000, ROLLED_BACK",
        "57014, UNKNOWN",
        "42883, UNKNOWN",
        "22012, UNKNOWN",
        "P0001, UNKNOWN",
        "XX000, UNKNOWN",
        "08006, UNKNOWN"
    })
    void onlyWhatNothingBehindCommitCanRaiseStandsForARollbackOfAJoinedMessage(String state, CommitFate fate) {
        Moment moment = Moment.of(Phase.COMMIT, PLAIN.carrying(Carry.POSITION)).driverState(DriverState.IDLE);

        assertThat(DIALECT.classify(fromServer(state), moment, POSTGRES).atCommit())
                .isEqualTo(fate);
    }

    @ParameterizedTest
    @CsvSource({"40001, ROLLED_BACK", "23505, ROLLED_BACK", "XX000, UNKNOWN", "58C00, UNKNOWN", "XXA00, COMMITTED"})
    void ofAServerThatIsNotPostgresOnlyWhatIsSureIsBelieved(String state, CommitFate fate) {
        Moment moment = Moment.of(Phase.COMMIT, PLAIN);

        assertThat(DIALECT.classify(fromServer(state), moment, Profiles.cockroach())
                        .atCommit())
                .isEqualTo(fate);
    }

    @Test
    void anUnheardOfCodeOfAnotherDriverLeavesTheFateUnknown() {
        assertThat(in(Phase.COMMIT, new SQLException("words", "HYT00")).atCommit())
                .isEqualTo(UNKNOWN);
    }

    @Test
    void aKnownCodeOfAnotherDriverIsTheServers() {
        assertThat(in(Phase.COMMIT, new SQLException("words", "P0001")).atCommit())
                .isEqualTo(ROLLED_BACK);
    }

    @Test
    void anErrorOfTheDriverItselfOnCommitLeavesTheFateUnknown() {
        assertThat(in(Phase.COMMIT, fromDriver()).atCommit()).isEqualTo(UNKNOWN);
    }

    @Test
    void aTransactionThatFailedIsNotCommitted_whateverTheErrorIs() {
        assertThat(in(Phase.COMMIT, DriverState.FAILED, fromServer("XX000")).atCommit())
                .isEqualTo(ROLLED_BACK);
        assertThat(in(Phase.COMMIT, DriverState.FAILED, fromServer("XX000")).effect())
                .isEqualTo(SCOPE);
    }

    @Test
    void aTransactionThatIsOpenAfterCommitIsStillOpen() {
        assertThat(in(Phase.COMMIT, DriverState.OPEN, fromDriver()).atCommit()).isEqualTo(STILL_OPEN);
        assertThat(in(Phase.COMMIT, DriverState.OPEN, fromDriver()).effect()).isEqualTo(NONE);
    }

    @ParameterizedTest
    @EnumSource(Isolation.class)
    void aSerializationFailureDoomsWhereThereIsOneSnapshot(Isolation level) {
        Moment moment = Moment.of(Phase.STATEMENT, Wish.of(TxOptions.of(level))).driverState(DriverState.FAILED);
        boolean snapshotPerStatement = level == Isolation.READ_COMMITTED || level == Isolation.READ_UNCOMMITTED;

        assertThat(DIALECT.classify(fromServer("40001"), moment, POSTGRES).effect())
                .isEqualTo(snapshotPerStatement ? SCOPE : DOOMED);
    }

    @Test
    void aSerializationFailureOfCockroachDbDooms_atEveryLevel() {
        Moment moment = Moment.of(Phase.STATEMENT, Wish.of(TxOptions.of(Isolation.READ_COMMITTED)));

        assertThat(DIALECT.classify(fromServer("40001"), moment, Profiles.cockroach())
                        .effect())
                .isEqualTo(DOOMED);
    }

    @Test
    void theDefaultLevelCountsWhereNoneIsAskedFor() {
        Profile serializable = Profiles.answering(Map.of("default_transaction_isolation", "serializable"));

        assertThat(DIALECT.classify(fromServer("40001"), Moment.of(Phase.STATEMENT, PLAIN), serializable)
                        .effect())
                .isEqualTo(DOOMED);
    }

    @ParameterizedTest
    @CsvSource({"OPEN, NONE", "FAILED, SCOPE", "IDLE, ENDED", "UNKNOWN, SCOPE"})
    void theDriverKnowsWhatAnErrorOfTheServerDid(DriverState state, FailureEffect effect) {
        assertThat(in(Phase.STATEMENT, state, fromServer("23505")).effect()).isEqualTo(effect);
        assertThat(in(Phase.SAVEPOINT, state, fromServer("23505")).effect()).isEqualTo(effect);
        assertThat(in(Phase.BEGIN, state, fromServer("23505")).effect()).isEqualTo(effect);
    }

    @ParameterizedTest
    @CsvSource({"OPEN, NONE", "IDLE, NONE", "UNKNOWN, NONE"})
    void anErrorOfTheDriverItselfDidNothing(DriverState state, FailureEffect effect) {
        assertThat(in(Phase.STATEMENT, state, fromDriver()).effect()).isEqualTo(effect);
    }

    @ParameterizedTest
    @CsvSource({"OPEN, NONE", "FAILED, SCOPE", "IDLE, ENDED", "UNKNOWN, LOST"})
    void aConnectionWhoseStateTheDriverKnowsIsNotLost_theServersOwnConnectionToAnotherWas(
            DriverState state, FailureEffect effect) {
        assertThat(in(Phase.STATEMENT, state, fromServer("08001")).effect()).isEqualTo(effect);
    }

    @ParameterizedTest
    @CsvSource({"IDLE, ENDED", "FAILED, SCOPE", "UNKNOWN, ENDED"})
    void anErrorOnCommitHasEndedTheTransaction_unlessTheDriverSaysItIsThere(DriverState state, FailureEffect effect) {
        assertThat(in(Phase.COMMIT, state, fromServer("23505")).effect()).isEqualTo(effect);
    }

    @Test
    void theRefusalOfTheFenceLeavesAnAbortedTransaction() {
        assertThat(in(Phase.COMMIT, fromServer("25P02")).effect()).isEqualTo(SCOPE);
    }

    @ParameterizedTest
    @EnumSource(names = {"ACQUIRE", "OUTSIDE"})
    void whereThereIsNoTransactionNothingHappensToIt(Phase phase) {
        assertThat(in(phase, fromServer("23505")).effect()).isEqualTo(NONE);
        assertThat(in(phase, fromServer("08006")).effect()).isEqualTo(LOST);
    }

    @ParameterizedTest
    @CsvSource({
        "NOT,       true,  STATEMENT_TIMEOUT",
        "NOT,       false, CANCELLED",
        "BY_LIMIT,  true,  STATEMENT_TIMEOUT",
        "BY_LIMIT,  false, STATEMENT_TIMEOUT",
        "BY_CALLER, true,  CANCELLED",
        "BY_CALLER, false, CANCELLED"
    })
    void aCancelIsATimeoutIfThereIsALimit_andNobodyElseCancelled(
            Cancelled cancelled, boolean limited, FailureKind kind) {
        TxOptions options = limited ? TxOptions.none().statementTimeout(ofSeconds(1)) : TxOptions.none();
        Moment moment = Moment.of(Phase.STATEMENT, Wish.of(options)).cancelled(cancelled);

        assertThat(DIALECT.classify(fromServer("57014"), moment, POSTGRES).kind())
                .isEqualTo(kind);
    }

    @Test
    void aLockThatIsNotHadIsNotAvailable_ifNobodyWantedToWait() {
        Moment moment = Moment.of(Phase.STATEMENT, PLAIN);
        SQLException error = fromServer("55P03");

        assertThat(DIALECT.classify(error, moment.lock(RowLock.forUpdate().noWait()), POSTGRES)
                        .kind())
                .isEqualTo(FailureKind.LOCK_NOT_AVAILABLE);
        assertThat(DIALECT.classify(error, moment.lock(RowLock.forUpdate()), POSTGRES)
                        .kind())
                .isEqualTo(FailureKind.LOCK_TIMEOUT);
    }

    @ParameterizedTest
    @CsvSource({"RevalidateCachedQuery, SERIALIZATION", "CheckSelectLocking, UNSUPPORTED"})
    void whatTheServerCannotDoIsAConflict_whereItIsAPreparedStatementThatIsStale(String routine, FailureKind kind) {
        SQLException error =
                new PSQLException(new ServerErrorMessage("SFEHLER\0VERROR\0C0A000\0MWorte\0R" + routine + "\0\0"));

        assertThat(in(Phase.STATEMENT, error).kind()).isEqualTo(kind);
        assertThat(in(Phase.STATEMENT, new BatchUpdateException("of a batch", "0A000", new int[0], error))
                        .kind())
                .isEqualTo(kind);
    }

    @Test
    void aPoolThatIsExhaustedHasTooManyConnections() {
        assertThat(in(Phase.ACQUIRE, new SQLTransientConnectionException("timed out"))
                        .kind())
                .isEqualTo(FailureKind.TOO_MANY_CONNECTIONS);
        assertThat(in(Phase.ACQUIRE, new SQLTransientConnectionException("timed out"))
                        .effect())
                .isEqualTo(NONE);
    }

    @ParameterizedTest
    @CsvSource({"08001, CONNECTION_LOST", "53300, TOO_MANY_CONNECTIONS", "28P01, PERMISSION", "57P03, SERVER_SHUTDOWN"})
    void aPoolThatCannotConnectSaysWhy(String cause, FailureKind kind) {
        SQLException error = new SQLTransientConnectionException("timed out", new SQLException("words", cause));

        assertThat(in(Phase.ACQUIRE, error).kind()).isEqualTo(kind);
    }

    @ParameterizedTest
    @ValueSource(classes = {SQLTimeoutException.class, SQLException.class})
    void aDataSourceThatGivesNothingAndNoReasonCouldNotConnect(Class<? extends SQLException> type) throws Exception {
        SQLException error = type.getConstructor(String.class).newInstance("words");

        assertThat(in(Phase.ACQUIRE, error).kind()).isEqualTo(FailureKind.CONNECTION_LOST);
    }

    @ParameterizedTest
    @ValueSource(
            classes = {
                SQLTransientConnectionException.class,
                SQLNonTransientConnectionException.class,
                SQLRecoverableException.class
            })
    void aTypeOfJdbcForLostConnectionsSufficesWithoutACode(Class<? extends SQLException> type) throws Exception {
        SQLException error = type.getConstructor(String.class).newInstance("words");

        assertThat(in(Phase.STATEMENT, error).kind()).isEqualTo(FailureKind.CONNECTION_LOST);
        assertThat(in(Phase.STATEMENT, error).effect()).isEqualTo(LOST);
        assertThat(in(Phase.COMMIT, error).atCommit()).isEqualTo(UNKNOWN);
    }

    @Test
    void aTimeoutWithoutACodeIsOne() {
        assertThat(in(Phase.STATEMENT, new SQLTimeoutException("words")).kind())
                .isEqualTo(FailureKind.STATEMENT_TIMEOUT);
    }

    @Test
    void anErrorThatSaysNothingHasTheDriverAsked() {
        Failure failure = in(Phase.STATEMENT, new SQLException("words"));

        assertThat(failure.kind()).isEqualTo(FailureKind.OTHER);
        assertThat(failure.effect()).isEqualTo(ASK);
        assertThat(in(Phase.COMMIT, new SQLException("words")).atCommit()).isEqualTo(UNKNOWN);
    }

    @Test
    void theCodeIsLookedForInTheWholeChain() {
        SQLException batch = new BatchUpdateException("words", null, 0, new int[0], null);
        batch.setNextException(fromServer("23505"));

        assertThat(in(Phase.STATEMENT, batch).kind()).isEqualTo(FailureKind.UNIQUE);
        assertThat((Throwable) in(Phase.STATEMENT, batch).error()).isSameAs(batch);
    }

    @Test
    void whatCockroachDbCommittedWithHalfItsDdlIsCommitted() {
        assertThat(in(Phase.COMMIT, fromServer("XXA00")).atCommit()).isEqualTo(COMMITTED);
        assertThat(in(Phase.COMMIT, fromServer("XXA00")).effect()).isEqualTo(ENDED);
    }
}
