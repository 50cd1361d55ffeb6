package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.TxEvent;
import java.lang.ref.Cleaner;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Looks after the transactions that are open: warns of each that is so for too long, and of each whose handle was lost. */
final class Watch {
    static final Cleaner CLEANER = Cleaner.create(Watch::thread);

    private static final long LOOKS_PER_LIMIT = 4;
    private static final long SHORTEST_PAUSE_NANOS = 1_000_000;

    private final Duration limit;
    private final Consumer<TxEvent> listeners;
    private final Set<Watched> open = ConcurrentHashMap.newKeySet();
    private @Nullable ScheduledThreadPoolExecutor timer;

    /**
     * A watch; {@link #start} has it look by itself.
     *
     * @param limit on how long a transaction should be open
     * @param listeners are told
     */
    Watch(Duration limit, Consumer<TxEvent> listeners) {
        this.limit = limit;
        this.listeners = listeners;
    }

    private static Thread thread(Runnable task) {
        Thread thread = new Thread(task, "holdfast-watch");
        thread.setDaemon(true);
        return thread;
    }

    /** Looks from time to time, on a thread that ends with {@link #close}. */
    void start() {
        timer = new ScheduledThreadPoolExecutor(1, Watch::thread);
        long pause = Math.max(SHORTEST_PAUSE_NANOS, limit.toNanos() / LOOKS_PER_LIMIT);
        Future<?> unused =
                timer.scheduleWithFixedDelay(() -> look(System.nanoTime()), pause, pause, TimeUnit.NANOSECONDS);
    }

    void close() {
        if (timer != null) {
            timer.shutdownNow();
        }
    }

    /** Watches a transaction that the caller opens now. */
    Watched opened(long id, @Nullable String label, long now) {
        Watched watched = new Watched(this, id, label, now);
        open.add(watched);
        return watched;
    }

    void forget(Watched watched) {
        open.remove(watched);
    }

    /** Warns of what is open for too long. */
    void look(long now) {
        for (Watched each : open) {
            Duration age = each.open(now);
            if (age.compareTo(limit) >= 0 && each.isNews()) {
                warn("A transaction is open for longer than " + limit, each, age);
                listeners.accept(new TxEvent.OpenTooLong(each.id, each.label, age, each.holds(), each.opened));
            }
        }
    }

    void lost(Watched lost) {
        forget(lost);
        Duration age = lost.open(System.nanoTime());
        warn("A transaction was never ended, and its handle is lost: close each one that begin() gives", lost, age);
        listeners.accept(new TxEvent.Leaked(lost.id, lost.label, age, lost.holds(), lost.opened));
    }

    private static void warn(String what, Watched watched, Duration age) {
        Log.LOGGER.log(
                System.Logger.Level.WARNING,
                what + " (label " + watched.label + ", number " + watched.id + ", open for " + age + ", holds "
                        + watched.holds() + ")",
                watched.opened);
    }
}
