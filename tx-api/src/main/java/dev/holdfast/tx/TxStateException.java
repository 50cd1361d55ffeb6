package dev.holdfast.tx;

import org.jspecify.annotations.Nullable;

/** A handle was used in a way its state does not allow: after its end, twice, or by two threads at once. */
public class TxStateException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /**
     * A wrong use.
     *
     * @param message what was tried, in which state, and what to do
     */
    public TxStateException(String message) {
        this(message, null);
    }

    /**
     * A wrong use with what led to the state.
     *
     * @param message what was tried, in which state, and what to do
     * @param cause what led to the state; null if nothing did
     */
    public TxStateException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
