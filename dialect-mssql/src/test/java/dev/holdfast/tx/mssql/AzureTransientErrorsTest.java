package dev.holdfast.tx.mssql;

import static dev.holdfast.tx.mssql.Bed.COMMIT;
import static dev.holdfast.tx.mssql.Bed.WRITE;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.mssql.tds.Answer;
import dev.holdfast.tx.mssql.tds.Answer.Did;
import dev.holdfast.tx.mssql.tds.Responder;
import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** The numbers that Azure SQL documents as transient: run again on another connection, unless COMMIT was answered by them. */
class AzureTransientErrorsTest {
    static final int[] NUMBERS = {
        40197, 40501, 40613, 40143, 40166, 40540, 40020, 49918, 49919, 49920, 4221, 10928, 10929, 10936, 615, 926, 233,
        64, 10053, 10054, 10060
    };

    private static final TxOptions TWICE =
            TxOptions.none().retry(RetryPolicy.attempts(2).backoff(Duration.ofNanos(1), Duration.ofNanos(1)));

    private static Bed azure() throws Exception {
        return Bed.of(new Responder().probed("edition", 5).probed("version", "12.0.2000.8"));
    }

    @ParameterizedTest
    @FieldSource("NUMBERS")
    void in_a_statement_it_is_run_again_on_another_connection(int number) throws Exception {
        try (Bed bed = azure()) {
            bed.responder.next(WRITE, Answer.error(number).did(Did.ROLLED_BACK));
            bed.db.execute(TWICE, Bed::write);
            assertThat(bed.isEvicted()).isTrue();
            assertThat(bed.sent().stream().filter(sent -> sent.equals("batch: " + WRITE)))
                    .hasSize(2);
            assertThat(bed.responder.committed()).containsExactly(WRITE);
            assertThat(bed.responder.outside()).isEmpty();
        }
    }

    @ParameterizedTest
    @FieldSource("NUMBERS")
    void as_the_answer_to_commit_it_is_unknown_and_not_run_again(int number) throws Exception {
        try (Bed bed = azure()) {
            bed.responder.next(COMMIT, Answer.error(number));
            assertThat(thrownBy(() -> bed.db.execute(TWICE, Bed::write))).isInstanceOf(TxOutcomeUnknownException.class);
            assertThat(bed.outcome()).isInstanceOf(Outcome.Unknown.class);
            assertThat(bed.isEvicted()).isTrue();
            assertThat(bed.sent().stream().filter(sent -> sent.equals("batch: " + WRITE)))
                    .hasSize(1);
        }
    }
}
