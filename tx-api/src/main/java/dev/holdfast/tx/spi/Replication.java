package dev.holdfast.tx.spi;

import org.jspecify.annotations.Nullable;

/**
 * How servers that follow another one are read from.
 *
 * @param question asked of a replica on autocommit, on arrival and as a probe: reads {@value #ROLE} where it can be told, and
 *     {@link Positions#POSITION}, how far it has come, where there are positions
 * @param positions by which is told whether a replica has seen a commit; null where that cannot be told
 */
public record Replication(Message question, @Nullable Positions positions) {
    /**
     * The slot that is {@value #PRIMARY} where a server follows no other one, and {@value #REPLICA} where it says that it takes no
     * writes. Anything else, or nothing, is a replica that does not tell; but one that has said so, and says so no longer, was
     * promoted.
     */
    public static final String ROLE = "role";

    /** What is in {@link #ROLE} of a server that follows no other one. */
    public static final String PRIMARY = "primary";

    /** What is in {@link #ROLE} of a server that says that it takes no writes. */
    public static final String REPLICA = "replica";
}
