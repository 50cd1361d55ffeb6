package dev.holdfast.tx.testkit.fault;

import java.util.ArrayList;
import java.util.List;

/** One connection that was handed out, and what became of it. Guarded by the data source it came from. */
public final class Lent {
    /** What became of it. */
    public enum Fate {
        /** Still out: leaked, if nobody is going to end it. */
        OUT,
        /** Given back by {@code close()}, to be lent to others. */
        RETURNED,
        /** Thrown away by {@code abort()}. */
        THROWN_AWAY
    }

    private final int connection;
    private final List<String> complaints = new ArrayList<>();
    private Fate fate = Fate.OUT;

    Lent(int connection) {
        this.connection = connection;
    }

    /** The number of the connection. */
    public int connection() {
        return connection;
    }

    /** What became of it. */
    public Fate fate() {
        return fate;
    }

    /** What is wrong with how it was ended: given back twice, or with a session that is not as it was found. */
    public List<String> complaints() {
        return List.copyOf(complaints);
    }

    void complain(String complaint) {
        complaints.add(complaint);
    }

    void returned() {
        if (fate != Fate.OUT) {
            complain("closed after it was " + fate);
            return;
        }
        fate = Fate.RETURNED;
    }

    void thrownAway() {
        if (fate == Fate.RETURNED) {
            complain("aborted after it was given back");
        }
        fate = Fate.THROWN_AWAY;
    }

    @Override
    public String toString() {
        return "connection " + connection + " " + fate + (complaints.isEmpty() ? "" : " " + complaints);
    }
}
