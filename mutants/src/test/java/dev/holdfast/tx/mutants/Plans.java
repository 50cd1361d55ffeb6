package dev.holdfast.tx.mutants;

import dev.holdfast.tx.spi.CommitMessage;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.TxPlan;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/** Ways to spoil a plan. */
final class Plans {
    private Plans() {}

    /** With other steps at the beginning. */
    static TxPlan withBegin(TxPlan plan, Message begin) {
        return new TxPlan(begin, plan.commit(), plan.abort(), plan.notes());
    }

    /** Without those steps that match, at the beginning. */
    static TxPlan beginWithout(TxPlan plan, Predicate<Step> out) {
        return withBegin(plan, without(plan.begin(), out));
    }

    /** With more steps at the end of the beginning. */
    static TxPlan beginAnd(TxPlan plan, Step... more) {
        List<Step> steps = new ArrayList<>(plan.begin().steps());
        steps.addAll(Arrays.asList(more));
        return withBegin(plan, new Message(plan.begin().travel(), steps));
    }

    /** With the texts of the statements at the beginning changed. */
    static TxPlan beginRewritten(TxPlan plan, UnaryOperator<String> change) {
        return withBegin(plan, rewritten(plan.begin(), change));
    }

    /** With nothing done to end it after an error. */
    static TxPlan withAbort(TxPlan plan, Message abort) {
        return new TxPlan(plan.begin(), plan.commit(), abort, plan.notes());
    }

    /** Without those steps of the end that match, the commit itself left in. */
    static TxPlan endWithout(TxPlan plan, Predicate<Step> out) {
        Step commit = plan.commit().message().steps().get(plan.commit().commitStep());
        Message message = without(plan.commit().message(), step -> step != commit && out.test(step));
        CommitMessage end = new CommitMessage(
                message,
                message.steps().indexOf(commit),
                plan.commit().proof(),
                plan.commit().fence());
        return new TxPlan(plan.begin(), end, without(plan.abort(), out), plan.notes());
    }

    static Message without(Message message, Predicate<Step> out) {
        return new Message(
                message.travel(), message.steps().stream().filter(out.negate()).toList());
    }

    static Message rewritten(Message message, UnaryOperator<String> change) {
        return new Message(
                message.travel(),
                message.steps().stream()
                        .map(step -> step instanceof Step.Sql sql
                                ? new Step.Sql(change.apply(sql.text()), sql.reads(), sql.uses())
                                : step)
                        .toList());
    }

    /** Whether a step is a statement with this in it. */
    static Predicate<Step> saying(String part) {
        return step -> step instanceof Step.Sql sql && sql.text().contains(part);
    }
}
