package dev.holdfast.tx.testkit.history;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.testkit.Facts;
import dev.holdfast.tx.testkit.Threads;
import dev.holdfast.tx.testkit.history.Recorded.Status;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** Sessions that run transactions through a transactor at the same time, and write down what they were told. */
final class Load {
    /** How many sessions there are; as many connections are needed. */
    static final int SESSIONS = 6;

    /** Does the work of a transaction, and writes down what it does. */
    @FunctionalInterface
    interface Body {
        void run(Tx tx, List<Op> done) throws Exception;
    }

    /** One transaction. */
    record Job(TxOptions options, Body body) {}

    /** With fewer committed a history says little, and the load goes on for a while, in {@link #run}. */
    private static final int ENOUGH = 300;

    /** How many times the limit it goes on at the most. */
    private static final int PATIENT = 4;

    /** A failure that took so long was a deadlock that the database found late; with fewer sessions there are fewer. */
    private static final Duration SLOW_FAILURE = Duration.ofMillis(500);

    private static final int FEWEST_SESSIONS = 2;

    private final AtomicInteger clock = new AtomicInteger();
    private final Map<String, Integer> failures = new TreeMap<>();
    private final AtomicInteger committed = new AtomicInteger();
    private final AtomicInteger sessionsLeft = new AtomicInteger(SESSIONS);
    private volatile boolean stop;

    /**
     * Runs so many transactions, or as many as begin in time.
     *
     * @param limit after which none begins, unless hardly any was committed
     * @param job what to do, by the number of the transaction, from 1
     * @throws Exception what a transaction threw that is neither the database's nor told by the engine
     */
    List<Recorded> run(Transactor db, int transactions, Duration limit, IntFunction<Job> job) throws Exception {
        long began = System.nanoTime();
        AtomicInteger numbers = new AtomicInteger();
        List<CompletableFuture<List<Recorded>>> sessions = new ArrayList<>();
        for (int session = 0; session < SESSIONS; session++) {
            int name = session;
            sessions.add(Threads.supply(() -> {
                List<Recorded> done = new ArrayList<>();
                try {
                    int number = numbers.incrementAndGet();
                    while (number <= transactions && name < sessionsLeft.get() && goesOn(began, limit)) {
                        done.add(once(db, number, name, job.apply(number)));
                        number = numbers.incrementAndGet();
                    }
                } catch (Throwable e) {
                    stop = true;
                    throw Facts.sneaky(e);
                }
                return done;
            }));
        }
        List<Recorded> all = new ArrayList<>();
        try {
            for (CompletableFuture<List<Recorded>> session : sessions) {
                all.addAll(session.get());
            }
        } catch (ExecutionException e) {
            throw unwrapped(e);
        } finally {
            stop = true; // also when this one was interrupted
        }
        return all;
    }

    private boolean goesOn(long began, Duration limit) {
        long passed = System.nanoTime() - began;
        return !stop && (passed < limit.toNanos() || (committed.get() < ENOUGH && passed < PATIENT * limit.toNanos()));
    }

    private static Exception unwrapped(ExecutionException e) {
        if (e.getCause() instanceof Error error) {
            throw error;
        }
        return e.getCause() instanceof Exception cause ? cause : e;
    }

    /**
     * Reads what is there when all have ended.
     *
     * @throws IllegalStateException if that cannot be read
     */
    Recorded observe(Transactor db, int number, Body body) throws Exception {
        Recorded seen = once(db, number, Recorded.OBSERVER, new Job(TxOptions.none(), body));
        if (seen.status() != Status.OK) {
            throw new IllegalStateException("what is there at the end cannot be read: " + failures());
        }
        return seen;
    }

    /** Runs one transaction. */
    Recorded once(Transactor db, int number, int session, Job job) throws Exception {
        List<Op> done = new ArrayList<>();
        int began = clock.incrementAndGet();
        long since = System.nanoTime();
        Status status = Status.OK;
        try {
            db.execute(job.options(), tx -> job.body().run(tx, done));
            committed.incrementAndGet();
        } catch (TxOutcomeUnknownException e) {
            status = Status.UNKNOWN;
            failed("unknown outcome", null);
        } catch (TxException e) {
            status = Status.FAILED;
            failed(e.getClass().getSimpleName(), e.sqlState());
        } catch (Exception e) {
            if (!(e instanceof SQLException sql)) {
                throw e;
            }
            status = Status.FAILED;
            String state = sql.getSQLState();
            failed(e.getClass().getSimpleName(), state == null ? String.valueOf(sql.getErrorCode()) : state);
        }
        if (status == Status.FAILED && System.nanoTime() - since > SLOW_FAILURE.toNanos()) {
            sessionsLeft.set(FEWEST_SESSIONS);
        }
        return new Recorded(number, session, began, clock.incrementAndGet(), status, done);
    }

    private void failed(String what, @Nullable String code) {
        synchronized (failures) {
            failures.merge(code == null ? what : what + " " + code, 1, Integer::sum);
        }
    }

    /** How transactions that did not end well ended, and how many. */
    Map<String, Integer> failures() {
        synchronized (failures) {
            return new TreeMap<>(failures);
        }
    }
}
