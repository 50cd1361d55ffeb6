package dev.holdfast.tx;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Where a read-only transaction may be sent when replicas are configured. One that asks for nothing reads {@link #causal()}
 * where commits have positions, and {@link #sticky} elsewhere, as long as {@link ReplicaPolicy} says.
 */
public sealed interface Reads {
    /** A replica that has seen the last commit made through this {@link Transactor}, else the primary. */
    static Reads causal() {
        return new Causal(null);
    }

    /**
     * A replica that has seen the given commit, else the primary. A token that is malformed or of another database is refused
     * with {@link TxUnsupportedException}, at the latest at the first statement.
     *
     * @param token as {@link Transactor#causalToken()} gave it, here or in another process
     */
    static Reads causal(CausalToken token) {
        return new Causal(token);
    }

    /** Any healthy replica, however far behind; the primary when there is none. */
    static Reads replica() {
        return new Replica();
    }

    /**
     * The primary for this long after a commit made through this {@link Transactor}, else a replica.
     *
     * @throws IllegalArgumentException unless the duration is positive
     */
    static Reads sticky(Duration duration) {
        return new Sticky(duration);
    }

    /** The primary. */
    static Reads primary() {
        return new Primary();
    }

    /**
     * See {@link Reads#causal()}.
     *
     * @param token the commit to have seen; null for the last one made through this {@link Transactor}
     */
    record Causal(@Nullable CausalToken token) implements Reads {}

    /** See {@link Reads#replica()}. */
    record Replica() implements Reads {}

    /**
     * See {@link Reads#sticky(Duration)}.
     *
     * @param duration how long reads stay with the primary
     */
    record Sticky(Duration duration) implements Reads {
        /**
         * @throws IllegalArgumentException unless the duration is positive
         */
        public Sticky {
            Durations.requirePositive("sticky reads", duration);
        }
    }

    /** See {@link Reads#primary()}. */
    record Primary() implements Reads {}
}
