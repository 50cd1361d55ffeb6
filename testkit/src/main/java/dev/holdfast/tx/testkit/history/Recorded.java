package dev.holdfast.tx.testkit.history;

import java.util.List;

/**
 * A transaction as its client saw it. Immutable.
 *
 * @param id unique within the history, from 1
 * @param session the client; {@link #OBSERVER} for the one that read everything after all others had ended
 * @param began when its client began it, on a clock that counts beginnings and ends
 * @param ended when its client was told the end, on the same clock
 * @param status what its client was told
 * @param ops what it did, in order; a read is there only if it was answered
 */
public record Recorded(int id, int session, int began, int ended, Status status, List<Op> ops) {
    /** The session that reads everything after all others have ended: what it does not see is lost. */
    public static final int OBSERVER = -1;

    /** What a client was told of the end of its transaction. */
    public enum Status {
        /** It is committed. */
        OK,
        /** It is rolled back. */
        FAILED,
        /** It is committed or rolled back. */
        UNKNOWN
    }

    /** Copies the operations. */
    public Recorded {
        ops = List.copyOf(ops);
        if (ended < began) {
            throw new IllegalArgumentException("T" + id + " ended at " + ended + ", before it began at " + began);
        }
    }

    /** Whether it is the observer's. */
    public boolean isFinal() {
        return session == OBSERVER;
    }

    /** Whether it writes nothing. */
    public boolean isReadOnly() {
        return ops.stream().allMatch(Op::isRead);
    }

    @Override
    public String toString() {
        String client = isFinal() ? "observer" : "session " + session;
        String what = ops.size() <= 12 ? ops.toString() : ops.size() + " operations";
        return "T" + id + " (" + client + ", " + status + "): " + what;
    }
}
