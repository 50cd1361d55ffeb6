package dev.holdfast.tx;

import org.jspecify.annotations.Nullable;

/** The scope cannot start here: what it asks for does not fit what is running. Nothing was sent, nothing is poisoned. */
public class TxRejectedException extends TxException {
    private static final long serialVersionUID = 1L;

    /**
     * A refusal.
     *
     * @param message what was asked for, what is running, and what to do
     * @param label the label of the scope; null if it has none
     */
    public TxRejectedException(String message, @Nullable String label) {
        super(message, null, label, null);
    }
}
