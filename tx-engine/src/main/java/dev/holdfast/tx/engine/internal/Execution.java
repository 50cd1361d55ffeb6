package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.spi.DriverPort;
import dev.holdfast.tx.spi.Moment.Cancelled;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One execution that is watched over: by a limit or for a caller, with whose end it is cancelled, or for a row lock whose
 * waiting is limited by a setting.
 *
 * <p>A cancel that comes late must not hit the next statement. So it is either not begun when the execution is over, or
 * waited for. One that comes early hits nothing, as the driver has sent nothing yet. So it is made again until the
 * execution is over.
 */
final class Execution {
    private static final long FIRST_PAUSE_MILLIS = 100;
    private static final long LONGEST_PAUSE_MILLIS = 2_000;

    private static final ScheduledThreadPoolExecutor TIMER = timer();

    /** A cancel may have to connect to a server that does not answer: it must not hold up the limits of others. */
    private static final ExecutorService CANCELLERS = Executors.newCachedThreadPool(Execution::thread);

    final @Nullable Deadline deadline;
    final @Nullable PlannedLock lock;
    private final Statement statement;
    private final DriverPort port;
    private final CancelLatch latch = new CancelLatch();
    private @Nullable Future<?> alarm;
    private Caller.@Nullable Watch watch;
    private boolean failed;
    private volatile boolean byStatement;

    // guarded by the latch
    private Cancelled cancelled = Cancelled.NOT;

    private Execution(Statement statement, DriverPort port, @Nullable Deadline deadline, @Nullable PlannedLock lock) {
        this.statement = statement;
        this.port = port;
        this.deadline = deadline;
        this.lock = lock;
    }

    /**
     * An execution that is about to begin.
     *
     * @param port cancels it
     * @param deadline by which it must be over; null for no limit
     * @param lock that it takes; null for none, or one that needs no watching
     * @param caller whose cancelling ends it; null if nobody can cancel it
     */
    static Execution of(
            Statement statement,
            DriverPort port,
            @Nullable Deadline deadline,
            @Nullable PlannedLock lock,
            @Nullable Caller caller) {
        Execution execution = new Execution(statement, port, deadline, lock);
        if (deadline != null) {
            long left = Math.max(0, deadline.left(System.nanoTime()));
            execution.alarm = TIMER.schedule(() -> execution.cancelled(Cancelled.BY_LIMIT), left, TimeUnit.NANOSECONDS);
        }
        if (caller != null) {
            execution.watch = caller.whenCancelled(() -> execution.cancelled(Cancelled.BY_CALLER));
        }
        return execution;
    }

    private static ScheduledThreadPoolExecutor timer() {
        ScheduledThreadPoolExecutor timer = new ScheduledThreadPoolExecutor(1, Execution::thread);
        timer.setRemoveOnCancelPolicy(true);
        return timer;
    }

    private static Thread thread(Runnable task) {
        Thread thread = new Thread(task, "holdfast-deadlines");
        thread.setDaemon(true);
        return thread;
    }

    private void cancelled(Cancelled by) {
        synchronized (latch) {
            if (!latch.isOver() && cancelled == Cancelled.NOT) {
                cancelled = by;
                CANCELLERS.execute(this::cancelUntilOver);
                if (by == Cancelled.BY_CALLER) { // a limit has the driver wait no longer
                    Future<?> unused = TIMER.schedule(
                            () -> CANCELLERS.execute(this::cut), AnswerTime.OF_CANCEL.toNanos(), TimeUnit.NANOSECONDS);
                }
            }
        }
    }

    private void cancelUntilOver() {
        long pause = FIRST_PAUSE_MILLIS;
        while (latch.begins()) {
            try {
                port.cancel(statement);
            } catch (SQLException | RuntimeException e) {
                Log.LOGGER.log(System.Logger.Level.DEBUG, "A statement could not be cancelled", e);
            } finally {
                latch.ends(pause);
            }
            pause = Math.min(2 * pause, LONGEST_PAUSE_MILLIS);
        }
    }

    /** The server does not answer the cancel either: its caller has nothing to wait for any more. */
    private void cut() {
        if (!latch.beginsCut()) {
            return;
        }
        try {
            Source.physical(statement.getConnection()).abort(Runnable::run);
        } catch (SQLException | RuntimeException e) {
            Log.LOGGER.log(System.Logger.Level.DEBUG, "A connection could not be cut", e);
        } finally {
            latch.endsCut();
        }
    }

    /** The execution is over, well or not: no cancel comes after this returned. */
    void over() {
        if (alarm != null) {
            alarm.cancel(false);
        }
        if (watch != null) {
            watch.close();
        }
        if (alarm != null || watch != null) {
            latch.over();
        }
    }

    /** As {@link #over}, where the connection is gone: a cancel that is on its way hits nothing, and may never arrive. */
    void overForGood() {
        latch.overForGood();
        over();
    }

    /** Somebody has called the statement's own cancel. */
    void cancelledByCaller() {
        byStatement = true;
    }

    void fail() {
        failed = true;
    }

    boolean isFailed() {
        return failed;
    }

    /** The limit that a failure comes of, if it was cancelled for one; null if not. */
    @Nullable
    Deadline expired(Failure failure) {
        return cancelled() == Cancelled.BY_LIMIT && mayComeOfCancel(failure) ? deadline : null;
    }

    /** Whether its limit has passed. */
    boolean isLate(long now) {
        return deadline != null && deadline.hasPassed(now);
    }

    /** A cancel that came late has caused none of the errors that a server raises for something else. */
    private static boolean mayComeOfCancel(Failure failure) {
        return switch (failure.kind()) {
            case CANCELLED, STATEMENT_TIMEOUT -> true;
            case OTHER -> failure.sqlState() == null && failure.vendorCode() == 0; // the driver's own
            default -> false;
        };
    }

    /** Whether the limit has it cancelled, or is about to; or else its caller. */
    Cancelled cancelled() {
        synchronized (latch) {
            return cancelled == Cancelled.NOT && byStatement ? Cancelled.BY_CALLER : cancelled;
        }
    }
}
