package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Failure;
import org.jspecify.annotations.Nullable;

/** What can be rolled back: the root of a transaction, or a savepoint in it. Guarded by the transaction's turn. */
final class Unit {
    final @Nullable Unit parent;
    /** The name of the savepoint; empty for the root. */
    final String savepoint;
    /** Whether a savepoint takes only reads. */
    final boolean readOnly;
    /** Whether the savepoint is on the server; always true for the root. */
    boolean sent;

    private boolean ownRequest;
    private @Nullable Throwable poison;
    private @Nullable Failure aborted;
    private @Nullable Hooks hooks;

    private Unit(@Nullable Unit parent, String savepoint, boolean readOnly) {
        this.parent = parent;
        this.savepoint = savepoint;
        this.readOnly = readOnly;
        this.sent = parent == null;
    }

    static Unit root() {
        return new Unit(null, "", false);
    }

    Unit savepoint(String name, boolean readOnly) {
        return new Unit(this, name, readOnly);
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
