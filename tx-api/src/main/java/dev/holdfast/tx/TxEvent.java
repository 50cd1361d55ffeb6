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
     * A connection was thrown away instead of given back; or it was looked at before it was lent, because another one had been
     * lost, and was dead. Then it belongs to no transaction, and is told on whichever thread has looked.
     *
     * @param transaction 0 if it was outside of transactions
     * @param label of the transaction; null if there is none
     * @param why in words
     * @param cause the error behind it; null if there is none
     */
    record Evicted(
            long transaction,
            @Nullable String label,
            String why,
            @Nullable Throwable cause) implements TxEvent {}

    /**
     * The answer to COMMIT was lost, and it was asked what became of the transaction, because it is
     * {@linkplain TxOptions#verifiable() verifiable}. Comes before {@link Ended}, which has the same outcome.
     *
     * @param outcome {@link Outcome.Unknown} if it could not be found out in time
     * @param asking how long it took
     */
    record Settled(long transaction, @Nullable String label, Outcome outcome, Duration asking) implements TxEvent {}

    /**
     * A transaction is open for longer than it should be: told where transactions are watched, once of each, by a thread of
     * the engine's.
     *
     * @param open for how long
     * @param holds what it keeps from others, in words
     * @param opened has the stack trace that opened it; never thrown
     */
    record OpenTooLong(long transaction, @Nullable String label, Duration open, String holds, Throwable opened)
            implements TxEvent {}

    /**
     * Nobody can end a transaction any more, because its handle was lost: what it holds stays held until its connection is
     * cut. Told where transactions are watched, by a thread of the engine's, some time after the handle was garbage.
     *
     * @param open for how long
     * @param holds what it keeps from others, in words
     * @param opened has the stack trace that opened it; never thrown
     */
    record Leaked(long transaction, @Nullable String label, Duration open, String holds, Throwable opened)
            implements TxEvent {}

    /**
     * A running scope was given something other than asked for, as a test fixture does to the roots inside it.
     *
     * @param note in words
     */
    record Noted(long transaction, @Nullable String label, String note) implements TxEvent {}

    /**
     * Where replicas are configured, a transaction that only reads, or intends to, was given its server. Comes before
     * {@link Begun}, and again if that server was lost at the first statement, and another one took its place.
     *
     * @param server flavour, version and URL
     * @param why this one
     * @param skipped the replicas that were tried before it in vain: each once for a transaction, so not those that were told
     *     the time before
     */
    record Routed(long transaction, @Nullable String label, String server, Why why, List<Skipped> skipped)
            implements TxEvent {
        /** Copies the list. */
        public Routed {
            skipped = List.copyOf(skipped);
        }

        /**
         * A replica that was tried, and did not take the transaction.
         *
         * @param server flavour, version and URL
         * @param reason why it did not
         */
        public record Skipped(String server, Reason reason) {}

        /** Why a replica did not take a transaction. More may be added: always have a default. */
        public enum Reason {
            /** It gave no connection, or not in time. */
            NO_CONNECTION,
            /** It failed, or did not answer in time, up to the answer to BEGIN. */
            NOT_BEGUN,
            /** It was lost at the first statement. */
            LOST,
            /** It was promoted. */
            PROMOTED,
            /** It had not seen in time what must be seen, and another server took the transaction. */
            BEHIND
        }

        /** Why a transaction that reads is on its server. More may be added: always have a default. */
        public enum Why {
            /** A healthy replica was chosen. */
            REPLICA,
            /** The primary was asked for. */
            PRIMARY_ASKED,
            /** The primary, because of a commit a short time ago. */
            STICKY,
            /** The primary, because no replica had seen in time what must be seen. */
            BEHIND,
            /** The primary, because no replica is healthy. */
            NONE_HEALTHY,
            /** The primary, because the options cannot be had on a replica. */
            NOT_ON_REPLICAS
        }
    }
}
