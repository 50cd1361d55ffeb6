package dev.holdfast.tx.engine.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LabelCommentTest {
    private static final String COMMENT = "/*label='a'*/";

    @Test
    void no_label_is_no_comment() {
        assertThat(LabelComment.of(null)).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"x*/; drop table t --", "it's", "a?b", "{fn now()}", "a:b $1 @c", "über\nzwei", "100% \\"})
    void nothing_in_a_label_ends_the_comment_or_passes_for_a_parameter(String label) {
        assertThat(Objects.requireNonNull(LabelComment.of(label))).matches("/\\*label='[A-Za-z0-9.%_-]+'\\*/");
    }

    @Test
    void a_plain_label_is_told_as_it_is() {
        assertThat(LabelComment.of("shop.checkout-2")).isEqualTo("/*label='shop.checkout-2'*/");
    }

    @Test
    void it_comes_last_and_in_front_of_semicolons() {
        assertThat(LabelComment.in("select 1", COMMENT)).isEqualTo("select 1 /*label='a'*/");
        assertThat(LabelComment.in("select 1;", COMMENT)).isEqualTo("select 1 /*label='a'*/;");
        assertThat(LabelComment.in("select 1 ; ; ", COMMENT)).isEqualTo("select 1 /*label='a'*/ ; ; ");
        assertThat(LabelComment.in("select 1 /* x */", COMMENT)).isEqualTo("select 1 /* x */ /*label='a'*/");
    }

    @ParameterizedTest
    @ValueSource(strings = {"select 1 -- one", "select 1 # one", "select 1\n-- one"})
    void a_comment_to_the_end_of_the_line_does_not_swallow_it(String sql) {
        assertThat(LabelComment.in(sql, COMMENT)).isEqualTo(sql + "\n" + COMMENT);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{call work(?)}", "{? = call work()} ", "", " ; "})
    void a_call_in_braces_and_an_empty_text_stay_as_they_are(String sql) {
        assertThat(LabelComment.in(sql, COMMENT)).isEqualTo(sql);
    }
}
