package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.Ambient;
import dev.holdfast.tx.Completion;
import dev.holdfast.tx.Reads;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxListener;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.FixtureHooks;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
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
    final Ambient ambient;
    final Duration patience;
    /** How long is asked what became of a lost commit. */
    final Duration settleWithin;

    final Failures failures;
    private final List<TxListener> listeners;
    private final Runnable onClose;
    private final AtomicBoolean closed = new AtomicBoolean();
    private final AtomicLong transactions = new AtomicLong();

    /**
     * An engine.
     *
     * @param primary takes everything
     * @param readers take what is read-only; null if there are none
     * @param patience how long a thread waits for its turn on a connection
     * @param settleWithin how long is asked what became of a lost commit
     * @param onClose closes what was opened for the engine
     */
    Engine(
            Server primary,
            @Nullable Server readers,
            Ambient ambient,
            Duration patience,
            Duration settleWithin,
            List<TxListener> listeners,
            Runnable onClose) {
        this.primary = primary;
        this.readers = readers;
        this.ambient = ambient;
        this.patience = patience;
        this.settleWithin = settleWithin;
        this.listeners = List.copyOf(listeners);
        this.onClose = onClose;
        this.failures = new Failures(primary);
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
        if (readers != null && reading && !(reads instanceof Reads.Primary)) {
            try {
                return readers.prepare(options);
            } catch (TxUnsupportedException notThere) {
                return primary.prepare(options); // which may be able to do more, and else says why not
            }
        }
        return primary.prepare(options);
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
            if (primary.markers != null) {
                primary.markers.close(this, primary.source);
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

    /** Whether anybody listens: what only events need is not worked out otherwise. */
    boolean isHeard() {
        return !listeners.isEmpty();
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
