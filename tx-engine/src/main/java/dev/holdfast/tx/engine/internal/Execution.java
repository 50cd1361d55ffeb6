package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.spi.Moment.Cancelled;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * One execution that is watched over: by a limit, after which it is cancelled, or for a row lock whose waiting is limited
 * by a setting.
 *
 * <p>A cancel that comes late must not hit the next statement. So it is either not begun when the execution is over, or
 * waited for.
 */
final class Execution {
    private enum State {
        RUNNING,
        CANCELLING,
        OVER
    }

    private static final ScheduledThreadPoolExecutor TIMER = timer();

    /** A cancel may have to connect to a server that does not answer: it must not hold up the limits of others. */
    private static final ExecutorService CANCELLERS = Executors.newCachedThreadPool(Execution::thread);

    final @Nullable Deadline deadline;
    final @Nullable PlannedLock lock;
    private final Statement statement;
    private final AtomicReference<State> state = new AtomicReference<>(State.RUNNING);
    private final CountDownLatch cancelReturned = new CountDownLatch(1);
    private java.util.concurrent.@Nullable Future<?> alarm;
    private boolean failed;
    private volatile boolean byCaller;

    private Execution(Statement statement, @Nullable Deadline deadline, @Nullable PlannedLock lock) {
        this.statement = statement;
        this.deadline = deadline;
        this.lock = lock;
    }

    static Execution of(Statement statement, @Nullable Deadline deadline, @Nullable PlannedLock lock) {
        Execution execution = new Execution(statement, deadline, lock);
        if (deadline != null) {
            long left = Math.max(0, deadline.left(System.nanoTime()));
            execution.alarm = TIMER.schedule(() -> CANCELLERS.execute(execution::cancel), left, TimeUnit.NANOSECONDS);
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

    private void cancel() {
        if (state.compareAndSet(State.RUNNING, State.CANCELLING)) {
            try {
                statement.cancel();
            } catch (SQLException | RuntimeException e) {
                Log.LOGGER.log(System.Logger.Level.DEBUG, "A statement that ran out of time could not be cancelled", e);
            } finally {
                cancelReturned.countDown();
            }
        }
    }

    /** The execution is over, well or not: no cancel can come after this returned. */
    void over() {
        if (alarm != null) {
            alarm.cancel(false);
            if (!state.compareAndSet(State.RUNNING, State.OVER) && state.get() == State.CANCELLING) {
                awaitCancel();
            }
        }
    }

    private void awaitCancel() {
        boolean interrupted = false;
        while (true) {
            try {
                cancelReturned.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    void cancelledByCaller() {
        byCaller = true;
    }

    void fail() {
        failed = true;
    }

    boolean isFailed() {
        return failed;
    }

    /** Whether the limit has it cancelled, or is about to. */
    Cancelled cancelled() {
        if (state.get() == State.CANCELLING) {
            return Cancelled.BY_LIMIT;
        }
        return byCaller ? Cancelled.BY_CALLER : Cancelled.NOT;
    }
}
