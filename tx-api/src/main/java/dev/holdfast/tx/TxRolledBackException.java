package dev.holdfast.tx;

import org.jspecify.annotations.Nullable;

/** A commit was asked for and a rollback happened. Its cause is the first error, not the last. */
public class TxRolledBackException extends TxException {
    private static final long serialVersionUID = 1L;

    @SuppressWarnings("serial") // diagnostic only
    private final Outcome.RolledBack outcome;

    /**
     * An error with all that is known; its cause is that of the outcome.
     *
     * @param message what was tried, on which server, and what to do
     * @param outcome why it was rolled back
     * @param failure the database error behind it, classified; null if there is none
     * @param label the label of the scope; null if it has none
     */
    public TxRolledBackException(
            String message, Outcome.RolledBack outcome, @Nullable Failure failure, @Nullable String label) {
        super(message, failure, label, outcome.cause());
        this.outcome = outcome;
    }

    /** Why it was rolled back. */
    public Outcome.RolledBack outcome() {
        return outcome;
    }
}
