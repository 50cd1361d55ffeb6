package dev.holdfast.tx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.holdfast.tx.RetryPolicy.Decision.Again;
import dev.holdfast.tx.RetryPolicy.Decision.GiveUp;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class RetryPolicyTest {
    private static final Outcome ROLLED_BACK = new Outcome.RolledBack(Outcome.Reason.BODY_FAILED, null);
    private static final double MOST = Math.nextDown(1.0);

    private static Failure failure(FailureKind kind) {
        return Failure.of(new SQLException("test"), kind);
    }

    private static RetryPolicy.Decision decide(RetryPolicy policy, int attempt) {
        return policy.decide(attempt, failure(FailureKind.DEADLOCK), ROLLED_BACK, Duration.ZERO, 0.5);
    }

    @TestFactory
    Stream<DynamicTest> a_kind_is_retried_if_and_only_if_it_is_transient() {
        return Arrays.stream(FailureKind.values())
                .map(kind -> dynamicTest(kind.name(), () -> {
                    RetryPolicy.Decision decision =
                            RetryPolicy.attempts(2).decide(1, failure(kind), ROLLED_BACK, Duration.ZERO, 0);
                    assertThat(decision).isInstanceOf(kind.isTransient() ? Again.class : GiveUp.class);
                }));
    }

    @Test
    void a_conflict_a_deadlock_a_lock_timeout_and_a_lost_connection_are_transient() {
        assertThat(Arrays.stream(FailureKind.values()).filter(FailureKind::isTransient))
                .containsExactlyInAnyOrder(
                        FailureKind.SERIALIZATION,
                        FailureKind.DEADLOCK,
                        FailureKind.LOCK_TIMEOUT,
                        FailureKind.NOT_PRIMARY,
                        FailureKind.CONNECTION_LOST,
                        FailureKind.SERVER_SHUTDOWN,
                        FailureKind.TOO_MANY_CONNECTIONS);
    }

    @Test
    void chosen_kinds_are_retried_and_no_others() {
        RetryPolicy policy = RetryPolicy.attempts(2).on(FailureKind.UNIQUE, FailureKind.CHECK);
        assertThat(policy.decide(1, failure(FailureKind.UNIQUE), ROLLED_BACK, Duration.ZERO, 0))
                .isInstanceOf(Again.class);
        assertThat(policy.decide(1, failure(FailureKind.DEADLOCK), ROLLED_BACK, Duration.ZERO, 0))
                .isEqualTo(new GiveUp("DEADLOCK is not retried"));
    }

    @Test
    void what_no_database_error_is_behind_is_not_retried() {
        assertThat(RetryPolicy.attempts(2).decide(1, null, ROLLED_BACK, Duration.ZERO, 0))
                .isEqualTo(new GiveUp("no database error"));
    }

    @Test
    void what_is_committed_is_never_run_again() {
        assertThat(RetryPolicy.attempts(9)
                        .decide(1, failure(FailureKind.SERIALIZATION), new Outcome.Committed(), Duration.ZERO, 0))
                .isInstanceOf(GiveUp.class);
    }

    @Test
    void what_may_be_committed_is_never_run_again() {
        Outcome unknown = new Outcome.Unknown(new SQLException("lost"));
        RetryPolicy policy = RetryPolicy.attempts(9).on(FailureKind.CONNECTION_LOST);
        assertThat(policy.decide(1, failure(FailureKind.CONNECTION_LOST), unknown, Duration.ZERO, 0))
                .isInstanceOf(GiveUp.class);
    }

    @TestFactory
    Stream<DynamicTest> the_number_of_attempts_counts_the_first() {
        return IntStream.rangeClosed(1, 4)
                .mapToObj(attempt -> dynamicTest(
                        "attempt " + attempt + " of 3",
                        () -> assertThat(decide(RetryPolicy.attempts(3), attempt))
                                .isInstanceOf(attempt < 3 ? Again.class : GiveUp.class)));
    }

    @Test
    void giving_up_says_how_many_attempts_there_were() {
        assertThat(decide(RetryPolicy.attempts(3), 3)).isEqualTo(new GiveUp("all 3 attempts are used up"));
    }

    @TestFactory
    Stream<DynamicTest> the_bound_of_the_wait_doubles_up_to_the_longest() {
        RetryPolicy policy = RetryPolicy.attempts(100).backoff(Duration.ofMillis(10), Duration.ofMillis(75));
        int[] bounds = {10, 20, 40, 75, 75, 75};
        return IntStream.rangeClosed(1, bounds.length)
                .mapToObj(attempt -> dynamicTest("after attempt " + attempt, () -> {
                    assertThat(delay(policy, attempt, 0)).isEqualTo(Duration.ZERO);
                    assertThat(delay(policy, attempt, 0.5))
                            .isEqualTo(Duration.ofMillis(bounds[attempt - 1]).dividedBy(2));
                    assertThat(delay(policy, attempt, MOST))
                            .isLessThan(Duration.ofMillis(bounds[attempt - 1]).plusNanos(1))
                            .isGreaterThan(
                                    Duration.ofMillis(bounds[attempt - 1]).minusNanos(2));
                }));
    }

    private static Duration delay(RetryPolicy policy, int attempt, double jitter) {
        RetryPolicy.Decision decision =
                policy.decide(attempt, failure(FailureKind.DEADLOCK), ROLLED_BACK, Duration.ZERO, jitter);
        assertThat(decision).isInstanceOf(Again.class);
        return ((Again) decision).delay();
    }

    @TestFactory
    Stream<DynamicTest> the_wait_never_overflows_however_many_attempts_there_were() {
        Duration longest = Duration.ofNanos(Long.MAX_VALUE);
        RetryPolicy policy = RetryPolicy.attempts(Integer.MAX_VALUE).backoff(Duration.ofDays(1), longest);
        return IntStream.of(1, 2, 30, 31, 32, 33, 62, 63, 64, 65, 1_000, Integer.MAX_VALUE - 1)
                .mapToObj(attempt -> dynamicTest(
                        "after attempt " + attempt,
                        () -> assertThat(delay(policy, attempt, MOST))
                                .isPositive()
                                .isLessThanOrEqualTo(longest)));
    }

    @Test
    void the_bound_never_falls_from_one_attempt_to_the_next() {
        RetryPolicy policy = RetryPolicy.attempts(200).backoff(Duration.ofNanos(3), Duration.ofDays(1));
        Duration before = Duration.ZERO;
        for (int attempt = 1; attempt < 199; attempt++) {
            Duration now = delay(policy, attempt, MOST);
            assertThat(now).as("attempt %d", attempt).isGreaterThanOrEqualTo(before);
            before = now;
        }
    }

    @Test
    void no_attempt_starts_at_or_after_the_deadline() {
        RetryPolicy policy = RetryPolicy.attempts(9)
                .backoff(Duration.ofMillis(100), Duration.ofMillis(100))
                .deadline(Duration.ofMillis(150));
        Failure failure = failure(FailureKind.DEADLOCK);
        assertThat(policy.decide(1, failure, ROLLED_BACK, Duration.ofMillis(99), 0.5))
                .isInstanceOf(Again.class);
        assertThat(policy.decide(1, failure, ROLLED_BACK, Duration.ofMillis(100), 0.5))
                .isInstanceOf(GiveUp.class);
        assertThat(policy.decide(1, failure, ROLLED_BACK, Duration.ofDays(1), 0))
                .isInstanceOf(GiveUp.class);
    }

    @Test
    void a_policy_of_no_attempt_is_refused() {
        assertThatIllegalArgumentException().isThrownBy(() -> RetryPolicy.attempts(0));
    }

    @Test
    void a_first_wait_longer_than_the_longest_is_refused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RetryPolicy.attempts(2).backoff(Duration.ofSeconds(2), Duration.ofSeconds(1)))
                .withMessageContaining("longer than");
    }

    @Test
    void withers_keep_what_was_said_before() {
        RetryPolicy.AttemptListener listener = (attempt, failure, delay) -> {};
        RetryPolicy policy = RetryPolicy.attempts(7)
                .deadline(Duration.ofSeconds(9))
                .on(FailureKind.UNIQUE)
                .onAttempt(listener)
                .backoff(Duration.ofMillis(1), Duration.ofMillis(1));
        assertThat(policy).hasToString("up to 7 attempts on [UNIQUE] within PT9S");
        assertThat(policy.listener()).isSameAs(listener);
    }
}
