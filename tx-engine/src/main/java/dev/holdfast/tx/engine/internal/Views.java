package dev.holdfast.tx.engine.internal;

import org.jspecify.annotations.Nullable;

/** Open views of one scope, as a chain through the views themselves. Guarded by the turn. */
final class Views {
    private @Nullable GuardedConnection first;

    void add(GuardedConnection view) {
        view.next = first;
        first = view;
    }

    void remove(GuardedConnection view) {
        if (first == view) {
            first = view.next;
            return;
        }
        for (GuardedConnection at = first; at != null; at = at.next) {
            if (at.next == view) {
                at.next = view.next;
                return;
            }
        }
    }

    /** Closes what their holders left open. */
    void closeAll() {
        GuardedConnection view = first;
        first = null;
        while (view != null) {
            GuardedConnection next = view.next;
            view.abandon();
            view = next;
        }
    }
}
