package dev.holdfast.tx.spi;

import java.util.List;
import java.util.StringJoiner;

/**
 * Steps in their order, and how they travel. Immutable.
 *
 * @param travel how the statements go over the wire
 * @param steps what is done
 */
public record Message(Travel travel, List<Step> steps) {
    /** How the statements of a message go over the wire; driver calls are always made one by one. */
    public enum Travel {
        /** One by one. */
        EACH,
        /** Neighbouring statements joined by semicolons into one: the first error skips the rest. */
        ONE_STRING,
        /** Neighbouring statements as one JDBC batch. A driver may go on after an error (MariaDB's does). */
        BATCH
    }

    /** Copies the steps. */
    public Message {
        steps = List.copyOf(steps);
    }

    /** Nothing to do. */
    public static Message nothing() {
        return new Message(Travel.EACH, List.of());
    }

    /** Steps one by one. */
    public static Message each(Step... steps) {
        return new Message(Travel.EACH, List.of(steps));
    }

    /** Neighbouring statements joined into one string. */
    public static Message oneString(Step... steps) {
        return new Message(Travel.ONE_STRING, List.of(steps));
    }

    /** Whether there is nothing to do. */
    public boolean isEmpty() {
        return steps.isEmpty();
    }

    /** The steps as {@code explain} shows them: {@code ;} within one string, {@code ,} within a batch, else {@code |}. */
    @Override
    public String toString() {
        if (steps.isEmpty()) {
            return "(nothing)";
        }
        StringBuilder text = new StringBuilder();
        Step before = null;
        for (Step step : steps) {
            if (before != null) {
                boolean joined = travel != Travel.EACH && before instanceof Step.Sql && step instanceof Step.Sql;
                text.append(!joined ? " | " : travel == Travel.ONE_STRING ? "; " : ", ");
            }
            text.append(step);
            before = step;
        }
        return text.toString();
    }

    /** The texts of the statements alone. */
    public List<String> statements() {
        return steps.stream()
                .filter(Step.Sql.class::isInstance)
                .map(step -> ((Step.Sql) step).text())
                .toList();
    }

    static String joined(List<String> lines) {
        StringJoiner text = new StringJoiner("\n");
        lines.forEach(text::add);
        return text.toString();
    }
}
