package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.CausalToken;
import dev.holdfast.tx.Reads;
import dev.holdfast.tx.ReplicaPolicy;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxTimeoutException.Limit;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Positions;
import dev.holdfast.tx.spi.Replication;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The servers that follow the primary, perhaps none, and what a reader of them must have seen. Which of them takes a transaction
 * is decided by its {@link Route}.
 */
final class Replicas {
    final Server primary;
    final ReplicaPolicy policy;
    final Replication replication;
    /** What was committed; null where commits have no positions. */
    final @Nullable Seen seen;

    private final List<Replica> all;
    private final AtomicInteger turn = new AtomicInteger();
    /** When something was committed last, on the clock of {@link System#nanoTime}; never yet if less than any. */
    private final AtomicLong committedAt = new AtomicLong(Long.MIN_VALUE);

    private @Nullable ScheduledThreadPoolExecutor background;
    private volatile boolean closed;
    /** Whether somebody waited in vain for what was committed. */
    private volatile boolean doubted;

    private Consumer<Server> whenOpened = server -> {};

    Replicas(Server primary, Replication replication, ReplicaPolicy policy, List<Replica> all) {
        this.primary = primary;
        this.replication = replication;
        this.policy = policy;
        this.all = List.copyOf(all);
        this.seen = replication.positions() == null ? null : new Seen(primary, replication.positions());
    }

    boolean isEmpty() {
        return all.isEmpty();
    }

    /** Has somebody told of each replica that is taken into use; before any is. */
    void whenOpened(Consumer<Server> told) {
        whenOpened = told;
    }

    // ---- what is planned

    /**
     * What is needed to run a transaction that reads; where, is decided when it begins.
     *
     * @throws TxUnsupportedException if no server can do it
     */
    Prepared prepare(TxOptions options) {
        Reads reads = options.reads();
        if (reads instanceof Reads.Causal causal) {
            requirePositions(causal, options);
        }
        if (reads instanceof Reads.Primary || isEmpty()) {
            boolean checked = reads instanceof Reads.Causal causal && causal.token() != null;
            Prepared there = primary.prepare(options);
            return isEmpty() && !checked ? there : there.routed(options);
        }
        TxUnsupportedException refused = null;
        for (Replica replica : all) {
            Server server = replica.server();
            if (server != null) {
                try {
                    return onReplica(server, options);
                } catch (TxUnsupportedException e) {
                    refused = e;
                }
            }
        }
        try {
            return onPrimary(options); // which may be able to do more
        } catch (TxUnsupportedException e) {
            throw refused == null ? e : refused;
        }
    }

    private void requirePositions(Reads.Causal causal, TxOptions options) {
        CausalToken token = causal.token();
        if (seen == null && (token != null || !isEmpty())) {
            throw new TxUnsupportedException(
                    "reads CAUSAL is asked for, and " + primary.profile.server()
                            + " does not tell the positions of commits: ask for sticky or primary reads",
                    options.label());
        }
        if (seen != null && token != null) {
            seen.check(token, options.label());
        }
    }

    /**
     * What is needed to run it there. It is read-only even where it only intends to be: what is written to a replica that lets
     * it through would be lost.
     */
    static Prepared onReplica(Server server, TxOptions options) {
        boolean enforced = server.profile.has(Feature.READ_ONLY);
        return server.prepare(enforced ? options.readOnly() : options).routed(options);
    }

    /**
     * What is needed to run on the primary what might have gone to a replica. It is read-only, too, where that can be had: whether
     * a write passes must not depend on who was healthy.
     */
    Prepared onPrimary(TxOptions options) {
        boolean enforced = primary.profile.has(Feature.READ_ONLY) && !(options.reads() instanceof Reads.Primary);
        if (enforced && !isEmpty()) {
            try {
                return primary.prepare(options.readOnly()).routed(options);
            } catch (TxUnsupportedException asksForMore) { // than who only reads can have
                return primary.prepare(options).routed(options);
            }
        }
        return primary.prepare(options).routed(options);
    }

    // ---- what a route asks

    /** What a transaction asks for, or gets where it asks for nothing. */
    Reads reads(TxOptions options) {
        Reads asked = options.reads();
        if (asked != null) {
            return asked;
        }
        return seen == null ? Reads.sticky(policy.stickyFor()) : Reads.causal();
    }

    /** The healthy ones, the one to try first in front. */
    List<Replica> inOrder() {
        List<Replica> healthy = new ArrayList<>(all.size());
        int first = Math.floorMod(turn.getAndIncrement(), all.size());
        for (int i = 0; i < all.size(); i++) {
            Replica next = all.get((first + i) % all.size());
            if (next.isHealthy()) {
                healthy.add(next);
            }
        }
        if (policy.choice() == ReplicaPolicy.Choice.LEAST_IN_USE) {
            healthy.sort(Comparator.comparingInt(replica -> replica.inUse.get())); // stable
        }
        return healthy;
    }

    /**
     * Whether a transaction that reads is not to go to a pool of readers that is no replica by name: these follow the primary as
     * replicas do, and nobody knows how far.
     *
     * @throws TxUnsupportedException if it asks for what can never be known there
     */
    boolean keepsFromReaders(TxOptions options, long now) {
        Reads reads = reads(options);
        if (reads instanceof Reads.Causal && seen == null) {
            throw new TxUnsupportedException(
                    "reads CAUSAL is asked for, and " + primary.profile.server()
                            + " does not tell the positions of commits: ask for sticky or primary reads",
                    options.label());
        }
        return reads instanceof Reads.Causal
                || (reads instanceof Reads.Sticky sticky
                        && hasCommittedSince(sticky.duration().toNanos(), now));
    }

    /** Whether something was committed such a short time ago. */
    boolean hasCommittedSince(long nanos, long now) {
        long last = committedAt.get();
        return last != Long.MIN_VALUE && now - last < nanos;
    }

    /** There was a commit, or may have been one. */
    void committed(@Nullable String position, long now) {
        committedAt.set(now);
        if (seen != null && !isEmpty()) { // or whoever asks, asks the primary
            seen.committed(position);
        }
    }

    /** Names all that was committed. */
    CausalToken token(Deadline within) {
        if (seen == null) {
            throw noPositions(primary);
        }
        try {
            if (isEmpty()) {
                seen.committed(null);
            }
            return seen.token(within);
        } catch (SQLException e) {
            throw new TxException(
                    "The position of the last commit could not be asked of " + primary.profile + ": " + e.getMessage()
                            + "; try again when it answers",
                    null,
                    null,
                    e);
        } catch (InterruptedException e) {
            Current.keepInterrupt();
            throw new TxException(
                    "Interrupted while the position of the last commit was asked of " + primary.profile + "; ask again",
                    null,
                    null,
                    e);
        }
    }

    static TxUnsupportedException noPositions(Server primary) {
        return new TxUnsupportedException("A causal token is asked for, and " + primary.profile.server()
                + " does not tell the positions of commits: ask for sticky or primary reads");
    }

    /** What is wrong with each. */
    String describe() {
        return String.join("; ", all.stream().map(Replica::toString).toList());
    }

    // ---- health

    /**
     * Asks all of them what they are, waits for that as long as one may take, and goes on asking in the background.
     *
     * @throws TxException if one is no replica of the primary
     */
    void start() {
        if (isEmpty()) {
            return;
        }
        List<Future<?>> first = new ArrayList<>();
        all.forEach(replica -> first.add(Source.WAITERS.submit(() -> probe(replica))));
        Deadline within = Deadline.after(System.nanoTime(), Limit.ACQUIRE, policy.answerWithin());
        for (Future<?> each : first) {
            try {
                each.get(Math.max(0, within.left(System.nanoTime())), TimeUnit.NANOSECONDS);
            } catch (java.util.concurrent.TimeoutException late) {
                break;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                break;
            } catch (java.util.concurrent.ExecutionException e) {
                throw new IllegalStateException(e.getCause());
            }
        }
        for (Replica replica : all) {
            if (replica.health() == Replica.Health.MISFIT) {
                throw new TxException(
                        "A server that is no replica of " + primary.profile + " was given as one: " + replica
                                + "; leave it out",
                        null,
                        null,
                        null);
            }
        }
        ScheduledThreadPoolExecutor thread = new ScheduledThreadPoolExecutor(1, task -> {
            Thread made = new Thread(task, "holdfast-replicas");
            made.setDaemon(true);
            return made;
        });
        long pause = policy.probeEvery().toNanos();
        Future<?> unused = thread.scheduleWithFixedDelay(this::probeAll, pause, pause, TimeUnit.NANOSECONDS);
        background = thread;
    }

    void close() {
        closed = true;
        if (background != null) {
            background.shutdownNow();
        }
    }

    /** No replica had seen in time what must be seen: perhaps the primary has not either, any more. */
    void doubt() {
        doubted = true;
    }

    /** Each on a thread of its own, so that none waits for another that does not answer. */
    private void probeAll() {
        Seen committed = seen;
        if (doubted && committed != null) {
            doubted = false;
            Source.WAITERS.execute(() -> forgetLost(committed));
        }
        for (Replica replica : all) {
            if (replica.health() != Replica.Health.MISFIT) {
                Source.WAITERS.execute(() -> probe(replica));
            }
        }
    }

    private void forgetLost(Seen committed) {
        try {
            committed.forgetLost(Deadline.after(System.nanoTime(), Limit.ACQUIRE, policy.answerWithin()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (SQLException | RuntimeException e) {
            doubted = true;
            Log.LOGGER.log(System.Logger.Level.DEBUG, "What the primary has lost could not be asked", e);
        }
    }

    private void probe(Replica replica) {
        if (!replica.probed.compareAndSet(false, true)) {
            return;
        }
        try {
            if (isBusy(replica)) {
                return; // no connection is left to ask by, and those who have them will tell
            }
            Deadline within = Deadline.after(System.nanoTime(), Limit.ACQUIRE, policy.answerWithin());
            Server server = opened(replica, within);
            if (server != null) {
                replica.answered(Asking.ask(server, replication.question(), null, within));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (SQLException | RuntimeException | Error e) {
            if (!closed && !isBusy(replica)) {
                replica.failed(e);
            }
        } finally {
            replica.probed.set(false);
        }
    }

    private static boolean isBusy(Replica replica) {
        Server known = replica.server();
        return known != null && known.source.isExhausted();
    }

    /** The server, looked at once whether it is one of the primary's; null if it is not. */
    private @Nullable Server opened(Replica replica, Deadline within) throws SQLException, InterruptedException {
        Server server;
        try {
            server = replica.opened(within);
        } catch (TxUnsupportedException e) {
            replica.misfits(String.valueOf(e.getMessage()));
            return null;
        }
        if (!replica.fits()) {
            if (isMisfit(replica, server, within)) {
                return null;
            }
            whenOpened.accept(server);
            replica.found();
        }
        return server;
    }

    private boolean isMisfit(Replica replica, Server server, Deadline within)
            throws SQLException, InterruptedException {
        if (!server.dialect.name().equals(primary.dialect.name())
                || !server.profile.flavour().equals(primary.profile.flavour())) {
            replica.misfits("it is another kind of database than " + primary.profile);
            return true;
        }
        Positions positions = replication.positions();
        if (seen == null || positions == null) {
            return false;
        }
        String here = seen.system(within);
        String there = new Seen(server, positions).system(within);
        if (!here.equals(there)) {
            replica.misfits("it is of another database, " + there + ", than its primary, " + here);
            return true;
        }
        return false;
    }
}
