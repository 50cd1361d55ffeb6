package dev.holdfast.tx.mssql;

import static dev.holdfast.tx.mssql.Bed.BEGIN;
import static dev.holdfast.tx.mssql.Bed.COMMIT;
import static dev.holdfast.tx.mssql.Bed.OTHER_WRITE;
import static dev.holdfast.tx.mssql.Bed.READ;
import static dev.holdfast.tx.mssql.Bed.STANDING;
import static dev.holdfast.tx.mssql.Bed.WRITE;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.mssql.tds.Answer;
import dev.holdfast.tx.mssql.tds.Answer.Did;
import dev.holdfast.tx.mssql.tds.Fault;
import dev.holdfast.tx.testkit.Sql;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * After an error whose number does not tell whether the transaction is still there, as a procedure or a trigger may have
 * ended it, the server is asked before anything else is sent.
 */
class StandingAfterErrorsTest {
    private static final String CALL = "{call p}";
    private static final String CALLED = "EXEC p";

    private static final Answer DUPLICATE = Answer.error(2627, 14, 1, "unique");

    /** What came of a body that catches the error of its first statement, and sends another. */
    private record Seen(
            Failure failure,
            @Nullable Throwable next,
            @Nullable Throwable thrown) {}

    private static Seen caught(Bed bed) {
        AtomicReference<Failure> failure = new AtomicReference<>();
        AtomicReference<@Nullable Throwable> next = new AtomicReference<>();
        Throwable thrown = thrownBy(() -> bed.db.execute(tx -> {
            failure.set(Bed.failure(tx, () -> Bed.write(tx)));
            next.set(thrownBy(() -> Bed.send(tx, OTHER_WRITE)));
        }));
        assertThat(failure.get().kind()).isEqualTo(FailureKind.UNIQUE);
        return new Seen(failure.get(), next.get(), thrown);
    }

    @Test
    void a_transaction_that_is_gone_takes_no_statement_any_more_and_its_outcome_is_unknown() throws Exception {
        for (Did did : List.of(Did.ROLLED_BACK, Did.COMMITTED)) {
            try (Bed bed = Bed.usual()) {
                bed.responder.next(WRITE, DUPLICATE.did(did));
                Seen seen = caught(bed);
                assertThat(seen.failure().effect()).isEqualTo(FailureEffect.ENDED);
                assertThat(seen.next()).hasRootCause(seen.failure().error());
                assertThat(seen.thrown()).isInstanceOf(TxOutcomeUnknownException.class);
                assertThat(bed.outcome()).isInstanceOf(Outcome.Unknown.class);
                assertThat(bed.responder.outside()).isEmpty();
                assertThat(bed.sent()).startsWith("batch: " + BEGIN, "batch: " + WRITE, "batch: " + STANDING);
                assertThat(bed.sent()).doesNotContain("batch: " + OTHER_WRITE, "batch: " + COMMIT);
            }
        }
    }

    @Test
    void a_doomed_transaction_takes_no_statement_any_more_and_is_rolled_back() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.next(WRITE, DUPLICATE);
            bed.responder.next(STANDING, Answer.row("doomed"));
            Seen seen = caught(bed);
            assertThat(seen.failure().effect()).isEqualTo(FailureEffect.DOOMED);
            assertThat(seen.next()).hasRootCause(seen.failure().error());
            assertThat(seen.thrown()).isInstanceOf(TxRolledBackException.class);
            assertThat(bed.responder.committed()).isEmpty();
            assertThat(bed.session().trancount()).isZero();
            assertThat(bed.isEvicted()).isFalse();
        }
    }

    @Test
    void an_answer_that_nobody_knows_dooms_it() throws Exception {
        for (Answer answer : List.of(Answer.row("up"), Answer.row((Object) null))) {
            try (Bed bed = Bed.usual()) {
                bed.responder.next(WRITE, DUPLICATE);
                bed.responder.next(STANDING, answer);
                assertThat(caught(bed).failure().effect()).isEqualTo(FailureEffect.DOOMED);
                assertThat(bed.responder.committed()).isEmpty();
            }
        }
    }

    @Test
    void what_was_answered_to_an_earlier_error_is_no_answer_to_a_later_one() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.next(WRITE, DUPLICATE);
            bed.responder.next(OTHER_WRITE, DUPLICATE);
            bed.responder.next(STANDING, Answer.row("open"));
            bed.responder.next(STANDING, Answer.row((Object) null));
            Throwable thrown = thrownBy(() -> bed.db.execute(tx -> {
                assertThat(Bed.failure(tx, () -> Bed.write(tx)).effect()).isEqualTo(FailureEffect.NONE);
                assertThat(Bed.failure(tx, () -> Bed.send(tx, OTHER_WRITE)).effect())
                        .isEqualTo(FailureEffect.DOOMED);
            }));
            assertThat(thrown).isInstanceOf(TxRolledBackException.class);
        }
    }

    @Test
    void an_open_transaction_goes_on_after_one_round_trip_more() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.next(WRITE, DUPLICATE);
            Seen seen = caught(bed);
            assertThat(seen.failure().effect()).isEqualTo(FailureEffect.NONE);
            assertThat(seen.next()).isNull();
            assertThat(seen.thrown()).isNull();
            assertThat(bed.responder.committed()).containsExactly(OTHER_WRITE);
            assertThat(bed.sent())
                    .startsWith("batch: " + BEGIN, "batch: " + WRITE, "batch: " + STANDING, "batch: " + OTHER_WRITE)
                    .hasSize(5);
        }
    }

    @Test
    void a_question_without_an_answer_loses_the_connection() throws Exception {
        for (boolean cut : new boolean[] {true, false}) {
            try (Bed bed = Bed.usual()) {
                bed.responder.next(WRITE, DUPLICATE);
                if (cut) {
                    bed.responder.fault(STANDING, Fault.CUT_BEFORE);
                } else {
                    bed.responder.next(STANDING, Answer.error(701));
                }
                Seen seen = caught(bed);
                assertThat(seen.failure().effect()).isEqualTo(FailureEffect.LOST);
                assertThat(seen.failure().error().getSuppressed()).hasSize(1);
                assertThat(seen.next()).hasRootCause(seen.failure().error());
                assertThat(seen.thrown()).isInstanceOf(TxRolledBackException.class);
                assertThat(bed.isEvicted()).isTrue();
                assertThat(bed.responder.committed()).isEmpty();
                assertThat(bed.responder.outside()).isEmpty();
            }
        }
    }

    @Test
    void a_procedure_that_leaves_a_second_transaction_open_dooms_the_first() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.next(WRITE, DUPLICATE.did(Did.BEGUN));
            Seen seen = caught(bed);
            assertThat(seen.failure().effect()).isEqualTo(FailureEffect.DOOMED);
            assertThat(seen.thrown()).isInstanceOf(TxRolledBackException.class);
            assertThat(bed.session().trancount()).isZero();
            assertThat(bed.responder.committed()).isEmpty();
        }
    }

    @Test
    void an_error_that_says_that_it_rolled_back_is_not_asked_about() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.next(WRITE, DUPLICATE.then(3616).did(Did.ROLLED_BACK)); // a trigger
            Seen seen = caught(bed);
            assertThat(seen.failure().effect()).isEqualTo(FailureEffect.ENDED);
            assertThat(seen.thrown()).isInstanceOf(TxRolledBackException.class);
            assertThat(bed.sent()).doesNotContain("batch: " + STANDING);
        }
    }

    @Test
    void a_body_that_throws_the_error_throws_it_as_it_is_and_tells_what_is_unknown() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.next(WRITE, DUPLICATE.did(Did.ROLLED_BACK));
            Throwable thrown = thrownBy(() -> bed.db.execute(Bed::write));
            assertThat(thrown).isInstanceOf(SQLException.class);
            assertThat(thrown.getSuppressed()).hasOnlyElementsOfType(TxStateException.class);
            assertThat(bed.outcome()).isInstanceOf(Outcome.Unknown.class);
        }
    }

    @Test
    void it_is_asked_too_where_the_pool_has_autocommit_off_and_after_calls() throws Exception {
        try (Bed bed = Bed.autocommitOff()) {
            bed.responder.next(CALLED, DUPLICATE.did(Did.ROLLED_BACK));
            Throwable thrown = thrownBy(() -> bed.db.execute(tx -> {
                Failure failure = Bed.failure(
                        tx,
                        () -> tx.withConnection(connection -> {
                            try (var statement = connection.prepareCall(CALL)) {
                                return statement.execute();
                            }
                        }));
                assertThat(failure.effect()).isEqualTo(FailureEffect.ENDED);
                thrownBy(() -> Bed.write(tx));
            }));
            assertThat(thrown).isInstanceOf(TxOutcomeUnknownException.class);
            assertThat(bed.responder.committed()).isEmpty();
            assertThat(bed.responder.outside()).isEmpty();
        }
    }

    @Test
    void a_savepoint_that_finds_no_transaction_is_asked_about() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.next(WRITE, Answer.count(1).did(Did.COMMITTED)); // a procedure, without a word
            Throwable thrown = thrownBy(() -> bed.db.execute(tx -> {
                Bed.write(tx);
                tx.executeNested(nested -> Bed.send(nested, OTHER_WRITE));
            }));
            assertThat(thrown).isNotNull();
            assertThat(bed.outcome()).isInstanceOf(Outcome.Unknown.class);
            assertThat(bed.responder.outside()).isEmpty();
        }
    }

    @Test
    void rows_that_are_still_being_read_are_not_lost_by_the_question() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.next(WRITE, DUPLICATE);
            bed.db.execute(tx -> tx.withConnection(connection -> {
                try (Statement statement = connection.createStatement();
                        ResultSet rows = statement.executeQuery(READ)) {
                    assertThat(Bed.failure(tx, () -> Bed.write(tx)).effect()).isEqualTo(FailureEffect.NONE);
                    assertThat(rows.next()).isTrue();
                    assertThat(rows.getInt(1)).isEqualTo(7);
                    return rows.next();
                }
            }));
            assertThat(bed.sent()).contains("batch: " + STANDING);
        }
    }

    @Test
    void what_was_never_sent_is_not_asked_about() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.db.execute(tx -> {
                Bed.write(tx);
                thrownBy(() -> Sql.update(tx, "update t set v = ?"));
            });
            assertThat(bed.sent()).doesNotContain("batch: " + STANDING);
        }
    }
}
