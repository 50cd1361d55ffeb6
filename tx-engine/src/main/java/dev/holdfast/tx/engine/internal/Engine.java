package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.Ambient;
import dev.holdfast.tx.CausalToken;
import dev.holdfast.tx.Completion;
import dev.holdfast.tx.Reads;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxListener;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.TxTimeoutException;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.FixtureHooks;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What the transactors of one database share: its servers, listeners, clock and limits. */
public final class Engine {
    final Server primary;
    final @Nullable Server readers;
    /** Where what is started inside a running scope gets its own connection; null for where all do. */
    final @Nullable Server separate;

    private final @Nullable Replicas replicas;
    final Ambient ambient;
    final Duration patience;
    /** How long is asked what became of a lost commit. */
    final Duration settleWithin;
    /** How long the answer to COMMIT or ROLLBACK is waited for under a whole timeout. */
    final Duration endWithin;

    final Failures failures;
    /** Null where transactions are not watched. */
    final @Nullable Watch watch;

    private final List<TxListener> listeners;
    private final Runnable onClose;
    private final AtomicBoolean closed = new AtomicBoolean();
    private final AtomicLong transactions = new AtomicLong();

    /**
     * An engine.
     *
     * @param primary takes everything
     * @param readers take what is read-only; null if there are none
     * @param separate takes what is started inside a running scope on a connection of its own; null if the primary does
     * @param replicas follow the primary, perhaps none; null if there cannot be any
     * @param patience how long a thread waits for its turn on a connection
     * @param settleWithin how long is asked what became of a lost commit
     * @param endWithin how long the answer to COMMIT or ROLLBACK is waited for under a whole timeout
     * @param warnAfter how long a transaction may be open before that is warned of; null for ever
     * @param onClose closes what was opened for the engine
     */
    Engine(
            Server primary,
            @Nullable Server readers,
            @Nullable Server separate,
            @Nullable Replicas replicas,
            Ambient ambient,
            Duration patience,
            Duration settleWithin,
            Duration endWithin,
            @Nullable Duration warnAfter,
            List<TxListener> listeners,
            Runnable onClose) {
        this.primary = primary;
        this.readers = readers;
        this.separate = separate;
        this.replicas = replicas;
        this.ambient = ambient;
        this.patience = patience;
        this.settleWithin = settleWithin;
        this.endWithin = endWithin;
        this.listeners = List.copyOf(listeners);
        this.watch = warnAfter == null ? null : new Watch(warnAfter, event -> tell(() -> event));
        this.onClose = onClose;
        this.failures = new Failures(primary);
        hearOfDead(primary);
        if (readers != null) {
            hearOfDead(readers);
        }
        if (separate != null) {
            hearOfDead(separate);
        }
        if (replicas != null) {
            replicas.whenOpened(this::hearOfDead);
        }
    }

    private void hearOfDead(Server server) {
        server.source.whenDead(() -> tell(() -> new TxEvent.Evicted(
                0, null, "it was dead when it was looked at, because another one had been lost", null)));
    }

    /**
     * What is needed to run a transaction with these options, on the server they lead to.
     *
     * @throws TxUnsupportedException if that server cannot do it
     */
    Prepared prepare(TxOptions options) {
        Access access = options.access();
        boolean reading = access == Access.READ_ONLY || access == Access.READ_ONLY_HINT;
        Reads reads = options.reads();
        if (options.get(FixtureHooks.OPTION) != null && options.completion() != Completion.FIXTURE) {
            throw new TxUnsupportedException(
                    "fixtureHooks is asked for without completion FIXTURE; only a test fixture has hooks inside it",
                    options.label());
        }
        if (reads != null && !reading) {
            throw new TxUnsupportedException(
                    "reads " + reads + " is asked for without read-only access; add readOnly() or readOnlyHint()",
                    options.label());
        }
        if (reads instanceof Reads.Causal causal
                && causal.token() != null
                && (replicas == null || replicas.seen == null)) {
            throw new TxUnsupportedException(
                    "reads CAUSAL is asked for with a token, and " + primary.profile.server()
                            + " does not tell the positions of commits: leave the token out, or ask for primary reads",
                    options.label());
        }
        if (replicas != null && reading && !(replicas.isEmpty() && readers != null)) {
            return replicas.prepare(options);
        }
        if (readers != null && reading && !(reads instanceof Reads.Primary)) {
            if (replicas != null && replicas.keepsFromReaders(options, now())) {
                try {
                    return primary.prepare(options).insteadOfReaders();
                } catch (TxUnsupportedException asksForMore) { // such as READ_ONLY of SQL Server
                    if (reads != null) {
                        throw asksForMore;
                    }
                }
            }
            try {
                return readers.prepare(options);
            } catch (TxUnsupportedException notThere) {
                return primary.prepare(options); // which may be able to do more, and else says why not
            }
        }
        return primary.prepare(options);
    }

    /** Whether it depends on what was committed where such a transaction leads. */
    boolean mayLeadElsewhere(Prepared prepared) {
        return replicas != null && prepared.server() == readers;
    }

    /** What may take transactions that read; only where there can be any. */
    Replicas replicas() {
        return Objects.requireNonNull(replicas, "nothing is routed without replicas");
    }

    /**
     * Names all that was committed.
     *
     * @throws TxUnsupportedException if commits have no positions
     */
    CausalToken token() {
        requireOpen();
        if (replicas == null) {
            throw Replicas.noPositions(primary);
        }
        return replicas.token(Deadline.after(now(), TxTimeoutException.Limit.ACQUIRE, primary.source.patience()));
    }

    /**
     * There was a commit, or may have been one.
     *
     * @param position null if it was not told
     */
    void committed(@Nullable String position) {
        if (replicas != null) {
            replicas.committed(position, now());
        }
    }

    /** As {@link #prepare}, for a transaction that is started now: inside another one it has a pool of its own, if there is one. */
    Prepared prepareToStart(TxOptions options) {
        Prepared prepared = prepare(options);
        Server there = toStart();
        boolean isThere = there == primary || prepared.routed() || prepared.server() != primary;
        return isThere ? prepared : there.prepare(options);
    }

    /** Where what writes gets a connection if it is started now. */
    Server toStart() {
        return separate != null && Current.isInsideAny(this) ? separate : primary;
    }

    void requireOpen() {
        if (closed.get()) {
            throw new TxStateException("This transactor for " + primary.profile
                    + " was closed; make another with Holdfast.connect or Holdfast.builder");
        }
    }

    void requireOpenForJdbc() throws SQLException {
        try {
            requireOpen();
        } catch (TxStateException e) {
            throw Refused.of(e);
        }
    }

    void close() {
        if (closed.compareAndSet(false, true)) {
            if (replicas != null) {
                replicas.close();
            }
            if (watch != null) {
                watch.close();
            }
            if (primary.markers != null) {
                primary.markers.close(this, primary.source);
            }
            if (separate != null && separate.markers != null) {
                separate.markers.close(this, separate.source);
            }
            onClose.run();
        }
    }

    long nextTransaction() {
        return transactions.incrementAndGet();
    }

    long now() {
        return System.nanoTime();
    }

    double jitter() {
        return ThreadLocalRandom.current().nextDouble();
    }

    /** Waits between two attempts; an interrupt ends the wait. */
    void pause(Duration delay) throws InterruptedException {
        TimeUnit.NANOSECONDS.sleep(delay.toNanos());
    }

    /** Whether anybody listens or watches: what only they need is not worked out otherwise. */
    boolean isHeard() {
        return !listeners.isEmpty() || watch != null;
    }

    /** Tells the listeners, if there are any; an event is made for them alone. */
    void tell(Supplier<TxEvent> event) {
        if (!isHeard()) {
            return;
        }
        TxEvent made = event.get();
        for (TxListener listener : listeners) {
            try {
                listener.on(made);
            } catch (RuntimeException | Error e) { // none may keep a transaction from its end
                Log.LOGGER.log(System.Logger.Level.WARNING, "A transaction listener failed on " + made, e);
            }
        }
    }
}
