package dev.holdfast.tx.spi;

import java.util.ArrayList;
import java.util.List;

/**
 * How one kind of transaction begins and ends on one kind of server. Immutable.
 *
 * @param begin opens the transaction with all that was asked for
 * @param commit commits it and leaves the session as found
 * @param abort rolls it back and leaves the session as found, from every state: half begun, open, doomed, ended by the
 *     server, COMMIT refused. Its statements may be run twice
 * @param notes what was given other than asked for: stronger, or with side effects
 */
public record TxPlan(Message begin, CommitMessage commit, Message abort, List<String> notes) {
    /** Copies the notes. */
    public TxPlan {
        notes = List.copyOf(notes);
    }

    /** The plan as {@code explain} and the golden files show it. */
    public String describe() {
        List<String> lines = new ArrayList<>();
        lines.add("begin:  " + begin);
        lines.add("commit: " + commit);
        lines.add("abort:  " + abort);
        notes.forEach(note -> lines.add("note:   " + note));
        return Message.joined(lines);
    }
}
