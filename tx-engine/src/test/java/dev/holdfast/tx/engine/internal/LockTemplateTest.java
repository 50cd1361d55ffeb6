package dev.holdfast.tx.engine.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.spi.LockPlan;
import dev.holdfast.tx.spi.Message;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class LockTemplateTest {
    private static final LockPlan AT_END = LockPlan.atEnd("FOR UPDATE", List.of());
    private static final LockPlan HINT =
            new LockPlan("WITH (UPDLOCK)", "", Message.nothing(), Message.nothing(), List.of());
    private static final LockPlan NOTHING = LockPlan.atEnd("", List.of());

    private static String render(String template, RowLock lock, LockPlan plan) {
        return LockTemplate.of(template).fit(lock).with(lock, plan);
    }

    @Test
    void a_lock_at_the_end_leaves_no_trace_at_the_table() {
        assertThat(render("select id from job {table-lock} order by id {row-lock}", RowLock.forUpdate(), AT_END))
                .isEqualTo("select id from job order by id FOR UPDATE");
    }

    @Test
    void a_lock_at_the_table_leaves_no_trace_at_the_end() {
        assertThat(render("select id from job {table-lock} order by id {row-lock}", RowLock.forUpdate(), HINT))
                .isEqualTo("select id from job WITH (UPDLOCK) order by id");
    }

    @Test
    void a_lock_that_is_held_anyway_leaves_no_trace() {
        assertThat(render("select id from job{table-lock}{row-lock}", RowLock.forUpdate(), NOTHING))
                .isEqualTo("select id from job");
    }

    @Test
    void a_place_without_a_blank_before_it_gets_one() {
        assertThat(render("select id from job{table-lock}{row-lock}", RowLock.forUpdate(), HINT))
                .isEqualTo("select id from job WITH (UPDLOCK)");
        assertThat(render("select id from job{table-lock}{row-lock}", RowLock.forUpdate(), AT_END))
                .isEqualTo("select id from job FOR UPDATE");
    }

    @Test
    void a_lock_that_names_no_table_is_of_all_tables_that_have_a_place() {
        String template = "select * from a x {table-lock:x}, b y {table-lock:y}, c {table-lock}, d {row-lock}";
        assertThat(render(template, RowLock.forUpdate(), HINT))
                .isEqualTo("select * from a x WITH (UPDLOCK), b y WITH (UPDLOCK), c WITH (UPDLOCK), d");
    }

    @Test
    void a_lock_that_names_tables_is_of_those_alone() {
        String template = "select * from a x {table-lock:x}, b y {table-lock:y}, c {table-lock} {row-lock}";
        assertThat(render(template, RowLock.forUpdate().of("y"), HINT))
                .isEqualTo("select * from a x, b y WITH (UPDLOCK), c");
    }

    @Test
    void a_table_that_has_no_place_is_refused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> render(
                        "select * from a x {table-lock:x} {row-lock}",
                        RowLock.forUpdate().of("y"),
                        HINT))
                .withMessageContaining("{table-lock:y}");
    }

    @Test
    void a_named_table_needs_a_place_with_its_name() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> render(
                        "select * from y {table-lock} {row-lock}",
                        RowLock.forUpdate().of("y"),
                        AT_END));
    }

    @TestFactory
    Stream<DynamicTest> a_template_with_something_wrong_is_refused_whatever_the_lock() {
        return Stream.of(
                        Wrong.of("select 1", "there is no {table-lock} and no {row-lock}"),
                        Wrong.of("select 1 from a {table-lock}", "{table-lock} and no {row-lock}"),
                        Wrong.of("select 1 from a {row-lock}", "{row-lock} and no {table-lock}"),
                        Wrong.of("select 1 from a {table-lock} {ROW-LOCK}", "'{ROW-LOCK}' is no place"),
                        Wrong.of("select 1 from a {table_lock} {row-lock}", "'{table_lock}' is no place"),
                        Wrong.of("select 1 from a { table-lock } {row-lock}", "'{ table-lock }' is no place"),
                        Wrong.of("select 1 from a {tablelock:a} {row-lock}", "'{tablelock:a}' is no place"),
                        Wrong.of("select 1 from a {table-lock:} {row-lock}", "'{table-lock:}' is no place"),
                        Wrong.of("select 1 from a {table-lock:a b} {row-lock}", "'{table-lock:a b}' is no place"),
                        Wrong.of("select 1 from a {table-lock} {row-lock:a}", "'{row-lock:a}' is no place"),
                        Wrong.of("select 1 from a {table-lock {row-lock}", "'{table-lock ' is no place"),
                        Wrong.of("select 1 from a {table-lock} {row-lock", "'{row-lock' is no place"),
                        Wrong.of("select 1 from a {table-lock:b} {row-lock}", "{table-lock:b} follows 'a'"),
                        Wrong.of("select 1 from a as x {table-lock:a} {row-lock}", "{table-lock:a} follows 'x'"),
                        Wrong.of("select 1 from {table-lock} a {row-lock}", "{table-lock} does not follow a table"),
                        Wrong.of("select 1 from a, {table-lock} b {row-lock}", "does not follow a table"),
                        Wrong.of("select 1 from a {table-lock} {row-lock} limit 1", "something follows {row-lock}"),
                        Wrong.of("select 1 from a {table-lock} {row-lock} /* */ x /* */", "something follows"),
                        Wrong.of("select 1 from a {table-lock} {row-lock} {row-lock}", "something follows"),
                        Wrong.of("select 1 from a {table-lock} -- {row-lock}", "{table-lock} and no {row-lock}"),
                        Wrong.of("select '{row-lock}' from a {table-lock}", "{table-lock} and no {row-lock}"),
                        Wrong.of(
                                "with q as (select 1 from a {table-lock}) select 1 from b {table-lock} {row-lock}",
                                "a select has {table-lock} and no {row-lock}"),
                        Wrong.of(
                                "with q as (select 1 from a {row-lock}) select 1 from b {table-lock} {row-lock}",
                                "a select has {row-lock} and no {table-lock}"),
                        Wrong.of(
                                "with q as (select 1 from a) select 1 from q {table-lock} {row-lock}",
                                "{table-lock} follows 'q', a common table expression"),
                        Wrong.of(
                                "with q as (select 1 from b) select 1 from Q a {table-lock:a} {row-lock}",
                                "{table-lock:a} follows 'q', a common table expression"),
                        Wrong.of(
                                "with r(i) as not materialized (values (1)), \"q\" as ( -- x\n select 1 from b)"
                                        + " select 1 from c {table-lock}, q as a {table-lock:a} {row-lock}",
                                "follows 'q', a common table expression"),
                        Wrong.of(
                                "with recursive q (i) as(select 1 from a union all select i from q {table-lock} {row-lock})"
                                        + " select 1 from q",
                                "follows 'q', a common table expression"),
                        Wrong.of(
                                "select 1 from a {table-lock} where id in ( /* q */ select id from b {row-lock})",
                                "a select has {table-lock} and no {row-lock}"))
                .flatMap(wrong -> Stream.of(
                                RowLock.forUpdate(), RowLock.forShare().of("a").skipLocked())
                        .map(lock -> dynamicTest(
                                wrong.template() + " for " + lock,
                                () -> assertThatIllegalArgumentException()
                                        .isThrownBy(() -> render(wrong.template(), lock, AT_END))
                                        .withMessageContainingAll(
                                                wrong.says(), "{table-lock}", "{row-lock}", wrong.template()))));
    }

    private record Wrong(String template, String says) {
        static Wrong of(String template, String says) {
            return new Wrong(template, says);
        }
    }

    @Test
    void a_name_that_only_looks_like_that_of_an_expression_is_a_table() {
        for (String template : List.of(
                "with q as (select id from a) select 1 from s.q {table-lock} {row-lock}",
                "with q as (select id from a) select 1 from b q {table-lock:q} {row-lock}",
                "with q as (select id from a) select 1 from q, b {table-lock} {row-lock}",
                "with q as (select id from a) select 1 from q join b as q {table-lock:q} on 1 = 1 {row-lock}",
                "select 1 /* with q as (select 1) */ from q {table-lock} where v = 'with q as (select 1)' {row-lock}",
                "select sum(v) over q from q {table-lock} window q as (partition by v) {row-lock}",
                "select cast(v as int), (select 1) as q from q {table-lock} {row-lock}")) {
            assertThat(render(template, RowLock.forUpdate(), AT_END)).endsWith(" FOR UPDATE");
        }
    }

    @Test
    void a_place_may_follow_a_name_in_quotes_or_with_its_schema() {
        assertThat(render(
                        "select * from \"a b\" {table-lock}, `c` {table-lock:c}, [d] {table-lock:d}, s.e {table-lock:E}"
                                + " {row-lock}",
                        RowLock.forUpdate(),
                        HINT))
                .isEqualTo("select * from \"a b\" WITH (UPDLOCK), `c` WITH (UPDLOCK), [d] WITH (UPDLOCK), s.e WITH"
                        + " (UPDLOCK)");
    }

    @Test
    void what_is_in_a_string_a_quoted_name_or_a_comment_is_no_place() {
        String text =
                "select '{row-lock} (', \"{table-lock:z} )\" /* {table-lock} ( */ from a {table-lock} -- {row-lock}\n"
                        + " where b = '{row_lock}' {row-lock} ; -- {row-lock}";
        assertThat(render(text, RowLock.forUpdate(), AT_END))
                .isEqualTo("select '{row-lock} (', \"{table-lock:z} )\" /* {table-lock} ( */ from a -- {row-lock}\n"
                        + " where b = '{row_lock}' FOR UPDATE ; -- {row-lock}");
    }

    @Test
    void other_braces_are_left_alone() {
        assertThat(render(
                        "select {fn now()} from a {table-lock} where t > {d '2020-01-01'} and b = ? {row-lock}",
                        RowLock.forUpdate(),
                        AT_END))
                .isEqualTo("select {fn now()} from a where t > {d '2020-01-01'} and b = ? FOR UPDATE");
    }

    @Test
    void a_select_in_brackets_has_places_of_its_own() {
        assertThat(render(
                        "with q as (select id from a {table-lock} where v in (1, 2) {row-lock}) select id from q",
                        RowLock.forUpdate(),
                        AT_END))
                .isEqualTo("with q as (select id from a where v in (1, 2) FOR UPDATE) select id from q");
        assertThat(render(
                        "with q as (select id from a) select b.id from b {table-lock} join q on q.id = b.id {row-lock}",
                        RowLock.forUpdate(),
                        AT_END))
                .isEqualTo("with q as (select id from a) select b.id from b join q on q.id = b.id FOR UPDATE");
    }

    @Test
    void brackets_around_a_join_are_no_select() {
        assertThat(render(
                        "select * from (a x {table-lock:x} join b y {table-lock:y} on (x.i = y.i)) {row-lock}",
                        RowLock.forUpdate().of("y"),
                        HINT))
                .isEqualTo("select * from (a x join b y WITH (UPDLOCK) on (x.i = y.i))");
    }

    /** The clause at the end of each would name tables that are in the other. */
    @Test
    void a_lock_that_names_tables_is_for_one_select() {
        String two = "with q as (select id from a {table-lock:a} {row-lock}) select 1 from b {table-lock:b} {row-lock}";
        assertThat(render(two, RowLock.forUpdate(), AT_END))
                .isEqualTo("with q as (select id from a FOR UPDATE) select 1 from b FOR UPDATE");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> render(two, RowLock.forUpdate().of("a"), AT_END))
                .withMessageContaining("several selects");
    }

    @Test
    void nothing_melts_together_where_a_place_was() {
        assertThat(render("select 1 from a {table-lock}where b = 1 {row-lock}", RowLock.forUpdate(), AT_END))
                .isEqualTo("select 1 from a where b = 1 FOR UPDATE");
        assertThat(render("select 1 from a {table-lock}where b = 1 {row-lock}", RowLock.forUpdate(), HINT))
                .isEqualTo("select 1 from a WITH (UPDLOCK) where b = 1");
    }

    @Test
    void dollars_and_backslashes_of_dialects_are_taken_as_they_are() {
        LockPlan odd = new LockPlan("$1\\", "\\$0", Message.nothing(), Message.nothing(), List.of());
        assertThat(render("select 1 from a {table-lock} {row-lock}", RowLock.forUpdate(), odd))
                .isEqualTo("select 1 from a $1\\ \\$0");
    }
}
