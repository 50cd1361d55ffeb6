package dev.holdfast.tx.spi;

/**
 * Positions of commits, as texts of one line. They only grow: what has seen a position has seen all before it. Stateless.
 */
public interface Positions {
    /** The slot that a position is read into: by these messages, and by a commit message that carries it. */
    String POSITION = "position";

    /** The slot of {@link #system}. */
    String SYSTEM = "system";

    /** Asked of the primary, on autocommit: reads a {@link #POSITION} that is not before any commit that was answered. */
    Message current();

    /** Asked of the primary once: reads {@link #SYSTEM}, what tells this database from others. Empty where nothing does. */
    default Message system() {
        return Message.nothing();
    }

    /**
     * Whether the message that commits reads the position at no round trip more. Where it does, plans carry it along
     * ({@link Wish.Carry#POSITION}); elsewhere the primary is asked when it is needed.
     */
    boolean travelsWithCommit();

    /**
     * Whether who has come this far has seen that.
     *
     * @throws IllegalArgumentException if one of them is no position
     */
    boolean covers(String reached, String wanted);

    /**
     * The position that covers both, and no more.
     *
     * @throws IllegalArgumentException if one of them is no position
     */
    String union(String one, String other);
}
