package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Reads;
import dev.holdfast.tx.ReplicaPolicy.Fallback;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxEvent.Routed.Reason;
import dev.holdfast.tx.TxEvent.Routed.Why;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxTimeoutException.Limit;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Positions;
import dev.holdfast.tx.spi.Replication;
import dev.holdfast.tx.spi.Step;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The way of one transaction that reads to its server. What fails before the answer to BEGIN costs a replica, not the caller:
 * the next one is tried. Guarded by the transaction's turn.
 */
final class Route {
    private static final Duration FIRST_PAUSE = Duration.ofMillis(1);
    private static final Duration LONGEST_PAUSE = Duration.ofMillis(16);

    /** Of the standard. */
    private static final String READ_ONLY_STATE = "25006";

    private final Transaction transaction;
    private final Replicas replicas;
    private final TxOptions options;

    /** Those to be tried, in order; empty if it goes to the primary anyhow. */
    private final List<Replica> candidates;

    private Why why;
    /** Those that did not take it, each once, in order. */
    private final Map<Replica, Reason> skipped = new LinkedHashMap<>();
    /** How many of these the listeners know of. */
    private int told;
    /** Those that had not seen what must be seen, since it was last told where it went. */
    private final Set<Replica> stale = new LinkedHashSet<>();

    private final long decided;
    private @Nullable Replica taken;
    private @Nullable Failure lastFailure;
    /** What the caller's token names, once the primary has come to it. */
    private @Nullable String named;

    /** Decides where it is tried first. */
    Route(Transaction transaction, Replicas replicas) {
        this.transaction = transaction;
        this.replicas = replicas;
        this.options = transaction.prepared.options();
        this.decided = transaction.engine.now();
        Reads reads = replicas.reads(options);
        if (reads instanceof Reads.Primary) {
            why = Why.PRIMARY_ASKED;
        } else if (replicas.isEmpty()) {
            why = Why.NONE_HEALTHY;
        } else if (reads instanceof Reads.Sticky sticky
                && replicas.hasCommittedSince(sticky.duration().toNanos(), transaction.engine.now())) {
            why = Why.STICKY;
        } else {
            why = Why.REPLICA;
        }
        List<Replica> healthy = why == Why.REPLICA ? replicas.inOrder() : List.of();
        candidates = new ArrayList<>(
                healthy.stream().filter(replica -> preparedOn(replica) != null).toList());
        if (why == Why.REPLICA && candidates.isEmpty()) {
            why = healthy.isEmpty() ? Why.NONE_HEALTHY : Why.NOT_ON_REPLICAS;
        }
    }

    /** Where it is tried first, for those who wait for a place there. */
    Prepared first() {
        Prepared there = candidates.isEmpty() ? null : preparedOn(candidates.get(0));
        return there == null ? onPrimary() : there;
    }

    /** How long it may wait for a place where it is tried first; null if there is no other place to go. */
    @Nullable
    Deadline patience() {
        return candidates.isEmpty()
                ? null
                : Deadline.after(transaction.engine.now(), Limit.ACQUIRE, replicas.policy.answerWithin());
    }

    /** When it was decided where it is tried first. */
    long decided() {
        return decided;
    }

    /** Whether it is tried on a replica first. */
    boolean isFirstOnReplica() {
        return !candidates.isEmpty();
    }

    /** Has it tried elsewhere than where it would be tried first. */
    void skipFirst() {
        skip(candidates.get(0), Reason.NO_CONNECTION);
    }

    private Prepared onPrimary() {
        return replicas.onPrimary(options);
    }

    private @Nullable Prepared preparedOn(Replica replica) {
        Server server = replica.server();
        try {
            return server == null ? null : Replicas.onReplica(server, options);
        } catch (TxUnsupportedException notThere) {
            return null;
        }
    }

    /** A statement failed; if the replica is gone, the next one that reads is not sent there. */
    void failed(Failure failure) {
        if (taken != null && isTheServers(failure)) {
            taken.failed(failure.error());
        }
    }

    /** Whether its first statement failed because the replica is gone; that is not tried any more. */
    boolean isLost(SQLException error) {
        Replica on = taken;
        Caller caller = Current.caller();
        if (on == null
                || (caller != null && caller.isCancelled())
                || isPassed(transaction.deadline)
                || !isTheServers(classify(error, Phase.STATEMENT, transaction.prepared))) {
            return false;
        }
        on.failed(error);
        skip(on, Reason.LOST);
        return true;
    }

    /** It is not tried any more. */
    private void skip(Replica replica, Reason reason) {
        candidates.remove(replica);
        stale.remove(replica);
        skipped.putIfAbsent(replica, reason);
        if (candidates.isEmpty()) {
            why = Why.NONE_HEALTHY;
        }
    }

    /** The transaction holds no connection any more. */
    void left() {
        if (taken != null) {
            taken.inUse.decrementAndGet();
            taken = null;
        }
    }

    /** Where it is, and why, in the words of an error. */
    String words() {
        Server server = transaction.prepared.server();
        return taken == null ? "the primary, " + server.profile + " (" + why + ")" : "a replica, " + server.profile;
    }

    /**
     * Takes a replica.
     *
     * @return a connection to it with the transaction begun, of which the transaction was told; null if it is to begin on the
     *     primary
     * @throws SQLException if it can begin nowhere, or its time is up
     */
    @Nullable
    Lease begin(@Nullable Deadline deadline) throws SQLException {
        transaction.engine.requireOpenForJdbc();
        try {
            Lease begun = candidates.isEmpty() ? null : onReplica(deadline);
            if (begun == null) {
                goToPrimary(deadline);
            }
            return begun;
        } catch (InterruptedException e) {
            Current.keepInterrupt();
            throw new SQLException(
                    "Interrupted while waiting for a replica of " + replicas.primary.profile, Refused.SQL_STATE, e);
        } catch (TxUnsupportedException e) {
            throw Refused.of(e);
        }
    }

    private @Nullable Lease onReplica(@Nullable Deadline deadline) throws SQLException, InterruptedException {
        String wanted;
        try {
            wanted = wanted(deadline);
        } catch (SQLException e) {
            why = Why.BEHIND; // what must be seen is not known
            return null;
        }
        List<Replica> behind = new ArrayList<>();
        for (Replica replica : List.copyOf(candidates)) {
            Lease begun = attempt(replica, wanted, deadline, behind);
            if (begun != null) {
                return begun;
            }
        }
        why = behind.isEmpty() ? Why.NONE_HEALTHY : Why.BEHIND;
        return behind.isEmpty() || wanted == null ? null : await(behind, wanted, deadline);
    }

    /** The first that catches up in time; null if none does. */
    private @Nullable Lease await(List<Replica> behind, String wanted, @Nullable Deadline deadline)
            throws SQLException, InterruptedException {
        Deadline until = Objects.requireNonNull(
                Deadline.sooner(deadline, after(Limit.ACQUIRE, replicas.policy.catchUpWithin())));
        Duration pause = FIRST_PAUSE;
        List<Replica> asked = behind;
        while (!asked.isEmpty() && until.left(transaction.engine.now()) > pause.toNanos()) {
            pause(pause);
            pause = pause.compareTo(LONGEST_PAUSE) < 0 ? pause.multipliedBy(2) : pause;
            List<Replica> still = new ArrayList<>();
            for (Replica replica : asked) {
                Lease begun = attempt(replica, wanted, deadline, still);
                if (begun != null) {
                    return begun;
                }
            }
            asked = still;
        }
        return null;
    }

    private void pause(Duration time) throws InterruptedException {
        CallersWait wait = new CallersWait(Current.caller());
        try {
            transaction.engine.pause(time);
        } finally {
            wait.over();
        }
    }

    /** What a replica must have seen; null for nothing. */
    private @Nullable String wanted(@Nullable Deadline deadline) throws SQLException, InterruptedException {
        Seen seen = replicas.seen;
        if (seen == null || !(replicas.reads(options) instanceof Reads.Causal causal)) {
            return null;
        }
        Deadline within = answerWithin(deadline);
        return causal.token() == null ? seen.last(within) : seen.position(causal.token(), options.label(), within);
    }

    private Deadline after(Limit limit, Duration length) {
        return Deadline.after(transaction.engine.now(), limit, length);
    }

    private Deadline answerWithin(@Nullable Deadline deadline) {
        return Objects.requireNonNull(Deadline.sooner(deadline, after(Limit.ACQUIRE, replicas.policy.answerWithin())));
    }

    /** Tries one replica, which is in use from then on; null if it failed, or is behind and noted as such. */
    private @Nullable Lease attempt(
            Replica replica, @Nullable String wanted, @Nullable Deadline deadline, List<Replica> behind)
            throws SQLException, InterruptedException {
        Lease begun = null;
        replica.inUse.incrementAndGet();
        try {
            begun = begun(replica, wanted, deadline, behind);
            return begun;
        } finally {
            if (begun == null) {
                replica.inUse.decrementAndGet();
            }
        }
    }

    private @Nullable Lease begun(
            Replica replica, @Nullable String wanted, @Nullable Deadline deadline, List<Replica> behind)
            throws SQLException, InterruptedException {
        Prepared there = preparedOn(replica);
        if (there == null) {
            return null;
        }
        Deadline within = answerWithin(deadline);
        Lease lease = take(replica, there, deadline, within);
        if (lease == null) {
            skip(replica, Reason.NO_CONNECTION);
            return null;
        }
        try {
            boolean asks = wanted != null || !sends(there);
            if (asks) {
                Asking.perform(there.server(), lease, replicas.replication.question(), within);
                if (!replica.answered(lease.slots())) {
                    lease.giveBack();
                    skip(replica, Reason.PROMOTED);
                    return null;
                }
                if (wanted != null && !hasSeen(lease, wanted)) {
                    lease.giveBack();
                    behind.add(replica);
                    stale.add(replica);
                    return null;
                }
            }
            there.showLabel(lease);
            Asking.bounded(lease, within, () -> lease.perform(there.plan().begin()));
        } catch (SQLException e) {
            thrownAway(lease, e);
            lastFailure = classify(e, Phase.BEGIN, there);
            if (isTheServers(lastFailure) && !isPassed(deadline)) {
                replica.failed(e);
            }
            skip(replica, Reason.NOT_BEGUN);
            return null;
        } catch (RuntimeException | Error e) {
            thrownAway(lease, e);
            throw e;
        }
        why = Why.REPLICA;
        taken = replica;
        transaction.runsOn(there);
        return lease;
    }

    /** Whether the begin message is answered by the server, and does not wait for what follows. */
    private static boolean sends(Prepared there) {
        return there.plan().begin().steps().stream()
                .anyMatch(step -> step instanceof Step.Sql sql
                        && (sql.uses().isEmpty() || there.shownLabel() != null)); // or the statement is left out
    }

    private boolean hasSeen(Lease lease, String wanted) {
        Positions positions = replicas.replication.positions();
        String reached = Replica.position(lease.slots());
        return positions != null && reached != null && positions.covers(reached, wanted);
    }

    /** A connection; null if there is none in time. */
    private @Nullable Lease take(Replica replica, Prepared there, @Nullable Deadline deadline, Deadline within)
            throws SQLException, InterruptedException {
        Source source = there.server().source;
        try {
            Acquiring.refuseToWaitForOneself(there.server(), options, transaction);
        } catch (SQLException ownHold) {
            return null;
        }
        try {
            Connection connection = source.acquire(within);
            return new Lease(source, connection, there.server().dialect.port());
        } catch (TimeoutException e) {
            if (deadline != null && isPassed(deadline)) {
                throw deadline.expiredInJdbc(
                        "Waiting for a connection to " + there.server().profile, options.label(), null);
            }
            if (!source.isExhausted()) {
                replica.failed(new SQLException("it gave no connection within " + within.length(), e));
            }
        } catch (SQLException e) {
            lastFailure = classify(e, Phase.ACQUIRE, there);
            if (!source.isExhausted()) {
                replica.failed(e);
            }
        }
        return null;
    }

    private Failure classify(SQLException error, Phase phase, Prepared there) {
        Failure failure =
                there.server().dialect.classify(error, Moment.of(phase, there.wish()), there.server().profile);
        transaction.engine.failures.remember(failure);
        return failure;
    }

    private boolean isPassed(@Nullable Deadline deadline) {
        return deadline != null && deadline.hasPassed(transaction.engine.now());
    }

    private void thrownAway(Lease lease, Throwable error) {
        lease.evict();
        transaction.tell(() -> new TxEvent.Evicted(
                transaction.id(), options.label(), "a replica failed before the transaction began", error));
    }

    /** Whether it is the server that cannot be had, and not what was asked of it. */
    private static boolean isTheServers(Failure failure) {
        return failure.effect() == FailureEffect.LOST
                || failure.kind() == FailureKind.CONNECTION_LOST
                || failure.kind() == FailureKind.SERVER_SHUTDOWN;
    }

    private void goToPrimary(@Nullable Deadline deadline) throws SQLException, InterruptedException {
        if (why == Why.BEHIND) {
            replicas.doubt();
        }
        boolean noReplica = why == Why.NONE_HEALTHY || why == Why.BEHIND;
        if (noReplica && !replicas.isEmpty() && replicas.policy.fallback() == Fallback.REFUSE) {
            throw Refused.of(new TxException(
                    "No replica of " + replicas.primary.profile + " could take a transaction that reads "
                            + replicas.reads(options) + " (" + why + "), and the policy refuses the primary: "
                            + replicas.describe() + "; try again later, or allow the primary",
                    lastFailure,
                    options.label(),
                    lastFailure == null ? null : lastFailure.error()));
        }
        if (replicas.seen != null && options.reads() instanceof Reads.Causal causal && causal.token() != null) {
            Deadline within = answerWithin(deadline);
            String position = replicas.seen.position(causal.token(), options.label(), within);
            if (!replicas.seen.isKnown(position, within)) {
                throw replicas.seen.unknown(causal.token(), options.label());
            }
            named = position;
        }
        transaction.runsOn(onPrimary());
    }

    /**
     * Refuses a server that takes no writes and has not seen what must be seen: where the primary's name leads to several servers, one
     * that was not promoted may answer to it. Nothing is asked for who must have seen nothing.
     *
     * @param lease to what should be the primary, with nothing begun
     */
    void requireSeen(Lease lease, @Nullable Deadline deadline) throws SQLException {
        Seen seen = replicas.seen;
        if (seen == null || !(replicas.reads(options) instanceof Reads.Causal)) {
            return;
        }
        boolean known = named != null || !seen.isUntold();
        String wanted = named == null ? seen.told() : named;
        if (known && wanted == null) {
            return;
        }
        Deadline within = answerWithin(Deadline.sooner(transaction.deadline, deadline));
        Asking.perform(replicas.primary, lease, replicas.replication.question(), within);
        boolean takesNone = Replication.REPLICA.equals(lease.slots().get(Replication.ROLE));
        if (takesNone && !(known && wanted != null && hasSeen(lease, wanted))) {
            SQLException error = new SQLException(
                    "The server that answers for " + replicas.primary.profile
                            + " takes no writes, and has not seen what a transaction"
                            + " that reads " + replicas.reads(options)
                            + " must see, so it was not begun there; try again when"
                            + " the primary answers",
                    READ_ONLY_STATE);
            lease.refusedWrite(Failure.of(error, FailureKind.NOT_PRIMARY));
            throw error;
        }
    }

    /** Tells the listeners where it went. */
    void tell() {
        if (!replicas.isEmpty()) {
            Why reason = why;
            stale.stream().filter(each -> each != taken).forEach(each -> skipped.putIfAbsent(each, Reason.BEHIND));
            stale.clear();
            List<TxEvent.Routed.Skipped> untold = skipped.entrySet().stream()
                    .skip(told)
                    .map(each -> new TxEvent.Routed.Skipped(named(each.getKey()), each.getValue()))
                    .toList();
            told = skipped.size();
            transaction.tell(() -> new TxEvent.Routed(
                    transaction.id(),
                    options.label(),
                    transaction.prepared.server().profile.toString(),
                    reason,
                    untold));
        }
    }

    private static String named(Replica replica) {
        Server server = replica.server();
        return server == null ? replica.name : server.profile.toString();
    }

    /** Whether it is on a replica. */
    boolean isOnReplica() {
        return taken != null;
    }
}
