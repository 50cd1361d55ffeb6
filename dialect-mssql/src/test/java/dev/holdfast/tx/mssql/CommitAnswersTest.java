package dev.holdfast.tx.mssql;

import static dev.holdfast.tx.mssql.Bed.BEGIN;
import static dev.holdfast.tx.mssql.Bed.COMMIT;
import static dev.holdfast.tx.mssql.Bed.OTHER_WRITE;
import static dev.holdfast.tx.mssql.Bed.ROLLBACK;
import static dev.holdfast.tx.mssql.Bed.WRITE;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.mssql.tds.Answer;
import dev.holdfast.tx.mssql.tds.Answer.Did;
import dev.holdfast.tx.mssql.tds.Fault;
import dev.holdfast.tx.mssql.tds.Responder;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is made of the answer to COMMIT, and of its absence; and of lost answers to the rest. */
class CommitAnswersTest {
    private static final String PROCEDURE = "exec surprise";

    private static @Nullable Throwable commit(Bed bed, TxOptions options) {
        return thrownBy(() -> bed.db.execute(options, Bed::write));
    }

    private static @Nullable Throwable commit(Bed bed) {
        return commit(bed, TxOptions.none());
    }

    private static void assertUnknown(Bed bed, @Nullable Throwable thrown) {
        assertThat(thrown).isInstanceOf(TxOutcomeUnknownException.class);
        assertThat(bed.outcome()).isInstanceOf(Outcome.Unknown.class);
        assertThat(bed.isEvicted()).isTrue();
    }

    private static void assertRolledBack(Bed bed, @Nullable Throwable thrown) {
        assertThat(thrown).isInstanceOf(TxRolledBackException.class);
        assertThat(bed.outcome()).isInstanceOf(Outcome.RolledBack.class);
        assertThat(bed.responder.committed()).isEmpty();
        assertThat(bed.isEvicted()).isFalse();
        assertThat(bed.session().trancount()).isZero();
        assertThat(bed.session().settings()).isEqualTo("READ COMMITTED, lock timeout -1, xact_abort off");
    }

    /** In-memory tables are validated at COMMIT; and a victim may be chosen as late. */
    @ParameterizedTest
    @ValueSource(ints = {1205, 3960, 3998, 41301, 41302, 41305, 41325, 41839})
    void a_refusal_that_rolled_back_is_a_rollback(int number) throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.next(COMMIT, Answer.error(number).did(Did.ROLLED_BACK));
            assertRolledBack(bed, commit(bed, TxOptions.of(Isolation.SERIALIZABLE)));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {40197, 40613, 9002, 701, 50_000, 12_345, 266, 3902})
    void an_answer_that_settles_nothing_is_unknown(int number) throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.next(COMMIT, Answer.error(number));
            assertUnknown(bed, commit(bed));
        }
    }

    @Test
    void a_fatal_answer_is_unknown_even_where_its_number_is_not() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.next(COMMIT, Answer.error(1205, 20, 1, "fatal"));
            assertUnknown(bed, commit(bed));
        }
    }

    @Test
    void errors_that_say_different_things_are_unknown() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.next(COMMIT, Answer.error(41305).then(9002));
            assertUnknown(bed, commit(bed));
        }
    }

    @Test
    void what_puts_settings_back_and_fails_is_unknown() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.next("SET TRANSACTION ISOLATION LEVEL READ COMMITTED", Answer.error(12_345));
            assertUnknown(bed, commit(bed, TxOptions.of(Isolation.SERIALIZABLE)));
            assertThat(bed.responder.committed()).containsExactly(WRITE);
        }
    }

    // ---- the fence

    /** A procedure, or a statement of several parts, ends the transaction without an error. */
    @ParameterizedTest
    @EnumSource(
            value = Did.class,
            names = {"COMMITTED", "ROLLED_BACK"})
    void a_transaction_that_vanished_is_unknown(Did did) throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.answer(PROCEDURE, Answer.row(1).did(did));
            assertUnknown(
                    bed,
                    thrownBy(() -> bed.db.execute(tx -> {
                        Bed.write(tx);
                        Bed.send(tx, PROCEDURE);
                    })));
        }
    }

    /** Of two BEGIN TRAN, the first COMMIT commits nothing. */
    @Test
    void a_transaction_within_the_transaction_is_rolled_back_with_it() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.answer(PROCEDURE, Answer.row(1).did(Did.BEGUN));
            assertRolledBack(
                    bed,
                    thrownBy(() -> bed.db.execute(TxOptions.of(Isolation.SERIALIZABLE), tx -> {
                        Bed.write(tx);
                        Bed.send(tx, PROCEDURE);
                    })));
        }
    }

    /** The session was at SNAPSHOT, and going back to it ends a transaction that is still there. */
    @Test
    void what_the_fence_left_open_and_a_setting_ended_is_rolled_back() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.answer(PROCEDURE, Answer.row(1).did(Did.BEGUN));
            bed.responder.next(
                    "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
                    Answer.error(3951).did(Did.ROLLED_BACK));
            assertRolledBack(
                    bed,
                    thrownBy(() -> bed.db.execute(TxOptions.of(Isolation.SERIALIZABLE), tx -> {
                        Bed.write(tx);
                        Bed.send(tx, PROCEDURE);
                    })));
        }
    }

    @Test
    void what_the_pool_left_open_is_not_committed_with_ours() throws Exception {
        try (Bed bed = Bed.usual()) {
            try (var connection = bed.pool.getConnection();
                    var statement = connection.createStatement()) {
                statement.execute(BEGIN);
                statement.execute(OTHER_WRITE);
            }
            assertRolledBack(bed, commit(bed));
            assertThat(commit(bed)).isNull();
            assertThat(bed.responder.committed()).containsExactly(WRITE);
        }
    }

    @Test
    void on_a_pool_with_autocommit_off_what_was_left_open_is_rolled_back_first() throws Exception {
        try (Bed bed = Bed.autocommitOff()) {
            bed.responder.answer("select 1 from t", Answer.row(1));
            try (var connection = java.sql.DriverManager.getConnection(bed.responder.url(), "a", "b")) {
                connection.setAutoCommit(false);
                connection.createStatement().execute("select 1 from t");
                assertThat(bed.session().trancount()).isEqualTo(1);
            }
            assertThat(commit(bed)).isNull();
            assertThat(bed.sent())
                    .anyMatch(sent -> sent.equals("batch: " + ROLLBACK + ";SET IMPLICIT_TRANSACTIONS OFF;" + BEGIN));
            assertThat(bed.responder.committed()).containsExactly(WRITE);
        }
    }

    /** The probe said READ_ONLY; then a failover made the pool's server the primary. */
    @Test
    void a_reader_that_has_come_to_take_writes_is_refused_before_anything_runs() throws Exception {
        try (Bed bed = Bed.of(new Responder().probed("updateability", "READ_ONLY"))) {
            TxOptions reading = TxOptions.none().readOnly();
            bed.db.execute(reading, tx -> Bed.send(tx, Bed.READ));
            bed.responder.probed("updateability", "READ_WRITE");
            bed.responder.clearLog();
            assertThat(commit(bed, reading)).hasStackTraceContaining("the database takes writes now");
            assertThat(bed.sent()).noneMatch(sent -> sent.contains(WRITE));
            assertThat(bed.responder.committed()).isEmpty();
            assertThat(bed.responder.outside()).isEmpty();
        }
    }

    // ---- lost answers

    @ParameterizedTest
    @CsvSource({"CUT_BEFORE, false", "CUT_AFTER, true", "CUT_IN_ANSWER, true"})
    void a_lost_answer_to_commit_is_unknown_and_never_retried(Fault fault, boolean isCommitted) throws Exception {
        for (TxOptions options : List.of(TxOptions.none(), TxOptions.of(Isolation.SERIALIZABLE))) {
            try (Bed bed = Bed.usual()) {
                bed.responder.fault(COMMIT, fault);
                assertUnknown(bed, commit(bed, options.retry(RetryPolicy.attempts(3))));
                assertThat(bed.responder.committed()).hasSize(isCommitted ? 1 : 0);
                assertThat(bed.sent().stream().filter(sent -> sent.equals("batch: " + WRITE)))
                        .hasSize(1);
                assertThat(commit(bed)).isNull(); // on another connection
                assertThat(bed.responder.outside()).isEmpty();
            }
        }
    }

    @Test
    void a_commit_that_was_answered_is_committed_whatever_comes_after() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.fault(COMMIT, Fault.CUT_AFTER_ANSWER);
            assertThat(commit(bed)).isNull();
            assertThat(bed.outcome()).isInstanceOf(Outcome.Committed.class);
            assertThat(bed.responder.committed()).containsExactly(WRITE);
        }
    }

    @Test
    void a_commit_without_an_answer_in_time_is_unknown() throws Exception {
        try (Bed bed = Bed.of(new Responder(), "socketTimeout=700")) {
            bed.responder.fault(COMMIT, Fault.HANG_AFTER);
            assertUnknown(bed, commit(bed));
            assertThat(bed.responder.committed()).containsExactly(WRITE);
            assertThat(bed.responder.log()).doesNotContain("cancel");
            assertThat(bed.responder.isComplaining()).isFalse();
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Fault.class,
            names = {"CUT_BEFORE", "CUT_AFTER", "CUT_IN_ANSWER"})
    void what_is_lost_before_commit_is_rolled_back(Fault fault) throws Exception {
        for (String where : List.of(BEGIN, WRITE, "SAVE TRAN hf_1", "ROLLBACK TRAN hf_1", ROLLBACK)) {
            try (Bed bed = Bed.usual()) {
                bed.responder.fault(where, fault);
                Throwable thrown = thrownBy(() -> bed.db.execute(tx -> {
                    Bed.write(tx);
                    thrownBy(() -> tx.executeNested(inner -> {
                        Bed.send(inner, OTHER_WRITE);
                        throw new IllegalStateException("planned");
                    }));
                    throw new IllegalArgumentException("planned too");
                }));
                assertThat(thrown).as(where).isNotNull();
                assertThat(bed.outcome()).as(where).isInstanceOf(Outcome.RolledBack.class);
                assertThat(bed.isEvicted()).as(where).isTrue();
                assertThat(bed.responder.committed()).as(where).isEmpty();
                assertThat(commit(bed)).as(where).isNull();
                assertThat(bed.responder.committed()).as(where).containsExactly(WRITE);
                assertThat(bed.responder.outside()).as(where).isEmpty();
            }
        }
    }

    @Test
    void a_lost_connection_is_retried_before_commit() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.fault(WRITE, Fault.CUT_AFTER);
            RetryPolicy twice = RetryPolicy.attempts(2);
            assertThat(commit(bed, TxOptions.none().retry(twice))).isNull();
            assertThat(bed.responder.committed()).containsExactly(WRITE);
        }
    }
}
