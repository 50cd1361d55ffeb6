package dev.holdfast.tx.testkit.interleaving;

import dev.holdfast.tx.Failure;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One step that a session was told to take, and what became of it. What it answers may change until it is done. */
public final class Step {
    final String session;
    final Act act;
    private final Score score;

    // Places in the common order of all that happened; 0 for what did not happen. Guarded by the score.
    private long started;
    private long waiting;
    private long finished;
    private boolean dropped;
    private String text;
    private List<Integer> values = List.of();
    private int count;
    private @Nullable Throwable thrown;
    private @Nullable Failure failure;

    Step(String session, Act act, Score score) {
        this.session = session;
        this.act = act;
        this.score = score;
        this.text = act.text;
    }

    // ---- told by the session's thread, and by the conductor

    /** Begins; its text may be one that is not complete. */
    void started(String first) {
        score.tell(order -> {
            started = order;
            text = first;
            if (act.kind.isEnd()) {
                score.ending();
            }
        });
    }

    /** What is sent is this. */
    void isSent(String sql) {
        score.tell(order -> text = sql);
    }

    void waits(String how) {
        score.tell(order -> {
            if (finished == 0 && waiting == 0) {
                waiting = order;
                score.line(session, text + " … waits (" + how + ")");
            }
        });
    }

    void did(String result, List<Integer> read, int rows) {
        score.tell(order -> {
            values = List.copyOf(read);
            count = rows;
            finish(order, result);
        });
    }

    void failed(Throwable error, @Nullable Failure classified) {
        score.tell(order -> {
            thrown = error;
            failure = classified;
            finish(order, told(error, classified));
        });
    }

    void dropped() {
        score.tell(order -> {
            dropped = true;
            finished = order;
        });
    }

    private void finish(long order, String result) {
        finished = order;
        if (act.kind.isEnd()) {
            score.line(session, text + " -> " + result);
            if (started > 0) {
                score.ended();
            }
        } else if (waiting > 0) {
            score.lineOfOneThatWaited(session, "goes on: " + text + " -> " + result);
        } else {
            score.line(session, text + " -> " + result);
        }
    }

    private static String told(Throwable thrown, @Nullable Failure failure) {
        String message = String.valueOf(thrown.getMessage()).lines().findFirst().orElse("");
        return failure == null
                ? thrown.getClass().getSimpleName() + ": " + message
                : failure.sqlState() + "/" + failure.vendorCode() + " " + failure.kind() + ": " + message;
    }

    // ---- what became of it

    /** Whose step it is. */
    public String session() {
        return session;
    }

    /** The place of its begin in the order of all that happened; 0 if it has not begun. */
    public long startedAt() {
        return score.read(() -> started);
    }

    /** The place of its end in the order of all that happened; 0 if it has not ended. */
    public long finishedAt() {
        return score.read(() -> finished);
    }

    /** The place at which it was found to wait; 0 if it never was. */
    public long waitingAt() {
        return score.read(() -> waiting);
    }

    /** Whether it was done, and did not fail. */
    public boolean isDone() {
        return score.read(() -> finished > 0 && !dropped && thrown == null);
    }

    /** Whether it failed. */
    public boolean hasFailed() {
        return score.read(() -> thrown != null);
    }

    /** Whether it was left out because an earlier step of its session failed. */
    public boolean isDropped() {
        return score.read(() -> dropped);
    }

    /** What it has read: the first column. */
    public List<Integer> values() {
        return score.read(() -> values);
    }

    /** How many rows it has written. */
    public int count() {
        return score.read(() -> count);
    }

    /** What it threw; null if nothing. */
    public @Nullable Throwable thrown() {
        return score.read(() -> thrown);
    }

    /** What it threw, as the transactor classifies it; null if it threw nothing, or nothing of the database's. */
    public @Nullable Failure failure() {
        return score.read(() -> failure);
    }

    @Override
    public String toString() {
        return session + ": " + score.read(() -> text);
    }
}
