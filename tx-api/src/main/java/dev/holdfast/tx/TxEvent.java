package dev.holdfast.tx;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Something happened to a transaction. Events carry neutral facts and never the parameters of a statement. More kinds
 * may be added: always have a default.
 */
public interface TxEvent {
    /** Number of the transaction, unique within its {@link Transactor}. */
    long transaction();

    /** The label of the scope; null if it has none. */
    @Nullable
    String label();

    /**
     * A connection was had and BEGIN answered.
     *
     * @param options in force
     * @param attempt from 1
     * @param acquiring how long the pool took
     * @param notes what must be known about the plan
     */
    record Begun(
            long transaction,
            @Nullable String label,
            TxOptions options,
            int attempt,
            Duration acquiring,
            List<String> notes)
            implements TxEvent {}

    /**
     * A root ended; its hooks have not run yet.
     *
     * @param outcome how
     * @param attempt from 1
     * @param lasted since the attempt began
     */
    record Ended(long transaction, @Nullable String label, Outcome outcome, int attempt, Duration lasted)
            implements TxEvent {}

    /**
     * A failed attempt is followed by another.
     *
     * @param attempt the one that failed, from 1
     * @param failure why
     * @param delay before the next
     */
    record Retrying(long transaction, @Nullable String label, int attempt, Failure failure, Duration delay)
            implements TxEvent {}

    /**
     * A connection was thrown away instead of given back.
     *
     * @param why in words
     * @param cause the error behind it; null if there is none
     */
    record Evicted(
            long transaction,
            @Nullable String label,
            String why,
            @Nullable Throwable cause) implements TxEvent {}

    /**
     * A running scope was given something other than asked for, as a test fixture does to the roots inside it.
     *
     * @param note in words
     */
    record Noted(long transaction, @Nullable String label, String note) implements TxEvent {}
}
