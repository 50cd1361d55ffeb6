package dev.holdfast.tx.spi;

import java.util.List;

/**
 * How rows are locked. Immutable.
 *
 * @param tableHint what takes the place of <code>{table-lock}</code>, after each table that is locked; may be empty
 * @param tail what takes the place of <code>{row-lock}</code>, at the end of the select; may be empty
 * @param before sent before the select
 * @param after sent after the select, if it did not fail or its error had the effect NONE; puts back what {@code before}
 *     changed, and may use what that read. What it cannot put back then ends with the transaction, or is put back by the
 *     messages that end it: they may use the same slots
 * @param notes what is given other than asked for
 */
public record LockPlan(String tableHint, String tail, Message before, Message after, List<String> notes) {
    /** Copies the notes. */
    public LockPlan {
        notes = List.copyOf(notes);
    }

    /** A lock that is all in the text at the end. */
    public static LockPlan atEnd(String tail, List<String> notes) {
        return new LockPlan("", tail, Message.nothing(), Message.nothing(), notes);
    }
}
