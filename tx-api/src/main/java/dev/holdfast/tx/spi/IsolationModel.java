package dev.holdfast.tx.spi;

import static dev.holdfast.tx.spi.Anomaly.*;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/**
 * What a level of a server really is, by the anomalies it prevents. The names that servers give their levels tell less:
 * REPEATABLE READ is snapshot isolation on PostgreSQL and neither that nor a locking level on MySQL.
 */
public enum IsolationModel {
    /** Read uncommitted. */
    RU(EnumSet.of(DIRTY_WRITE, LOST_INCREMENT)),
    /** Read committed: monotonic atomic view. */
    RC(
            RU,
            ABORTED_READ,
            INTERMEDIATE_READ,
            CIRCULAR_INFORMATION_FLOW,
            OBSERVED_TRANSACTION_VANISHES,
            HALF_VISIBLE_TRANSACTION),
    /** InnoDB's repeatable read: reads from a snapshot, writes against the newest rows. */
    RR_INNODB(EnumSet.of(
            DIRTY_WRITE,
            LOST_INCREMENT,
            ABORTED_READ,
            INTERMEDIATE_READ,
            CIRCULAR_INFORMATION_FLOW,
            OBSERVED_TRANSACTION_VANISHES,
            PREDICATE_READ_SKEW,
            READ_SKEW,
            READ_SKEW_BY_INSERT,
            NON_REPEATABLE_READ,
            PHANTOM,
            LONG_FORK)),
    /** Locking repeatable read: rows that were read stay, predicates do not. */
    RR_LOCKING(
            RC,
            PREDICATE_WRITE_SKEW,
            LOST_UPDATE,
            READ_SKEW,
            STALE_WRITE_PREDICATE,
            NON_REPEATABLE_AFTER_OWN_WRITE,
            NON_REPEATABLE_READ,
            WRITE_SKEW,
            READ_ONLY_ANOMALY,
            WRITE_SKEW_RING,
            LONG_FORK),
    /** Snapshot isolation. */
    SI(
            RC,
            PREDICATE_READ_SKEW,
            PREDICATE_WRITE_SKEW,
            LOST_UPDATE,
            READ_SKEW,
            READ_SKEW_BY_INSERT,
            STALE_WRITE_PREDICATE,
            NON_REPEATABLE_AFTER_OWN_WRITE,
            NON_REPEATABLE_READ,
            PHANTOM,
            LONG_FORK),
    /** Serializable. */
    SER(EnumSet.allOf(Anomaly.class));

    @SuppressWarnings("ImmutableEnumChecker") // unmodifiable
    private final Set<Anomaly> prevented;

    IsolationModel(EnumSet<Anomaly> prevented) {
        this.prevented = Collections.unmodifiableSet(prevented);
    }

    IsolationModel(IsolationModel weaker, Anomaly... more) {
        EnumSet<Anomaly> all = EnumSet.copyOf(weaker.prevented);
        Collections.addAll(all, more);
        this.prevented = Collections.unmodifiableSet(all);
    }

    /** The anomalies that must not be observed. */
    public Set<Anomaly> prevented() {
        return prevented;
    }

    /** Whether every anomaly that the other prevents is prevented by this one too. */
    public boolean isAtLeast(IsolationModel other) {
        return prevented.containsAll(other.prevented);
    }

    /**
     * Whether a scope that asks for the other can join a transaction of this one. What is at least as strong covers, and so
     * does InnoDB's repeatable read cover read committed: the one anomaly that sets it back, half of a transaction seen
     * through an own write, is no part of what the standard promises by READ COMMITTED.
     */
    public boolean covers(IsolationModel asked) {
        return isAtLeast(asked) || (this == RR_INNODB && RC.isAtLeast(asked));
    }
}
