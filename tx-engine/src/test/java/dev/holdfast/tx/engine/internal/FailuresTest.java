package dev.holdfast.tx.engine.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxStateException;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class FailuresTest {
    private final Failures failures = new Failures(Made.server());

    private static SQLException error(FailureKind kind, @Nullable Throwable cause) {
        return new SQLException(kind.name(), "00000", cause);
    }

    private @Nullable FailureKind kind(Throwable error) {
        Failure failure = failures.behind(error);
        return failure == null ? null : failure.kind();
    }

    @Test
    void behind_an_error_without_a_database_error_there_is_none() {
        assertThat(failures.behind(new Exception("outer", new Error("inner")))).isNull();
    }

    @Test
    void a_database_error_is_found_however_deep_it_is_wrapped() {
        SQLException error = error(FailureKind.DEADLOCK, null);
        assertThat(kind(error)).isEqualTo(FailureKind.DEADLOCK);
        assertThat(kind(new RuntimeException(new Exception(new Error(error))))).isEqualTo(FailureKind.DEADLOCK);
    }

    @Test
    void of_several_database_errors_the_innermost_tells_what_happened() {
        assertThat(kind(error(FailureKind.OTHER, new Exception(error(FailureKind.UNIQUE, null)))))
                .isEqualTo(FailureKind.UNIQUE);
    }

    @Test
    void a_circle_of_causes_is_walked_once() {
        Exception one = new Exception("one");
        Exception other = new Exception("other", one);
        one.initCause(other);
        assertThat(failures.behind(one)).isNull();
        Exception around = new Exception("around");
        SQLException in = error(FailureKind.CHECK, around);
        around.initCause(in);
        assertThat(kind(around)).isEqualTo(FailureKind.CHECK);
    }

    @Test
    void an_error_is_told_as_it_was_classified_when_it_happened() {
        SQLException error = error(FailureKind.OTHER, null);
        Failure then = Failure.of(error, FailureKind.STATEMENT_TIMEOUT).effect(FailureEffect.SCOPE);
        failures.remember(then);
        assertThat(failures.behind(new RuntimeException(error))).isSameAs(then);
    }

    @Test
    void who_knew_more_later_is_believed() {
        SQLException error = error(FailureKind.OTHER, null);
        failures.remember(Failure.of(error, FailureKind.READ_ONLY));
        failures.remember(Failure.of(error, FailureKind.NOT_PRIMARY));
        assertThat(kind(error)).isEqualTo(FailureKind.NOT_PRIMARY);
    }

    @Test
    void an_error_that_happened_goes_before_one_that_it_wraps() {
        SQLException inner = error(FailureKind.UNIQUE, null);
        SQLException outer = error(FailureKind.OTHER, inner);
        Failure then = Failure.of(outer, FailureKind.EXCLUSION);
        failures.remember(then);
        assertThat(failures.behind(outer)).isSameAs(then);
    }

    @Test
    void only_the_last_errors_are_remembered() {
        SQLException old = error(FailureKind.OTHER, null);
        failures.remember(Failure.of(old, FailureKind.TX_TIMEOUT));
        for (int i = 0; i < 64; i++) {
            failures.remember(Failure.of(error(FailureKind.OTHER, null), FailureKind.CHECK));
        }
        assertThat(kind(old)).isEqualTo(FailureKind.OTHER);
    }

    @Test
    void an_error_of_ours_tells_the_failure_that_it_carries() {
        Failure carried = Failure.of(error(FailureKind.SERIALIZATION, null), FailureKind.SERIALIZATION);
        TxException ours = new TxException("ours", carried, null, error(FailureKind.OTHER, null));
        assertThat(failures.behind(new Exception(ours))).isSameAs(carried);
    }

    @Test
    void the_coat_that_an_error_of_ours_wears_in_JDBC_is_no_error_of_the_database() {
        SQLException first = error(FailureKind.UNIQUE, null);
        SQLException refused = Refused.of(new TxStateException("not sent", first));
        assertThat(kind(refused)).isEqualTo(FailureKind.UNIQUE);
    }

    @Test
    void what_is_suppressed_in_an_error_did_not_cause_it() {
        Exception error = new Exception("the body's");
        error.addSuppressed(error(FailureKind.SERIALIZATION, null));
        assertThat(failures.behind(error)).isNull();
    }
}
