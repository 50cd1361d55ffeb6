package dev.holdfast.tx;

import org.jspecify.annotations.Nullable;

/**
 * A transaction did not do what was asked of it. Its subtypes are sorted by what the caller does next; more may come.
 * The exception of the body is never wrapped in one: it reaches the caller as it is.
 */
public class TxException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    @SuppressWarnings("serial") // diagnostic only
    private final @Nullable Failure failure;

    private final @Nullable String label;

    /**
     * An error with all that is known.
     *
     * @param message what was tried, on which server, and what to do
     * @param failure the database error behind it, classified; null if there is none
     * @param label the {@linkplain TxOptions#label() label} of the scope; null if it has none
     * @param cause the error behind it; null if there is none
     */
    public TxException(String message, @Nullable Failure failure, @Nullable String label, @Nullable Throwable cause) {
        super(label == null ? message : "[" + label + "] " + message, cause);
        this.failure = failure;
        this.label = label;
    }

    /** The database error behind it, classified; null if there is none. */
    public @Nullable Failure failure() {
        return failure;
    }

    /** The SQLState behind it; null if there is none. */
    public @Nullable String sqlState() {
        return failure == null ? null : failure.sqlState();
    }

    /** The vendor's code behind it; 0 if there is none. */
    public int vendorCode() {
        return failure == null ? 0 : failure.vendorCode();
    }

    /** The label of the scope; null if it has none. */
    public @Nullable String label() {
        return label;
    }
}
