package dev.holdfast.tx;

import java.time.Duration;
import java.util.Objects;

/**
 * How transactions that read are spread over replicas, and how long these are waited for. Immutable; the withers answer new
 * values.
 */
public final class ReplicaPolicy {
    /** Which of the healthy replicas is tried first. */
    public enum Choice {
        /** Each in turn. */
        ROUND_ROBIN,
        /** The one on which this transactor runs the fewest transactions; of equal ones each in turn. */
        LEAST_IN_USE
    }

    /** What happens when no replica can take a transaction. */
    public enum Fallback {
        /** The primary takes it. */
        PRIMARY,
        /** It fails at its first statement, with a {@link TxException} that says what is wrong with each replica. */
        REFUSE
    }

    private static final ReplicaPolicy STANDARD = new ReplicaPolicy(
            Choice.ROUND_ROBIN,
            Fallback.PRIMARY,
            Duration.ofSeconds(1),
            Duration.ofMillis(500),
            Duration.ofSeconds(2),
            Duration.ofSeconds(2));

    private final Choice choice;
    private final Fallback fallback;
    private final Duration answerWithin;
    private final Duration catchUpWithin;
    private final Duration probeEvery;
    private final Duration stickyFor;

    private ReplicaPolicy(
            Choice choice,
            Fallback fallback,
            Duration answerWithin,
            Duration catchUpWithin,
            Duration probeEvery,
            Duration stickyFor) {
        this.choice = choice;
        this.fallback = fallback;
        this.answerWithin = answerWithin;
        this.catchUpWithin = catchUpWithin;
        this.probeEvery = probeEvery;
        this.stickyFor = stickyFor;
    }

    /**
     * In turn, with the primary as the fallback; a second for an answer, half a second for a replica that is behind, two seconds
     * between probes and for sticky reads.
     */
    public static ReplicaPolicy standard() {
        return STANDARD;
    }

    /** With this choice. */
    public ReplicaPolicy choice(Choice first) {
        return new ReplicaPolicy(
                Objects.requireNonNull(first, "first"), fallback, answerWithin, catchUpWithin, probeEvery, stickyFor);
    }

    /** With this fallback. */
    public ReplicaPolicy fallback(Fallback otherwise) {
        return new ReplicaPolicy(
                choice,
                Objects.requireNonNull(otherwise, "otherwise"),
                answerWithin,
                catchUpWithin,
                probeEvery,
                stickyFor);
    }

    /**
     * With this bound on waiting for a connection to a replica and for its answer to a probe; after it the next is tried.
     *
     * @throws IllegalArgumentException unless positive
     */
    public ReplicaPolicy answerWithin(Duration limit) {
        return new ReplicaPolicy(
                choice,
                fallback,
                Durations.requirePositive("answerWithin", limit),
                catchUpWithin,
                probeEvery,
                stickyFor);
    }

    /**
     * With this bound on how long a causal read waits for a replica to have seen a commit; zero for not at all.
     *
     * @throws IllegalArgumentException if negative
     */
    public ReplicaPolicy catchUpWithin(Duration limit) {
        if (limit.isNegative()) {
            throw new IllegalArgumentException("catchUpWithin must not be negative, and is " + limit);
        }
        return new ReplicaPolicy(choice, fallback, answerWithin, limit, probeEvery, stickyFor);
    }

    /**
     * With this pause between two probes of all replicas in the background.
     *
     * @throws IllegalArgumentException unless positive
     */
    public ReplicaPolicy probeEvery(Duration pause) {
        return new ReplicaPolicy(
                choice,
                fallback,
                answerWithin,
                catchUpWithin,
                Durations.requirePositive("probeEvery", pause),
                stickyFor);
    }

    /**
     * With this time for which reads that ask for nothing stay with the primary after a commit, where positions cannot be told.
     *
     * @throws IllegalArgumentException unless positive
     */
    public ReplicaPolicy stickyFor(Duration time) {
        return new ReplicaPolicy(
                choice,
                fallback,
                answerWithin,
                catchUpWithin,
                probeEvery,
                Durations.requirePositive("stickyFor", time));
    }

    /** Which of the healthy replicas is tried first. */
    public Choice choice() {
        return choice;
    }

    /** What happens when none can take a transaction. */
    public Fallback fallback() {
        return fallback;
    }

    /** How long a replica may take to give a connection, or to answer a probe. */
    public Duration answerWithin() {
        return answerWithin;
    }

    /** How long a causal read waits for a replica. */
    public Duration catchUpWithin() {
        return catchUpWithin;
    }

    /** How long the pause between two probes in the background is. */
    public Duration probeEvery() {
        return probeEvery;
    }

    /** How long reads that ask for nothing stay with the primary, where positions cannot be told. */
    public Duration stickyFor() {
        return stickyFor;
    }

    @Override
    public String toString() {
        return choice + ", else " + fallback + ", answerWithin=" + answerWithin + ", catchUpWithin=" + catchUpWithin
                + ", probeEvery=" + probeEvery + ", stickyFor=" + stickyFor;
    }
}
