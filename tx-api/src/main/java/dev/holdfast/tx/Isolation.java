package dev.holdfast.tx;

/**
 * What concurrent transactions may see of each other, by the names of the SQL standard and {@link #SNAPSHOT}.
 *
 * <p>A name is a request. What a server makes of it is a {@link dev.holdfast.tx.spi.Level} of the dialect's profile: a
 * server may give more than was asked for (then the plan says so in a note), never less.
 */
public enum Isolation {
    /** Uncommitted rows of others may be seen. */
    READ_UNCOMMITTED,
    /** Each statement sees what was committed before it began. */
    READ_COMMITTED,
    /** A row that was read reads the same again. */
    REPEATABLE_READ,
    /** All reads come from one snapshot; of two writers of one row the second fails. */
    SNAPSHOT,
    /** The result is that of some order in which the transactions ran alone. */
    SERIALIZABLE
}
