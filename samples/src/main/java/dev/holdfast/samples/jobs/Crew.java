package dev.holdfast.samples.jobs;

import dev.holdfast.tx.Tx;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;

/** Workers that drain a queue together. In place of one that crashes another is hired. */
final class Crew {
    static final int SIZE = 8;
    private static final int AT_ONCE = 25;
    private static final Duration BREAK = Duration.ofMillis(5);

    /**
     * What a crash undid.
     *
     * @param worker who crashed
     * @param jobs that it had done, or was at, in the transaction that was rolled back
     */
    record Undone(int worker, Set<Integer> jobs) {}

    private final JobQueue queue;
    private final Accidents accidents;
    private final AtomicInteger hired = new AtomicInteger();
    private final Queue<Undone> undone = new ConcurrentLinkedQueue<>();
    private final LongAdder turns = new LongAdder();

    Crew(JobQueue queue, Accidents accidents) {
        this.queue = queue;
        this.accidents = accidents;
    }

    /** Comes back when no job is left. */
    void drain() throws InterruptedException, ExecutionException {
        ExecutorService threads = Executors.newFixedThreadPool(SIZE);
        try {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < SIZE; i++) {
                all.add(threads.submit(this::workUntilAllIsDone));
            }
            for (Future<?> one : all) {
                one.get();
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private void workUntilAllIsDone() {
        int worker = hired.incrementAndGet();
        while (queue.isOpen()) {
            if (!survives(worker)) {
                worker = hired.incrementAndGet();
            }
        }
    }

    /** Works until no job is free; answers whether the worker is still there. */
    private boolean survives(int worker) {
        Set<Integer> begun = new LinkedHashSet<>();
        try {
            while (queue.work(AT_ONCE, (tx, job) -> carryOut(tx, worker, job, begun)) > 0) {
                begun.clear();
                turns.increment();
            }
        } catch (Crash e) {
            undone.add(new Undone(worker, begun));
            return false;
        }
        LockSupport.parkNanos(BREAK.toNanos()); // others are at what is left; if one of them crashes, it is free again
        return true;
    }

    private void carryOut(Tx tx, int worker, int job, Set<Integer> begun) throws SQLException {
        begun.add(job);
        try (PreparedStatement statement =
                tx.connection().prepareStatement("insert into job_done (job, worker) values (?, ?)")) {
            statement.setInt(1, job);
            statement.setInt(2, worker);
            statement.executeUpdate();
        }
        accidents.pass(tx, worker, job);
    }

    /** What crashes undid, one entry each. */
    List<Undone> undone() {
        return List.copyOf(undone);
    }

    /** How many transactions did jobs and were committed. */
    long turns() {
        return turns.sum();
    }
}
