package dev.holdfast.tx.spi;

import java.util.Objects;

/**
 * The message that commits. Immutable.
 *
 * @param message what is done, COMMIT included
 * @param commitStep index of the step that is COMMIT
 * @param proof what shows that COMMIT was done, where it shares a string or batch with others
 * @param fence how a COMMIT of what is no longer there is kept from passing for one
 */
public record CommitMessage(Message message, int commitStep, Proof proof, Fence fence) {
    /** What shows that COMMIT was done. */
    public enum Proof {
        /** Its statement returned, and nothing that can fail shares its string after it. */
        LAST,
        /** A row that follows COMMIT in the same string was read. */
        RESULT,
        /** The update counts of the batch. */
        COUNTS
    }

    /** How a COMMIT of what is no longer there is found out. */
    public enum Fence {
        /** The server answers such a COMMIT with an error by itself, or the classification of errors is relied upon. */
        NONE,
        /** The engine asks {@link DriverPort#state} before. */
        DRIVER_STATE,
        /** A statement before COMMIT in the same message fails in a transaction that is gone. */
        IN_MESSAGE
    }

    /**
     * Checks the index.
     *
     * @throws IllegalArgumentException if there is no such step
     */
    public CommitMessage {
        Objects.checkIndex(commitStep, message.steps().size());
    }

    @Override
    public String toString() {
        return message.toString() + (fence == Fence.DRIVER_STATE ? "  (after a look at the driver's state)" : "");
    }
}
