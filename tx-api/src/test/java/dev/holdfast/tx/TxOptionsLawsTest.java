package dev.holdfast.tx;

import static dev.holdfast.tx.RandomOptions.holdsForAll;
import static dev.holdfast.tx.RandomOptions.said;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class TxOptionsLawsTest {
    @Test
    void overlay_is_associative() {
        holdsForAll(any -> {
            TxOptions a = any.options();
            TxOptions b = any.options();
            TxOptions c = any.options();
            assertThat(a.overlay(b).overlay(c)).isEqualTo(a.overlay(b.overlay(c)));
        });
    }

    @Test
    void none_is_the_identity_of_overlay_on_both_sides() {
        holdsForAll(any -> {
            TxOptions a = any.options();
            assertThat(a.overlay(TxOptions.none())).isEqualTo(a);
            assertThat(TxOptions.none().overlay(a)).isEqualTo(a);
        });
    }

    @Test
    void overlay_is_idempotent() {
        holdsForAll(any -> {
            TxOptions a = any.options();
            assertThat(a.overlay(a)).isEqualTo(a);
        });
    }

    @Test
    void where_both_sides_of_an_overlay_say_something_the_right_one_wins_and_nothing_else_is_lost() {
        holdsForAll(any -> {
            TxOptions left = any.options();
            TxOptions right = any.options();
            Map<String, Object> expected = new LinkedHashMap<>(said(left));
            expected.putAll(said(right));
            assertThat(said(left.overlay(right))).isEqualTo(expected);
        });
    }

    @Test
    void overlay_changes_neither_side() {
        holdsForAll(any -> {
            TxOptions left = any.options();
            TxOptions right = any.options();
            Map<String, Object> leftSaid = said(left);
            Map<String, Object> rightSaid = said(right);
            assertThat(left.overlay(right)).isNotNull();
            assertThat(said(left)).isEqualTo(leftSaid);
            assertThat(said(right)).isEqualTo(rightSaid);
        });
    }

    @Test
    void a_wither_does_not_change_its_receiver() {
        holdsForAll(any -> {
            TxOptions receiver = any.options();
            Map<String, Object> before = said(receiver);
            assertThat(any.wither().apply(receiver)).isNotNull();
            assertThat(said(receiver)).isEqualTo(before);
        });
    }

    @Test
    void a_wither_does_what_an_overlay_of_that_one_option_does() {
        holdsForAll(any -> {
            TxOptions receiver = any.options();
            UnaryOperator<TxOptions> wither = any.wither();
            assertThat(wither.apply(receiver)).isEqualTo(receiver.overlay(wither.apply(TxOptions.none())));
        });
    }

    @Test
    void options_are_equal_if_and_only_if_they_say_the_same() {
        holdsForAll(any -> {
            TxOptions a = any.options();
            TxOptions b = any.options();
            assertThat(a.equals(b)).isEqualTo(said(a).equals(said(b)));
        });
    }

    @Test
    void equal_options_have_one_hash_code_in_whatever_order_they_were_said() {
        holdsForAll(any -> {
            TxOptions a = any.options();
            TxOptions b = any.options();
            TxOptions leftFirst = a.overlay(b);
            TxOptions rightFirst = b.overlay(a).overlay(b);
            assertThat(leftFirst).isEqualTo(rightFirst).hasSameHashCodeAs(rightFirst);
        });
    }

    @Test
    void the_text_names_what_was_said_and_nothing_else() {
        holdsForAll(any -> {
            TxOptions options = any.options();
            Set<String> expected = said(options).entrySet().stream()
                    .map(one -> one.getKey() + "=" + one.getValue())
                    .collect(Collectors.toSet());
            String text = options.toString();
            assertThat(text).startsWith("{").endsWith("}");
            for (String one : expected) {
                assertThat(text).contains(one);
            }
            assertThat(text).hasSameSizeAs("{" + String.join(", ", expected) + "}");
        });
    }

    @Test
    void the_server_side_leaves_out_what_never_reaches_a_database_and_keeps_the_rest() {
        Set<String> enginesOwn =
                Set.of("propagation", "completion", "acquireTimeout", "retry", "reads", "label", "labelInSql");
        holdsForAll(any -> {
            TxOptions options = any.options();
            Map<String, Object> expected = new LinkedHashMap<>(said(options));
            expected.keySet().removeAll(enginesOwn);
            assertThat(said(options.serverSide())).isEqualTo(expected);
            assertThat(options.serverSide().serverSide()).isEqualTo(options.serverSide());
        });
    }

    @Test
    void only_the_keys_of_dialects_are_told_as_such() {
        holdsForAll(any -> {
            TxOptions options = any.options();
            Set<String> expected = said(options).keySet().stream()
                    .filter(name -> name.startsWith("test."))
                    .collect(Collectors.toSet());
            assertThat(options.dialectOptions().stream().map(TxOption::name))
                    .containsExactlyInAnyOrderElementsOf(expected);
        });
    }
}
