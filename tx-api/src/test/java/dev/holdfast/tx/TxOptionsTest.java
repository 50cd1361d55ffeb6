package dev.holdfast.tx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class TxOptionsTest {
    private static final Map<String, Consumer<Duration>> LIMITS = limits();

    private static Map<String, Consumer<Duration>> limits() {
        Map<String, Consumer<Duration>> limits = new LinkedHashMap<>();
        limits.put("acquireTimeout", TxOptions.none()::acquireTimeout);
        limits.put("lockTimeout", TxOptions.none()::lockTimeout);
        limits.put("statementTimeout", TxOptions.none()::statementTimeout);
        limits.put("wholeTimeout", TxOptions.none()::wholeTimeout);
        limits.put("sticky reads", Reads::sticky);
        limits.put("waitAtMost", RowLock.forUpdate()::waitAtMost);
        limits.put("deadline", RetryPolicy.attempts(2)::deadline);
        limits.put("backoff", limit -> RetryPolicy.attempts(2).backoff(limit, Duration.ofNanos(Long.MAX_VALUE)));
        return limits;
    }

    private static Stream<DynamicTest> ofEachLimit(String fact, Consumer<Map.Entry<String, Consumer<Duration>>> test) {
        return LIMITS.entrySet().stream()
                .map(limit -> dynamicTest(limit.getKey() + " " + fact, () -> test.accept(limit)));
    }

    @TestFactory
    Stream<DynamicTest> a_limit_of_zero_is_refused() {
        return ofEachLimit(
                "of zero",
                limit -> assertThatIllegalArgumentException()
                        .isThrownBy(() -> limit.getValue().accept(Duration.ZERO))
                        .withMessageContainingAll(limit.getKey(), "longer than zero"));
    }

    @TestFactory
    Stream<DynamicTest> a_negative_limit_is_refused() {
        return ofEachLimit(
                "below zero",
                limit -> assertThatIllegalArgumentException()
                        .isThrownBy(() -> limit.getValue().accept(Duration.ofNanos(-1)))
                        .withMessageContainingAll(limit.getKey(), "PT-0.000000001S"));
    }

    @TestFactory
    Stream<DynamicTest> a_limit_that_a_clock_of_nanoseconds_cannot_count_is_refused() {
        return ofEachLimit(
                "of too long",
                limit -> assertThatIllegalArgumentException()
                        .isThrownBy(() -> limit.getValue()
                                .accept(Duration.ofNanos(Long.MAX_VALUE).plusNanos(1)))
                        .withMessageContaining("292 years"));
    }

    @TestFactory
    Stream<DynamicTest> a_limit_of_one_nanosecond_is_taken() {
        return ofEachLimit("of one nanosecond", limit -> limit.getValue().accept(Duration.ofNanos(1)));
    }

    @Test
    void the_longest_limit_is_taken() {
        Duration longest = Duration.ofNanos(Long.MAX_VALUE);
        assertThat(TxOptions.none().wholeTimeout(longest).wholeTimeout()).isEqualTo(longest);
    }

    @Test
    void nothing_is_said_by_none() {
        assertThat(RandomOptions.said(TxOptions.none())).isEmpty();
        assertThat(TxOptions.none()).hasToString("{}");
    }

    @Test
    void a_level_alone_says_nothing_else() {
        assertThat(RandomOptions.said(TxOptions.of(Isolation.SNAPSHOT)))
                .isEqualTo(Map.of("isolation", Isolation.SNAPSHOT));
    }

    @Test
    void a_blank_label_is_refused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TxOptions.none().label(" "))
                .withMessageContaining("label");
    }

    @Test
    void the_name_of_a_constraint_may_hold_anything_but_a_NUL() {
        assertThat(TxOptions.none().deferConstraints("a \"b\".c'; drop").constraints())
                .isEqualTo(new ConstraintChecking(ConstraintChecking.Timing.DEFERRED, List.of("a \"b\".c'; drop")));
        assertThatIllegalArgumentException().isThrownBy(() -> TxOptions.none().deferConstraints("a\0b"));
    }

    @Test
    void a_blank_constraint_name_is_refused() {
        assertThatIllegalArgumentException().isThrownBy(() -> TxOptions.none().checkConstraintsImmediately("a", ""));
    }

    @Test
    void constraint_checking_without_names_is_about_all_constraints() {
        ConstraintChecking all = TxOptions.none().deferConstraints().constraints();
        assertThat(all).isNotNull();
        assertThat(all.isAll()).isTrue();
        assertThat(all).hasToString("DEFERRED");
    }

    @Test
    void the_names_of_constraints_are_copied() {
        List<String> names = new java.util.ArrayList<>(List.of("a"));
        ConstraintChecking checking = new ConstraintChecking(ConstraintChecking.Timing.IMMEDIATE, names);
        names.add("b");
        assertThat(checking).hasToString("IMMEDIATE[a]");
    }

    @Test
    void a_typed_option_takes_no_value_that_fails_its_test() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TxOptions.none().with(RandomOptions.TEXT, "0123456789"))
                .withMessage("Option test.text cannot be 0123456789");
    }

    @Test
    @SuppressWarnings({"unchecked", "rawtypes"})
    void a_typed_option_takes_no_value_of_another_type() {
        TxOption raw = RandomOptions.NUMBER;
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TxOptions.none().with(raw, "three"))
                .withMessage("Option test.number takes a Integer, not three");
    }

    @Test
    void two_typed_options_of_one_name_are_two() {
        TxOption<String> namesake = TxOption.of("test.text", String.class);
        TxOptions options = TxOptions.none().with(RandomOptions.TEXT, "a").with(namesake, "b");
        assertThat(options.get(RandomOptions.TEXT)).isEqualTo("a");
        assertThat(options.get(namesake)).isEqualTo("b");
    }

    @Test
    void the_keys_that_are_present_cannot_be_changed() {
        var keys = TxOptions.none().with(RandomOptions.TEXT, "a").dialectOptions();
        assertThatThrownBy(keys::clear).isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    void a_blank_causal_token_is_refused() {
        assertThatIllegalArgumentException().isThrownBy(() -> new CausalToken(""));
    }
}
