package dev.holdfast.tx.engine.internal;

import static java.time.Duration.ofNanos;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.TxTimeoutException;
import dev.holdfast.tx.TxTimeoutException.Limit;
import java.sql.SQLException;
import java.time.Duration;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class DeadlineTest {
    private static final Duration LONGEST = ofNanos(Long.MAX_VALUE);

    private static Deadline after(long now, Duration length) {
        return Deadline.after(now, Limit.WHOLE, length);
    }

    /** A clock of nanoseconds may stand anywhere, and passes from the largest number to the smallest. */
    @TestFactory
    Stream<DynamicTest> a_deadline_has_passed_at_its_moment_and_not_before() {
        return LongStream.of(0, -1, 1, Long.MAX_VALUE, Long.MAX_VALUE - 4, Long.MIN_VALUE, Long.MIN_VALUE + 4)
                .mapToObj(now -> dynamicTest("with the clock at " + now, () -> {
                    Deadline deadline = after(now, ofNanos(5));
                    assertThat(deadline.hasPassed(now)).isFalse();
                    assertThat(deadline.hasPassed(now + 4)).isFalse();
                    assertThat(deadline.hasPassed(now + 5)).isTrue();
                    assertThat(deadline.hasPassed(now + 1_000)).isTrue();
                    assertThat(deadline.left(now + 2)).isEqualTo(3);
                }));
    }

    @Test
    void the_sooner_of_two_is_taken_whichever_comes_first() {
        Deadline soon = after(7, ofNanos(1));
        Deadline late = after(7, ofNanos(2));
        assertThat(Deadline.sooner(soon, late)).isSameAs(soon);
        assertThat(Deadline.sooner(late, soon)).isSameAs(soon);
    }

    @Test
    void no_deadline_is_later_than_any() {
        Deadline any = after(7, LONGEST);
        assertThat(Deadline.sooner(any, null)).isSameAs(any);
        assertThat(Deadline.sooner(null, any)).isSameAs(any);
        assertThat(Deadline.sooner(null, null)).isNull();
    }

    @Test
    void the_longest_of_all_limits_is_later_than_one_that_was_set_before() {
        Deadline before = after(0, ofSeconds(1));
        Deadline longest = after(ofSeconds(4).toNanos(), LONGEST);
        assertThat(Deadline.sooner(longest, before)).isSameAs(before);
        assertThat(Deadline.sooner(before, longest)).isSameAs(before);
        assertThat(longest.hasPassed(ofSeconds(1_000_000).toNanos())).isFalse();
    }

    @TestFactory
    Stream<DynamicTest> an_expiry_names_the_option_and_how_long_it_was() {
        return Stream.of("acquireTimeout", "lockTimeout", "statementTimeout", "wholeTimeout")
                .map(name -> {
                    Limit limit =
                            Limit.valueOf(name.substring(0, name.indexOf('T')).toUpperCase(java.util.Locale.ROOT));
                    return dynamicTest(name, () -> {
                        SQLException cause = new SQLException("the driver's");
                        Failure failure = Failure.of(cause, FailureKind.STATEMENT_TIMEOUT);
                        TxTimeoutException expired =
                                Deadline.after(0, limit, ofSeconds(3)).expired("Waiting", "label", failure);
                        assertThat(expired)
                                .hasMessage("[label] Waiting took longer than its " + name + " of PT3S")
                                .hasCause(cause);
                        assertThat(expired.limit()).isEqualTo(limit);
                        assertThat(expired.length()).isEqualTo(ofSeconds(3));
                    });
                });
    }
}
