package dev.holdfast.tx;

import org.jspecify.annotations.Nullable;

/**
 * COMMIT was sent and its answer lost: the transaction may be there or not. Running it again blindly may apply it twice;
 * look for its effect first, or ask for {@link TxOptions#verifiable()}.
 */
public class TxOutcomeUnknownException extends TxException {
    private static final long serialVersionUID = 1L;

    /**
     * An error with all that is known.
     *
     * @param message what was tried, on which server, and what to do
     * @param failure the database error that answered COMMIT; null if it was none
     * @param label the label of the scope; null if it has none
     * @param cause how the answer was lost
     */
    public TxOutcomeUnknownException(
            String message, @Nullable Failure failure, @Nullable String label, Throwable cause) {
        super(message, failure, label, cause);
    }
}
