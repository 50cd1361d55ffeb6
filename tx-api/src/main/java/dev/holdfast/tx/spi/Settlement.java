package dev.holdfast.tx.spi;

import org.jspecify.annotations.Nullable;

/**
 * Asks what became of a transaction.
 *
 * @param question asked on a fresh connection on autocommit, again and again while it fails or the answer is
 *     {@code in progress}; uses the slots that the plan of the lost transaction read or was given, and reads
 *     {@value #OUTCOME}. It must wait for a transaction that may still be committed, if only for a moment, or keep that from
 *     being committed; never take what it does not see for rolled back
 * @param markers the table that the question and the plan work with; null where the server knows by itself
 */
public record Settlement(Message question, @Nullable MarkerTable markers) {
    /**
     * The slot of the answer: {@code committed}, {@code aborted}, {@code in progress} (asked again a little later), or
     * anything else where the server cannot tell.
     */
    public static final String OUTCOME = "outcome";

    /** Of a server that knows by itself what became of its transactions. */
    public Settlement(Message question) {
        this(question, null);
    }

    /** What a transaction has to carry along, so that the question can be asked. */
    public Wish.Carry carry() {
        return markers == null ? Wish.Carry.TX_ID : Wish.Carry.MARKER;
    }
}
