package dev.holdfast.tx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class RowLockTest {
    private static final Map<RowLock.Waiting, UnaryOperator<RowLock>> WAYS = Map.of(
            RowLock.Waiting.NO_WAIT, RowLock::noWait,
            RowLock.Waiting.SKIP_LOCKED, RowLock::skipLocked,
            RowLock.Waiting.AT_MOST, lock -> lock.waitAtMost(Duration.ofSeconds(1)));

    @Test
    void each_factory_has_its_strength_and_waits() {
        assertThat(Stream.of(RowLock.forUpdate(), RowLock.forNoKeyUpdate(), RowLock.forShare(), RowLock.forKeyShare()))
                .extracting(RowLock::strength)
                .containsExactly(RowLock.Strength.values());
        assertThat(RowLock.forShare().waiting()).isEqualTo(RowLock.Waiting.BLOCK);
    }

    @TestFactory
    Stream<DynamicTest> a_way_of_waiting_is_chosen_once() {
        return WAYS.keySet().stream()
                .flatMap(first -> WAYS.keySet().stream()
                        .map(second -> dynamicTest(
                                second + " after " + first,
                                () -> assertThatIllegalArgumentException()
                                        .isThrownBy(() ->
                                                way(second).apply(way(first).apply(RowLock.forUpdate())))
                                        .withMessageContainingAll(first.name(), second.name(), "exclude"))));
    }

    private static UnaryOperator<RowLock> way(RowLock.Waiting waiting) {
        return java.util.Objects.requireNonNull(WAYS.get(waiting));
    }

    @Test
    void a_limit_is_told_by_the_one_way_that_has_one() {
        assertThat(RowLock.forUpdate().waitAtMost(Duration.ofSeconds(3)).limit())
                .isEqualTo(Duration.ofSeconds(3));
        assertThat(RowLock.forUpdate().noWait().limit()).isNull();
    }

    @TestFactory
    Stream<DynamicTest> a_table_is_a_plain_identifier() {
        return Stream.of("", "a b", "a;", "1a", "a.b", "\"a\"", "a--", "$a")
                .map(name -> dynamicTest(
                        "not '" + name + "'",
                        () -> assertThatIllegalArgumentException()
                                .isThrownBy(() -> RowLock.forUpdate().of("ok", name))
                                .withMessageContaining("plain identifier")));
    }

    @Test
    void a_table_may_have_letters_of_any_script_digits_underscores_and_dollars() {
        assertThat(RowLock.forUpdate().of("j", "_x9", "größe", "a$1").tables())
                .containsExactly("j", "_x9", "größe", "a$1");
    }

    @Test
    void withers_do_not_change_their_receiver() {
        RowLock lock = RowLock.forUpdate();
        assertThat(lock.of("a").noWait()).isNotEqualTo(lock);
        assertThat(lock).isEqualTo(RowLock.forUpdate());
        assertThat(lock.tables()).isEqualTo(List.of());
    }

    @Test
    void locks_that_ask_for_the_same_are_equal_in_whatever_order_it_was_said() {
        assertThat(RowLock.forShare().of("a").skipLocked())
                .isEqualTo(RowLock.forShare().skipLocked().of("a"))
                .hasSameHashCodeAs(RowLock.forShare().skipLocked().of("a"))
                .isNotEqualTo(RowLock.forShare().of("b").skipLocked())
                .isNotEqualTo(RowLock.forUpdate().of("a").skipLocked());
    }

    @Test
    void the_text_says_all_that_was_asked_for() {
        assertThat(RowLock.forUpdate()).hasToString("UPDATE");
        assertThat(RowLock.forKeyShare().of("a", "b").waitAtMost(Duration.ofSeconds(2)))
                .hasToString("KEY_SHARE OF a, b AT_MOST PT2S");
    }
}
