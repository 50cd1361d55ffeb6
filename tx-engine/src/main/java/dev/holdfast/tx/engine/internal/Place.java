package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxRejectedException;
import dev.holdfast.tx.TxTimeoutException.Limit;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Objects;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** The connection that a transaction will take, before it does: who can wait for it without a thread does so here. */
public final class Place {
    private final Transaction transaction;
    private final Deadline deadline;

    private Place(Transaction transaction, @Nullable Route route) {
        this.transaction = transaction;
        Duration asked = transaction.prepared.options().acquireTimeout();
        Deadline own = Deadline.after(
                route == null ? transaction.engine.now() : route.decided(),
                Limit.ACQUIRE,
                asked == null ? source(transaction).patience() : asked);
        Deadline sooner = Deadline.sooner(transaction.deadline, own);
        Deadline elsewhere = route == null ? null : route.patience();
        this.deadline = Objects.requireNonNull(Deadline.sooner(elsewhere, sooner == null ? own : sooner));
    }

    /**
     * The place of a transaction; null if it is in a pool of a size that is not known. One that reads is tried where it is
     * taken; if that fails later, its thread waits for the next.
     */
    static @Nullable Place of(Transaction transaction) {
        Route route = null;
        if (transaction.prepared.routed() && !transaction.isLeased()) {
            route = transaction.route();
            transaction.runsOn(route.first());
            while (route.isFirstOnReplica() && waitsForItself(transaction)) {
                route.skipFirst();
                transaction.runsOn(route.first());
            }
        }
        return source(transaction).size() == Source.UNKNOWN_SIZE ? null : new Place(transaction, route);
    }

    private static boolean waitsForItself(Transaction transaction) {
        try {
            Acquiring.refuseToWaitForOneself(transaction.prepared.server(), transaction.prepared.options(), null);
            return false;
        } catch (SQLException ownHold) {
            return true;
        }
    }

    /**
     * Has the transaction tried elsewhere, if it can be: its place is another one from then on.
     *
     * @return false if there is none, and it has {@link #expired}
     */
    public boolean skip() {
        boolean canBe = transaction.prepared.routed() && transaction.route().isFirstOnReplica();
        if (canBe) {
            transaction.route().skipFirst();
        }
        return canBe;
    }

    private static Source source(Transaction transaction) {
        return transaction.prepared.server().source;
    }

    /**
     * What grants the places of the pool; one for all transactors on it.
     *
     * @param make makes it, from the size of the pool
     */
    public <G> G gate(Class<G> type, IntFunction<G> make) {
        return source(transaction).gate(type, make);
    }

    /**
     * Refuses to wait where the calls around this one hold what would be waited for.
     *
     * @throws TxRejectedException which says who holds what
     */
    public void refuseToWaitForOneself() {
        try {
            Acquiring.refuseToWaitForOneself(transaction.prepared.server(), transaction.prepared.options(), null);
        } catch (SQLException e) {
            throw e.getCause() instanceof TxException ours ? ours : new IllegalStateException(e);
        }
    }

    /** How long to wait for it at the most: by the options, or as long as the pool would. */
    public Duration patience() {
        return Duration.ofNanos(Math.max(0, deadline.left(transaction.engine.now())));
    }

    /** What the caller is told when that has passed. */
    public TxException expired() {
        return deadline.expired(
                "Waiting for a connection to " + transaction.prepared.server().profile,
                transaction.prepared.options().label());
    }

    /** Whether the transaction has taken its connection. */
    public boolean isTaken() {
        return transaction.isLeased();
    }
}
