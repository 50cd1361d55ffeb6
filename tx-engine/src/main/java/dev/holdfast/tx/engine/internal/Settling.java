package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.Outcome.Reason;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.TxTimeoutException.Limit;
import dev.holdfast.tx.spi.Settlement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Finds out what became of a transaction whose COMMIT was not answered, where it was asked to be verifiable. The questions are
 * asked on a thread of their own, so that a server that does not answer keeps the caller no longer than it is to wait.
 */
final class Settling {
    private static final Duration PAUSE = Duration.ofMillis(50);

    private static final String COMMITTED = "committed";
    private static final String ABORTED = "aborted";
    private static final String IN_PROGRESS = "in progress";

    /** It was asked, and stays unknown. */
    static final class NotSettled extends TxStateException {
        private static final long serialVersionUID = 1L;

        NotSettled(String message, @Nullable Throwable cause) {
            super(message, cause);
        }
    }

    private final Engine engine;
    private final Server server;
    private final Settlement settlement;
    private final Map<String, String> slots;
    private final Deadline bound;
    private final CompletableFuture<String> answer = new CompletableFuture<>();

    // guarded by this
    private boolean over;
    private @Nullable Lease asking;
    private boolean asked;
    private @Nullable Throwable lastError;
    private @Nullable String lastAnswer;

    private Settling(Engine engine, Server server, Settlement settlement, Map<String, String> slots, Deadline bound) {
        this.engine = engine;
        this.server = server;
        this.settlement = settlement;
        this.slots = slots;
        this.bound = bound;
    }

    /**
     * Asks on fresh connections until the server knows, or the time is up. An interrupt does not cut it short.
     *
     * @param slots what the lost transaction had read, or was given
     * @param lost how the answer was lost
     */
    static Outcome settle(Transaction transaction, Map<String, String> slots, Throwable lost) {
        Server server = transaction.prepared.server();
        Settlement settlement = server.settlement;
        if (!transaction.prepared.options().isVerifiable() || settlement == null) {
            return new Outcome.Unknown(lost);
        }
        Engine engine = transaction.engine;
        long start = engine.now();
        Outcome outcome = settled(transaction, server, settlement, slots, lost);
        engine.tell(() -> new TxEvent.Settled(
                transaction.id(),
                transaction.prepared.options().label(),
                outcome,
                Duration.ofNanos(engine.now() - start)));
        return outcome;
    }

    private static Outcome settled(
            Transaction transaction, Server server, Settlement settlement, Map<String, String> slots, Throwable lost) {
        Engine engine = transaction.engine;
        Deadline bound = Deadline.after(engine.now(), Limit.ACQUIRE, engine.settleWithin);
        Settling settling = new Settling(engine, server, settlement, slots, bound);
        String answer = settling.await();
        if (COMMITTED.equals(answer)) {
            if (server.markers != null) {
                server.markers.committed(slots);
            }
            return new Outcome.Committed();
        }
        if (ABORTED.equals(answer)) {
            return new Outcome.RolledBack(Reason.COMMIT_REFUSED, lost);
        }
        Thrown.suppress(lost, settling.notSettled());
        return new Outcome.Unknown(lost);
    }

    /** The last word, or null if there is none in time. */
    private @Nullable String await() {
        Source.WAITERS.execute(this::ask);
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return answer.get(Math.max(0, bound.left(engine.now())), TimeUnit.NANOSECONDS);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } catch (TimeoutException e) {
            giveUp();
            return null;
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private synchronized NotSettled notSettled() {
        String nothing = asked ? "the server did not answer" : "no connection could ask";
        String what = lastAnswer == null ? nothing : "the server's last answer was '" + lastAnswer + "'";
        return new NotSettled("It could not be settled within " + bound.length() + ": " + what, lastError);
    }

    /** The connection that asks may never be answered: it is cut. */
    private void giveUp() {
        Lease stuck;
        synchronized (this) {
            over = true;
            stuck = asking;
        }
        if (stuck != null) {
            Source.WAITERS.execute(() -> cut(stuck)); // some drivers keep who aborts waiting for what is asked
        }
    }

    private static void cut(Lease stuck) {
        try {
            stuck.connection.abort(Runnable::run);
        } catch (SQLException | RuntimeException e) {
            Log.LOGGER.log(System.Logger.Level.DEBUG, "A connection that asked for an outcome was not cut", e);
        }
    }

    private void ask() {
        try {
            while (!isOver()) {
                String said = askOnce();
                if (said != null && !IN_PROGRESS.equals(said)) {
                    answer.complete(said);
                    return;
                }
                engine.pause(PAUSE);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized boolean isOver() {
        return over;
    }

    /** One question; null if it could not be asked. */
    private @Nullable String askOnce() throws InterruptedException {
        Lease lease = null;
        try {
            lease = new Lease(server.source, server.source.acquire(bound));
            synchronized (this) {
                asking = lease;
                asked = true;
            }
            lease.answerTime().atMost(Duration.ofNanos(Math.max(1, bound.left(engine.now()))));
            lease.autocommit();
            lease.useSlots(slots);
            lease.perform(settlement.question());
            String said = lease.slots().getOrDefault(Settlement.OUTCOME, "unknown");
            release(lease, null, said);
            return said;
        } catch (SQLException | TimeoutException | RuntimeException | Error e) {
            if (lease != null) {
                release(lease, e, null);
            } else {
                remember(e, null);
            }
            return null;
        }
    }

    private void release(Lease lease, @Nullable Throwable error, @Nullable String said) {
        boolean isCut;
        synchronized (this) {
            asking = null;
            isCut = over; // or will be, when others may have it
        }
        remember(error, said);
        if (error != null || isCut) {
            lease.evict();
            return;
        }
        try {
            lease.giveBack();
        } catch (SQLException | RuntimeException e) {
            lease.evict();
        }
    }

    private synchronized void remember(@Nullable Throwable error, @Nullable String said) {
        if (error != null) {
            lastError = error;
        } else {
            lastAnswer = said;
            lastError = null;
        }
    }
}
