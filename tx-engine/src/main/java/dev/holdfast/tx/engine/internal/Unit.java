package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Failure;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What can be rolled back: the root of a transaction, or a savepoint in it. Guarded by the transaction's turn. */
final class Unit {
    final @Nullable Unit parent;
    /** The name of the savepoint; empty for the root. */
    final String savepoint;
    /** Whether a savepoint takes only reads. */
    final boolean readOnly;
    /** Whether a savepoint stands for a root, in a test fixture: it fires its own hooks. */
    final boolean standsForRoot;
    /** Whether the savepoint is on the server; always true for the root. */
    boolean sent;

    private boolean ownRequest;
    private @Nullable Throwable poison;
    private @Nullable Failure aborted;
    private @Nullable Hooks hooks;
    private @Nullable Object order;
    private volatile boolean over;
    private volatile Current.@Nullable Frame firing;

    private Unit(@Nullable Unit parent, String savepoint, boolean readOnly, boolean standsForRoot) {
        this.parent = parent;
        this.savepoint = savepoint;
        this.readOnly = readOnly;
        this.standsForRoot = standsForRoot;
        this.sent = parent == null;
    }

    static Unit root() {
        return new Unit(null, "", false, false);
    }

    Unit savepoint(String name, boolean readOnly, boolean standsForRoot) {
        return new Unit(this, name, readOnly, standsForRoot);
    }

    boolean isRoot() {
        return parent == null;
    }

    /** The scope that owns the unit asked for its rollback. */
    void requestRollback() {
        ownRequest = true;
    }

    boolean isOwnRequest() {
        return ownRequest;
    }

    /** A scope that had joined failed, or asked for the rollback; the first failure counts. */
    void poison(Throwable failure) {
        if (poison == null) {
            poison = failure;
        }
    }

    @Nullable
    Throwable poison() {
        return poison;
    }

    /** The server takes no more statements until the unit is rolled back; the first error counts. */
    void abortedBy(Failure failure) {
        if (aborted == null) {
            aborted = failure;
        }
    }

    @Nullable
    Failure aborted() {
        return aborted;
    }

    boolean isRollbackOnly() {
        return ownRequest || poison != null || aborted != null || (parent != null && parent.isRollbackOnly());
    }

    /** Whether it fires the hooks that are registered in it. */
    boolean firesHooks() {
        return parent == null || standsForRoot;
    }

    /** The unit at whose end hooks of this one fire. */
    Unit hookOwner() {
        Unit unit = this;
        while (!unit.firesHooks() && unit.parent != null) {
            unit = unit.parent;
        }
        return unit;
    }

    /** Its end was decided: nothing can be done before it any more. */
    void ends() {
        over = true;
    }

    boolean isOver() {
        return over;
    }

    /** Whether the caller is one of its hooks. */
    boolean isFiringHooks() {
        Current.Frame frame = firing;
        return frame != null && Current.isInside(frame);
    }

    /** Sets the frame in which its hooks are fired from now on, null for none, and answers which it was. */
    Current.@Nullable Frame firingHooks(Current.@Nullable Frame frame) {
        Current.Frame before = firing;
        firing = frame;
        return before;
    }

    /** Whether it is this one, or a savepoint in it. */
    boolean isWithin(Unit other) {
        for (Unit unit = this; unit != null; unit = unit.parent) {
            if (unit == other) {
                return true;
            }
        }
        return false;
    }

    /** What orders the nested scopes that suspend; made once, by whoever asks first. */
    synchronized <G> G order(Class<G> type, Supplier<G> make) {
        if (order == null) {
            order = make.get();
        }
        return type.cast(order);
    }

    Hooks hooks() {
        if (hooks == null) {
            hooks = new Hooks();
        }
        return hooks;
    }

    @Nullable
    Hooks hooksOrNull() {
        return hooks;
    }
}
