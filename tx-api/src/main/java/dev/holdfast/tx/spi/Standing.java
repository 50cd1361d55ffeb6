package dev.holdfast.tx.spi;

/**
 * Asks the server where a transaction stands after an error that does not tell.
 *
 * @param question asked on the connection of the transaction; begins none, and reads {@value #STATE}
 */
public record Standing(Message question) {
    /**
     * The slot of the answer: {@code open}; {@code ended}, after which its outcome is unknown, for the error does not tell
     * whether it was committed; or {@code doomed} where it is open and only a rollback as a whole helps. Anything else counts
     * as doomed.
     */
    public static final String STATE = "standing";
}
