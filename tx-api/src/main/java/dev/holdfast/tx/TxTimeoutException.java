package dev.holdfast.tx;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A limit of the options expired; the transaction is rolled back. */
public class TxTimeoutException extends TxException {
    private static final long serialVersionUID = 1L;

    /** The four limits. */
    public enum Limit {
        /** {@link TxOptions#acquireTimeout()}. */
        ACQUIRE,
        /** {@link TxOptions#lockTimeout()}. */
        LOCK,
        /** {@link TxOptions#statementTimeout()}. */
        STATEMENT,
        /** {@link TxOptions#wholeTimeout()}. */
        WHOLE
    }

    private final Limit limit;
    private final Duration length;

    /**
     * An expiry.
     *
     * @param message what was being done, on which server
     * @param limit which limit
     * @param length how long it was
     * @param failure the database error it showed as, classified; null if none did
     * @param label the label of the scope; null if it has none
     * @param cause what the driver or pool raised; null if nothing
     */
    public TxTimeoutException(
            String message,
            Limit limit,
            Duration length,
            @Nullable Failure failure,
            @Nullable String label,
            @Nullable Throwable cause) {
        super(message, failure, label, cause);
        this.limit = limit;
        this.length = length;
    }

    /** Which limit expired. */
    public Limit limit() {
        return limit;
    }

    /** How long it was. */
    public Duration length() {
        return length;
    }
}
