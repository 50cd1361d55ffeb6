package dev.holdfast.tx.testkit.interleaving;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.UnmanagedTx;
import dev.holdfast.tx.testkit.Facts;
import dev.holdfast.tx.testkit.Threads;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** One session: a thread that takes the steps of a transaction in turn. */
final class Lane {
    private static final ThreadLocal<@Nullable Lane> CURRENT = new ThreadLocal<>();

    private final String name;
    private final Transactor db;
    private final Supplier<UnmanagedTx> begins;
    private final UnaryOperator<String> filled;
    private final Runnable disturbance;
    private final BlockingQueue<Work> queue = new LinkedBlockingQueue<>();
    private final List<Step> steps = new ArrayList<>(); // guarded by this
    private int pending; // guarded by this
    private boolean told; // of an end; touched by the conductor's thread alone
    private @Nullable UnmanagedTx tx; // touched by the lane's thread alone
    private boolean over; // by the lane's thread alone
    private volatile @Nullable String sessionId;
    private volatile @Nullable Connection physical;
    private volatile @Nullable Thread thread;

    private record Work(@Nullable Step step) {}

    Lane(String name, Transactor db, Supplier<UnmanagedTx> begins, UnaryOperator<String> filled, Runnable disturbance) {
        this.name = name;
        this.db = db;
        this.begins = begins;
        this.filled = filled;
        this.disturbance = disturbance;
        var unused = Threads.run(this::work);
    }

    /** The lane whose thread this is; null on any other thread. */
    static @Nullable Lane current() {
        return CURRENT.get();
    }

    String name() {
        return name;
    }

    /** The id that the server gives the session; null while it is not known. */
    @Nullable
    String sessionId() {
        return sessionId;
    }

    void isSession(String id) {
        sessionId = id;
    }

    /** The driver's own connection; null while it is not known. */
    @Nullable
    Connection physical() {
        return physical;
    }

    void isOn(Connection connection) {
        physical = connection;
    }

    /**
     * Whether its thread is in the middle of a step and does not run, nor could it: it waits inside this JVM, as it does for a
     * lock of a database that is embedded. A thread that waits for a server counts as running.
     */
    boolean isParked() {
        Thread its = thread;
        Step step = head();
        if (its == null || step == null || step.startedAt() == 0 || step.act.kind == Act.Kind.BEGIN) {
            return false; // it may wait for the pool
        }
        return switch (its.getState()) {
            case BLOCKED, WAITING, TIMED_WAITING -> true;
            default -> false;
        };
    }

    @Nullable
    Thread thread() {
        return thread;
    }

    // ---- the conductor's side

    void submit(Step step) {
        if (told) {
            throw new IllegalStateException(name + " has ended: " + step);
        }
        told = step.act.kind.isEnd();
        synchronized (this) {
            steps.add(step);
            pending++;
        }
        queue.add(new Work(step));
    }

    boolean hasBegun() {
        synchronized (this) {
            return !steps.isEmpty();
        }
    }

    boolean isToldToEnd() {
        return told;
    }

    synchronized List<Step> steps() {
        return List.copyOf(steps);
    }

    /** Waits until all steps so far are done; answers whether they are. */
    synchronized boolean idleWithin(Duration bound) throws InterruptedException {
        long end = System.nanoTime() + bound.toNanos();
        while (pending > 0) {
            long left = (end - System.nanoTime()) / 1_000_000;
            if (left <= 0) {
                return false;
            }
            wait(left);
        }
        return true;
    }

    /** The step that is being taken; null if none is. */
    @Nullable
    Step head() {
        for (Step step : steps()) {
            if (step.finishedAt() == 0) {
                return step;
            }
        }
        return null;
    }

    void stop() {
        queue.add(new Work(null));
    }

    // ---- the session's side

    private void work() throws InterruptedException {
        CURRENT.set(this);
        thread = Thread.currentThread();
        for (Step step = queue.take().step(); step != null; step = queue.take().step()) {
            take(step);
            synchronized (this) {
                pending--;
                notifyAll();
            }
        }
    }

    private void take(Step step) {
        if (over) {
            step.dropped();
            return;
        }
        try {
            disturbance.run();
            String text = filled.apply(step.act.text);
            step.started(text);
            perform(step, text);
        } catch (Throwable e) {
            over = true;
            step.failed(e, classified(e));
            leave();
        }
    }

    private @Nullable Failure classified(Throwable thrown) {
        try {
            return db.classify(thrown);
        } catch (RuntimeException e) {
            thrown.addSuppressed(e);
            return null;
        }
    }

    private void perform(Step step, String text) throws Exception {
        Act act = step.act;
        switch (act.kind) {
            case BEGIN -> {
                tx = begins.get();
                tx.open();
                step.did("ok", List.of(), 0);
            }
            case READ -> read(step, text);
            case LOCK -> {
                String sql = act.lock == null ? text : running().lock(act.lock, text);
                step.isSent(sql);
                read(step, sql);
            }
            case WRITE -> {
                try (PreparedStatement statement = running().connection().prepareStatement(text)) {
                    int rows = statement.executeUpdate();
                    step.did(rows + (rows == 1 ? " row" : " rows"), List.of(), rows);
                }
            }
            case OTHER -> {
                List<Integer> values = act.body == null ? List.of() : act.body.apply(running());
                step.did(shown(values), values, 0);
            }
            case COMMIT -> {
                running().commit();
                over = true;
                step.did("ok", List.of(), 0);
            }
            case ROLLBACK -> {
                over = true;
                running().rollback();
                step.did("ok", List.of(), 0);
            }
        }
    }

    private void read(Step step, String sql) throws SQLException {
        List<Integer> values = new ArrayList<>();
        try (PreparedStatement statement = running().connection().prepareStatement(sql);
                ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                values.add(rows.getInt(1));
            }
        }
        step.did(shown(values), values, 0);
    }

    private static String shown(List<Integer> values) {
        if (values.isEmpty()) {
            return "nothing";
        }
        return values.size() == 1 ? String.valueOf(values.get(0)) : values.toString();
    }

    private UnmanagedTx running() {
        if (tx == null) {
            throw new IllegalStateException(name + " has not begun");
        }
        return tx;
    }

    /** After an error: what is left is rolled back. */
    private void leave() {
        if (tx != null) {
            Facts.thrownBy(tx::close); // the error before it is the one that tells
        }
    }
}
