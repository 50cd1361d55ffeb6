package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Savepoints;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The units of a transaction: its root, and the savepoints that are open in it. A savepoint is sent only when something
 * is executed in it. Guarded by the transaction's turn.
 */
final class SavepointStack {
    private final Transaction transaction;
    private final Unit root = Unit.root();
    private Unit top = root;
    private int made;
    /** Made when there is some. */
    private @Nullable List<HeldBack> heldBack;

    SavepointStack(Transaction transaction) {
        this.transaction = transaction;
    }

    Unit root() {
        return root;
    }

    /** Whether what is done now may only read. */
    boolean isReadOnly() {
        for (Unit unit = top; unit != null; unit = unit.parent) {
            if (unit.readOnly) {
                return true;
            }
        }
        return false;
    }

    Unit push(boolean readOnly, boolean standsForRoot) {
        top = top.savepoint(RememberedSavepoints.name(++made), readOnly, standsForRoot);
        return top;
    }

    void hold(HeldBack work) {
        if (heldBack == null) {
            heldBack = new ArrayList<>();
        }
        heldBack.add(work);
    }

    void holdNoMore(HeldBack work) {
        if (heldBack != null) {
            heldBack.remove(work);
        }
    }

    /** Has what is held back sent, in the frame of the scope that it belongs into. */
    void flush(Scope scope) {
        if (heldBack == null || heldBack.isEmpty()) {
            return;
        }
        Current.Frame before = Current.enter(transaction.engine, scope, true);
        try {
            for (HeldBack work : List.copyOf(heldBack)) {
                work.flush();
            }
        } catch (Exception e) {
            throw Thrown.as(e);
        } finally {
            Current.leave(before);
        }
    }

    /** Has forgotten what is remembered, after the end of a savepoint. */
    void forget() {
        if (heldBack != null) {
            List.copyOf(heldBack).forEach(HeldBack::forget);
        }
    }

    /** Takes the innermost unit off, once it was released or rolled back. */
    void pop() {
        Unit parent = top.parent;
        if (parent != null) {
            top = parent;
        }
    }

    /** Makes sure that all savepoints, oldest first, were sent and answered. */
    void send() throws SQLException {
        if (!top.sent) {
            send(top);
        }
    }

    private void send(Unit unit) throws SQLException {
        if (unit.parent != null && !unit.parent.sent) {
            send(unit.parent);
        }
        Message set = unit.readOnly
                ? messages().setReadOnly(unit.savepoint)
                : messages().set(unit.savepoint);
        perform(set);
        unit.sent = true;
    }

    /** Releases the innermost savepoint, if it was ever sent. */
    void release() throws SQLException {
        if (top.sent) {
            perform(messages().release(top.savepoint));
        }
    }

    /** Undoes what came after the innermost savepoint, if it was ever sent and there is something left to undo. */
    void undo() throws SQLException {
        if (top.sent && transaction.condition.is(Condition.State.ACTIVE)) {
            perform(messages().rollbackTo(top.savepoint));
        }
    }

    /** Sends what sets, releases or rolls back to a savepoint. */
    private void perform(Message message) throws SQLException {
        Deadline deadline = transaction.deadline;
        boolean isCancelled = deadline == null && Current.isCallerCancelled();
        try {
            if (isCancelled) {
                transaction.boundAnswers();
            } else {
                transaction.lease().answersUntil(deadline);
            }
            transaction.lease().perform(message);
            if (isCancelled) {
                transaction.lease().answerTime().until(null); // those around it may go on
            }
            transaction.answered();
        } catch (SQLException | RuntimeException | Error e) {
            Failure failure = Classifying.failed(transaction, e, Phase.SAVEPOINT, null, null, Condition.State.LOST);
            if (deadline != null && transaction.isLostAfter(deadline, failure)) {
                throw deadline.expiredInJdbc(
                        "A savepoint on " + transaction.prepared.server().profile,
                        transaction.prepared.options().label(),
                        failure);
            }
            throw failure.error();
        }
    }

    private Savepoints messages() {
        return transaction.prepared.server().savepoints;
    }

    /** An error after which the server takes nothing until the innermost unit that it knows of is rolled back. */
    void abortedBy(Failure failure) {
        Unit unit = top;
        while (!unit.sent && unit.parent != null) {
            unit = unit.parent;
        }
        unit.abortedBy(failure);
    }

    /** The error after which the server takes nothing in the innermost unit; null if there is none. */
    @Nullable
    Failure aborted() {
        return aborted(top);
    }

    /** The error after which the server takes nothing in this unit; null if there is none. */
    static @Nullable Failure aborted(Unit innermost) {
        for (Unit unit = innermost; unit != null; unit = unit.parent) {
            Failure aborted = unit.aborted();
            if (aborted != null) {
                return aborted;
            }
        }
        return null;
    }
}
