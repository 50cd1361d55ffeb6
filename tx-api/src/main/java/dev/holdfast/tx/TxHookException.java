package dev.holdfast.tx;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Hooks failed after the transaction had ended. Not a {@link TxException}: the transaction did what it was asked, and
 * must not be run again for this. All hooks were run; the first failure is the cause, the others are suppressed.
 */
public class TxHookException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    @SuppressWarnings("serial") // diagnostic only
    private final Outcome outcome;

    @SuppressWarnings("serial") // the body's own value
    private final @Nullable Object result;

    /**
     * An error with all that is known.
     *
     * @param outcome how the transaction ended
     * @param result what the body returned
     * @param failures of the hooks, in order; at least one
     */
    @SuppressWarnings("this-escape") // addSuppressed only
    public TxHookException(Outcome outcome, @Nullable Object result, List<? extends Throwable> failures) {
        super(
                failures.size() + " hook(s) failed after the transaction had ended as " + outcome
                        + "; the transaction itself needs nothing",
                failures.get(0));
        for (Throwable later : failures.subList(1, failures.size())) {
            addSuppressed(later);
        }
        this.outcome = outcome;
        this.result = result;
    }

    /** How the transaction ended. */
    public Outcome outcome() {
        return outcome;
    }

    /** What the body returned. */
    public @Nullable Object result() {
        return result;
    }
}
