package dev.holdfast.tx.mssql;

import static dev.holdfast.tx.FailureEffect.DOOMED;
import static dev.holdfast.tx.FailureEffect.ENDED;
import static dev.holdfast.tx.FailureEffect.LOST;
import static dev.holdfast.tx.FailureEffect.NONE;
import static dev.holdfast.tx.mssql.Bed.OTHER_WRITE;
import static dev.holdfast.tx.mssql.Bed.WRITE;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.ConnectionScope;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.mssql.tds.Answer;
import dev.holdfast.tx.mssql.tds.Answer.Did;
import dev.holdfast.tx.mssql.tds.Responder;
import dev.holdfast.tx.testkit.Sql;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What is made of an error that the driver raises, and that after it nothing runs outside of a transaction. */
class ErrorsOverTheWireTest {
    private static final String FK = "The INSERT statement conflicted with the FOREIGN KEY constraint \"CHECK_it\".";
    private static final TxOptions ABORTING = TxOptions.none().with(MssqlOptions.XACT_ABORT, true);

    private static Arguments error(Answer answer, FailureKind kind, FailureEffect off, FailureEffect on) {
        return Arguments.of(answer, kind, off, on);
    }

    private static Answer ended(int number) {
        return Answer.error(number).did(Did.ROLLED_BACK);
    }

    private static Answer fatal(int number) {
        return Answer.error(number, 20, 1, "fatal").did(Did.ROLLED_BACK);
    }

    static List<Arguments> errors() {
        return List.of(
                error(Answer.error(2627, 14, 1, "unique"), FailureKind.UNIQUE, NONE, ENDED),
                error(Answer.error(2601, 14, 1, "unique"), FailureKind.UNIQUE, NONE, ENDED),
                error(Answer.error(515, 16, 2, "null"), FailureKind.NOT_NULL, NONE, ENDED),
                error(Answer.error(547, 16, 0, FK), FailureKind.FOREIGN_KEY, NONE, ENDED),
                error(Answer.error(547, 16, 0, FK.replace("FOREIGN KEY", "CHECK")), FailureKind.CHECK, NONE, ENDED),
                error(Answer.error(547, 16, 0, FK.replace("FOREIGN KEY", "")), FailureKind.OTHER, NONE, ENDED),
                error(Answer.error(2628), FailureKind.DATA, NONE, ENDED),
                error(Answer.error(8152), FailureKind.DATA, NONE, ENDED),
                error(Answer.error(8115), FailureKind.DATA, NONE, ENDED),
                error(Answer.error(8134), FailureKind.DATA, NONE, ENDED),
                error(ended(245), FailureKind.DATA, ENDED, ENDED),
                error(ended(8114), FailureKind.DATA, ENDED, ENDED),
                error(Answer.error(1222), FailureKind.LOCK_TIMEOUT, NONE, ENDED),
                error(Answer.error(1205, 13, 51, "victim").did(Did.ROLLED_BACK), FailureKind.DEADLOCK, ENDED, ENDED),
                error(ended(3960), FailureKind.SERIALIZATION, ENDED, ENDED),
                error(ended(3961), FailureKind.SERIALIZATION, ENDED, ENDED),
                error(ended(41302), FailureKind.SERIALIZATION, ENDED, ENDED),
                error(ended(41305), FailureKind.SERIALIZATION, ENDED, ENDED),
                error(ended(41325), FailureKind.SERIALIZATION, ENDED, ENDED),
                error(ended(41839), FailureKind.SERIALIZATION, ENDED, ENDED),
                error(ended(41823), FailureKind.RESOURCES, ENDED, ENDED),
                error(Answer.error(1204, 19, 4, "locks"), FailureKind.RESOURCES, NONE, ENDED),
                error(Answer.error(701, 17, 123, "memory"), FailureKind.RESOURCES, NONE, ENDED),
                error(Answer.error(9002, 17, 4, "log"), FailureKind.RESOURCES, NONE, ENDED),
                error(Answer.error(3906), FailureKind.READ_ONLY, NONE, ENDED),
                error(ended(3951), FailureKind.UNSUPPORTED, ENDED, ENDED),
                error(ended(3952), FailureKind.UNSUPPORTED, ENDED, ENDED),
                error(Answer.error(3930).did(Did.DOOMED), FailureKind.TX_ABORTED, ENDED, ENDED), // with 3998 after it
                error(ended(3998), FailureKind.TX_ABORTED, ENDED, ENDED),
                error(ended(3902), FailureKind.TX_STATE, ENDED, ENDED),
                error(ended(3903), FailureKind.TX_STATE, ENDED, ENDED),
                error(ended(3609), FailureKind.TX_STATE, ENDED, ENDED),
                error(ended(3616), FailureKind.TX_STATE, ENDED, ENDED),
                error(Answer.error(266).did(Did.COMMITTED), FailureKind.TX_STATE, ENDED, ENDED),
                error(Answer.error(229, 14, 5, "denied"), FailureKind.PERMISSION, NONE, ENDED),
                error(Answer.error(102, 15, 1, "syntax"), FailureKind.SYNTAX, NONE, ENDED),
                error(Answer.error(208), FailureKind.SYNTAX, NONE, ENDED),
                error(Answer.error(50_000), FailureKind.OTHER, NONE, NONE),
                error(Answer.error(51_234), FailureKind.OTHER, NONE, NONE),
                error(ended(51_234), FailureKind.OTHER, ENDED, ENDED), // a procedure rolled back, and threw
                error(Answer.error(512), FailureKind.DATA, NONE, ENDED),
                error(Answer.error(226), FailureKind.TX_STATE, NONE, ENDED),
                error(Answer.error(544), FailureKind.SYNTAX, NONE, ENDED),
                error(Answer.error(8621), FailureKind.RESOURCES, NONE, ENDED),
                error(Answer.error(8623), FailureKind.RESOURCES, NONE, ENDED),
                error(Answer.error(8631), FailureKind.RESOURCES, NONE, ENDED),
                error(Answer.error(3908), FailureKind.SERVER_SHUTDOWN, NONE, ENDED),
                error(ended(1750), FailureKind.SYNTAX, ENDED, ENDED),
                error(ended(3727), FailureKind.SYNTAX, ENDED, ENDED),
                error(ended(4922), FailureKind.SYNTAX, ENDED, ENDED),
                error(Answer.error(23_456), FailureKind.OTHER, NONE, ENDED), // not in the table
                error(ended(40197), FailureKind.SERVER_SHUTDOWN, LOST, LOST),
                error(ended(40501), FailureKind.SERVER_SHUTDOWN, LOST, LOST),
                error(ended(40613), FailureKind.SERVER_SHUTDOWN, LOST, LOST),
                error(ended(10928), FailureKind.TOO_MANY_CONNECTIONS, LOST, LOST),
                error(ended(49918), FailureKind.TOO_MANY_CONNECTIONS, LOST, LOST),
                error(ended(40549), FailureKind.TX_TIMEOUT, LOST, LOST),
                error(fatal(596), FailureKind.SERVER_SHUTDOWN, LOST, LOST),
                error(fatal(33_333), FailureKind.SERVER_SHUTDOWN, LOST, LOST));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("errors")
    void with_xact_abort_off(Answer error, FailureKind kind, FailureEffect effect, FailureEffect ignored)
            throws Exception {
        check(TxOptions.none(), error, kind, effect);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("errors")
    void with_xact_abort_on(Answer error, FailureKind kind, FailureEffect ignored, FailureEffect effect)
            throws Exception {
        check(ABORTING, error, kind, effect);
    }

    /** The error is caught, and another statement tried: it runs in the transaction or not at all. */
    private static void check(TxOptions options, Answer error, FailureKind kind, FailureEffect effect)
            throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.next(WRITE, error);
            AtomicReference<Failure> failure = new AtomicReference<>();
            Throwable thrown = thrownBy(() -> bed.db.execute(options, tx -> {
                failure.set(Bed.failure(tx, () -> Bed.write(tx)));
                thrownBy(() -> Bed.send(tx, OTHER_WRITE));
            }));
            assertThat(failure.get().kind()).isEqualTo(kind);
            assertThat(failure.get().effect()).isEqualTo(effect);
            assertThat(bed.responder.outside()).isEmpty();
            boolean goesOn = effect == NONE;
            List<String> mine = bed.responder.committed().stream()
                    .filter(OTHER_WRITE::equals)
                    .toList();
            assertThat(mine).hasSize(goesOn ? 1 : 0);
            boolean isUnknown = !goesOn && bed.sent().contains("batch: " + Bed.STANDING);
            if (goesOn) {
                assertThat(thrown).isNull();
            } else {
                assertThat(thrown)
                        .isInstanceOf(isUnknown ? TxOutcomeUnknownException.class : TxRolledBackException.class);
            }
            assertThat(bed.isEvicted()).isEqualTo(effect == LOST || isUnknown);
            if (!bed.isEvicted()) {
                assertThat(bed.session().trancount()).isZero();
                assertThat(bed.session().settings()).isEqualTo("READ COMMITTED, lock timeout -1, xact_abort off");
            }
        }
    }

    @Test
    void xact_abort_that_is_on_by_default_counts_without_the_option() throws Exception {
        try (Bed bed = Bed.of(new Responder().abortsByDefault())) {
            bed.responder.next(WRITE, Answer.error(2627));
            AtomicReference<Failure> failure = new AtomicReference<>();
            thrownBy(() -> bed.db.execute(tx -> failure.set(Bed.failure(tx, () -> Bed.write(tx)))));
            assertThat(failure.get().effect()).isEqualTo(ENDED);
            bed.responder.next(WRITE, Answer.error(2627));
            bed.db.execute(TxOptions.none().with(MssqlOptions.XACT_ABORT, false), tx -> {
                failure.set(Bed.failure(tx, () -> Bed.write(tx)));
                Bed.send(tx, OTHER_WRITE);
            });
            assertThat(failure.get().effect()).isEqualTo(NONE);
            assertThat(bed.responder.committed()).containsExactly(OTHER_WRITE);
            assertThat(bed.session().settings()).endsWith("xact_abort on");
        }
    }

    /** It was a primary when it was asked what it is. */
    @Test
    void a_write_that_a_secondary_refuses_is_not_on_the_primary_and_throws_its_connection_away() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.next(WRITE, Answer.error(3906));
            thrownBy(() -> bed.db.execute(Bed::write));
            assertThat(bed.isEvicted()).as("by a primary").isFalse();

            bed.responder.probed("updateability", "READ_ONLY").next(WRITE, Answer.error(3906));
            Throwable refused = Objects.requireNonNull(thrownBy(() -> bed.db.execute(Bed::write)));
            assertThat(Objects.requireNonNull(bed.db.classify(refused)).kind()).isEqualTo(FailureKind.NOT_PRIMARY);
            assertThat(bed.isEvicted()).as("by a secondary").isTrue();
        }
    }

    /** A procedure catches an error, raises its own, and leaves a transaction behind that the batch does not survive. */
    @Test
    void what_a_batch_says_after_its_first_error_counts() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.next(WRITE, Answer.error(50_000).did(Did.DOOMED));
            AtomicReference<Failure> failure = new AtomicReference<>();
            Throwable thrown = thrownBy(() -> bed.db.execute(tx -> {
                failure.set(Bed.failure(tx, () -> Bed.write(tx)));
                thrownBy(() -> Bed.send(tx, OTHER_WRITE));
            }));
            assertThat(failure.get().effect()).isEqualTo(ENDED);
            assertThat(failure.get().vendorCode()).isEqualTo(50_000);
            assertThat(thrown).isInstanceOf(TxRolledBackException.class);
            assertThat(bed.responder.outside()).isEmpty();
            assertThat(bed.responder.committed()).isEmpty();
        }
    }

    @Test
    void the_same_holds_for_prepared_statements_and_batches() throws Exception {
        try (Bed bed = Bed.usual()) {
            String sql = "insert into t values (@P0)";
            bed.responder.next(sql, Answer.error(50_000).did(Did.DOOMED));
            AtomicReference<Failure> failure = new AtomicReference<>();
            thrownBy(() -> bed.db.execute(
                    tx -> failure.set(Bed.failure(tx, () -> Sql.update(tx, "insert into t values (?)", 1)))));
            assertThat(failure.get().effect()).isEqualTo(ENDED);

            bed.responder.next(OTHER_WRITE, ended(1205));
            thrownBy(() -> bed.db.execute(tx -> tx.withConnection(connection -> batch(connection, failure, tx))));
            assertThat(failure.get().kind()).isEqualTo(FailureKind.DEADLOCK);
            assertThat(failure.get().effect()).isEqualTo(ENDED);
            assertThat(bed.responder.committed()).isEmpty();
        }
    }

    /** What the driver throws is not always a BatchUpdateException. */
    private static int batch(Connection connection, AtomicReference<Failure> failure, ConnectionScope scope)
            throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.addBatch(WRITE);
            statement.addBatch(OTHER_WRITE);
            failure.set(Bed.failure(scope, statement::executeBatch));
            return 0;
        }
    }

    @Test
    void a_savepoint_survives_an_error_that_undid_its_statement_alone() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.next(OTHER_WRITE, Answer.error(2627));
            bed.db.execute(tx -> {
                Bed.write(tx);
                assertThat(thrownBy(() -> tx.executeNested(inner -> Bed.send(inner, OTHER_WRITE))))
                        .isNotNull();
                Bed.write(tx);
            });
            assertThat(bed.responder.committed()).containsExactly(WRITE, WRITE);
        }
    }

    @Test
    void no_savepoint_survives_an_error_that_ended_the_transaction() throws Exception {
        for (TxOptions options : List.of(TxOptions.none(), ABORTING)) {
            try (Bed bed = Bed.usual()) {
                bed.responder.next(OTHER_WRITE, options.equals(ABORTING) ? Answer.error(2627) : ended(1205));
                Throwable thrown = thrownBy(() -> bed.db.execute(options, tx -> {
                    Bed.write(tx);
                    assertThat(thrownBy(() -> tx.executeNested(inner -> Bed.send(inner, OTHER_WRITE))))
                            .isNotNull();
                    thrownBy(() -> Bed.write(tx));
                }));
                assertThat(thrown).isInstanceOf(TxRolledBackException.class);
                assertThat(bed.outcome()).isInstanceOf(Outcome.RolledBack.class);
                assertThat(bed.responder.committed()).isEmpty();
                assertThat(bed.sent()).noneMatch(sent -> sent.contains("ROLLBACK TRAN hf"));
            }
        }
    }

    @Test
    void a_lock_that_must_not_wait_is_told_from_one_that_waited() throws Exception {
        try (Bed bed = Bed.usual()) {
            String sql = "select v from t WITH (UPDLOCK, ROWLOCK, NOWAIT)";
            bed.responder.answer(sql, Answer.error(1222));
            AtomicReference<Failure> failure = new AtomicReference<>();
            bed.db.execute(tx -> {
                String locking = tx.lock(RowLock.forUpdate().noWait(), "select v from t {table-lock} {row-lock}");
                failure.set(Bed.failure(tx, () -> Sql.ints(tx, locking)));
            });
            assertThat(failure.get().kind()).isEqualTo(FailureKind.LOCK_NOT_AVAILABLE);
            assertThat(failure.get().effect()).isEqualTo(NONE);
        }
    }

    /** What the driver complains of by itself was never sent. */
    @Test
    void an_error_of_the_drivers_own_leaves_the_transaction_alone() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.db.execute(tx -> {
                Bed.write(tx);
                Failure failure = Bed.failure(
                        tx,
                        () -> tx.withConnection(connection -> {
                            try (var statement = connection.prepareStatement("update t set v = ?")) {
                                return statement.executeUpdate();
                            }
                        }));
                assertThat(failure.effect()).isEqualTo(NONE);
            });
            assertThat(bed.responder.committed()).containsExactly(WRITE);
        }
    }

    @Test
    void a_doomed_transaction_is_told_by_the_savepoint_too() {
        assertThat(MssqlErrorTable.row(3931).effect()).isEqualTo(DOOMED);
        assertThat(MssqlErrorTable.row(3930).effect()).isEqualTo(DOOMED);
    }
}
