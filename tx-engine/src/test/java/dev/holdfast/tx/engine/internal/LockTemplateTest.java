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
        return LockTemplate.render(template, lock, plan);
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
    Stream<DynamicTest> a_template_without_both_places_is_refused_whatever_the_database_needs() {
        return Stream.of(
                        "select 1",
                        "select 1 from a {table-lock}",
                        "select 1 from a {row-lock}",
                        "{ROW-LOCK}{table-lock}")
                .flatMap(template -> Stream.of(AT_END, HINT, NOTHING)
                        .map(plan -> dynamicTest(
                                template + " with " + plan.tableHint() + plan.tail(),
                                () -> assertThatIllegalArgumentException()
                                        .isThrownBy(() -> render(template, RowLock.forUpdate(), plan))
                                        .withMessageContainingAll("{table-lock}", "{row-lock}", template))));
    }

    @Test
    void dollars_and_backslashes_of_dialects_are_taken_as_they_are() {
        LockPlan odd = new LockPlan("$1\\", "\\$0", Message.nothing(), Message.nothing(), List.of());
        assertThat(render("select 1 from a {table-lock} {row-lock}", RowLock.forUpdate(), odd))
                .isEqualTo("select 1 from a $1\\ \\$0");
    }
}
