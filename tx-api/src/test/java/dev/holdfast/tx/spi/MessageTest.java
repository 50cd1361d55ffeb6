package dev.holdfast.tx.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.holdfast.tx.spi.CommitMessage.Fence;
import dev.holdfast.tx.spi.CommitMessage.Proof;
import dev.holdfast.tx.spi.Message.Travel;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class MessageTest {
    private static final Step ONE = Step.sql("one");
    private static final Step OTHER = Step.query("other", "a", "b");

    @Test
    void nothing_is_told_as_such() {
        assertThat(Message.nothing()).hasToString("(nothing)");
        assertThat(Message.nothing().isEmpty()).isTrue();
    }

    @Test
    void steps_that_travel_alone_are_parted_by_bars() {
        assertThat(Message.each(ONE, OTHER)).hasToString("one | other -> [a, b]");
    }

    @Test
    void neighbouring_statements_of_one_string_are_joined_by_semicolons() {
        assertThat(Message.oneString(ONE, OTHER, ONE)).hasToString("one; other -> [a, b]; one");
    }

    @Test
    void neighbouring_statements_of_a_batch_are_joined_by_commas() {
        assertThat(new Message(Travel.BATCH, List.of(ONE, ONE))).hasToString("one, one");
    }

    @Test
    void a_call_of_the_driver_parts_the_statements_around_it() {
        assertThat(Message.oneString(Step.Drive.AUTOCOMMIT_OFF, ONE, OTHER, Step.Drive.COMMIT, ONE))
                .hasToString("<autocommit off> | one; other -> [a, b] | <commit> | one");
    }

    @Test
    void a_native_call_is_told_by_its_description() {
        assertThat(Message.each(new Step.Native("ask the driver", connection -> {})))
                .hasToString("<ask the driver>");
    }

    @Test
    void only_statements_have_texts() {
        assertThat(Message.each(Step.Drive.ROLLBACK, ONE, OTHER).statements()).containsExactly("one", "other");
    }

    @Test
    void the_steps_are_copied() {
        List<Step> steps = new ArrayList<>(List.of(ONE));
        Message message = new Message(Travel.EACH, steps);
        steps.clear();
        assertThat(message.steps()).containsExactly(ONE);
    }

    @Test
    void a_commit_message_names_one_of_its_own_steps() {
        assertThatExceptionOfType(IndexOutOfBoundsException.class)
                .isThrownBy(() -> new CommitMessage(Message.each(ONE), 1, Proof.LAST, Fence.NONE));
    }

    @Test
    void a_look_at_the_driver_before_commit_is_told() {
        assertThat(new CommitMessage(Message.each(Step.Drive.COMMIT), 0, Proof.LAST, Fence.DRIVER_STATE))
                .hasToString("<commit>  (after a look at the driver's state)");
    }

    @Test
    void a_plan_is_told_line_by_line_with_its_notes() {
        CommitMessage commit = new CommitMessage(Message.each(Step.sql("COMMIT")), 0, Proof.LAST, Fence.NONE);
        TxPlan plan = new TxPlan(Message.nothing(), commit, Message.each(Step.Drive.ROLLBACK), List.of("stronger"));
        assertThat(plan.describe())
                .isEqualTo("begin:  (nothing)\ncommit: COMMIT\nabort:  <rollback>\nnote:   stronger");
    }
}
