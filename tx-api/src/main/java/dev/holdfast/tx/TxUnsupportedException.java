package dev.holdfast.tx;

import org.jspecify.annotations.Nullable;

/** The database cannot do what the options ask for. Nothing was sent; change the options. */
public class TxUnsupportedException extends TxException {
    private static final long serialVersionUID = 1L;

    /**
     * A refusal.
     *
     * @param message what was asked for, which database refuses it, and what to ask for instead
     */
    public TxUnsupportedException(String message) {
        this(message, null);
    }

    /**
     * A refusal in a labelled scope.
     *
     * @param message what was asked for, which database refuses it, and what to ask for instead
     * @param label the label of the scope; null if it has none
     */
    public TxUnsupportedException(String message, @Nullable String label) {
        super(message, null, label, null);
    }
}
