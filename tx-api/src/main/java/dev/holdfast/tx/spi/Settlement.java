package dev.holdfast.tx.spi;

/**
 * Asks what became of a transaction.
 *
 * @param question uses the slots that the plan of the lost transaction read, and reads {@value #OUTCOME}
 */
public record Settlement(Message question) {
    /**
     * The slot of the answer: {@code committed}, {@code aborted}, {@code in progress} (asked again a little later), or
     * anything else where the server cannot tell.
     */
    public static final String OUTCOME = "outcome";
}
