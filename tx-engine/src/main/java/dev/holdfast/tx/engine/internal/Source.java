package dev.holdfast.tx.engine.internal;

import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.HikariPoolMXBean;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.time.Duration;
import java.util.Collections;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntFunction;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** Where connections come from, and how one is thrown away. */
class Source {
    /** Of pools we know nothing about. */
    static final int UNKNOWN_SIZE = Integer.MAX_VALUE;

    /** Wait on behalf of callers with a limit: a pool has one for all callers, or none, and so has a server. */
    static final ExecutorService WAITERS = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "holdfast-acquire");
        thread.setDaemon(true);
        return thread;
    });

    /** Unless the pool says otherwise: what pools have if nobody sets it. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    /** A pool that lends the same one again and again is not asked for ever. */
    private static final int MOST_DEAD = 1_000;

    /** After so many in a row that were alive, the others are taken for alive, where a pool does not say how many it has. */
    private static final int MOST_ALIVE = 100;

    /** For a look at a connection. */
    private static final int LOOK_SECONDS = 1;

    /** For drivers that take that for the time until they send a cancel, and wait for what that does. */
    private static final Duration ANSWER = Duration.ofSeconds(LOOK_SECONDS).plus(AnswerTime.OF_CANCEL);

    private final DataSource dataSource;
    /** Since a connection was lost, until the others were looked at. */
    private final AtomicReference<@Nullable Looks> looks = new AtomicReference<>();

    /** Told of each connection that was found dead and is thrown away. */
    private volatile Runnable whenDead = () -> {};

    private @Nullable Object gate;
    /** Null where each message is answered. */
    private volatile @Nullable Unanswered unanswered;

    private Source(DataSource dataSource) {
        this.dataSource = dataSource;
    }

    static Source of(DataSource dataSource) {
        return dataSource instanceof HikariDataSource hikari ? new Hikari(hikari) : new Source(dataSource);
    }

    /** How many connections it has at the most. */
    int size() {
        return UNKNOWN_SIZE;
    }

    /** Whether all connections are in use, as far as the pool tells. */
    boolean isExhausted() {
        return false;
    }

    /** Whether the pool itself makes nobody wait longer. */
    boolean keeps(Deadline deadline) {
        return false;
    }

    /** How long the pool would have a caller wait. */
    Duration patience() {
        return PATIENCE;
    }

    /** What grants places to those who can wait without a thread; made once, from the size. */
    final synchronized <G> G gate(Class<G> type, IntFunction<G> make) {
        if (gate == null) {
            gate = make.apply(size());
        }
        return type.cast(gate);
    }

    /** Has its messages of several statements looked after. */
    final void watch(Unanswered messages) {
        unanswered = messages;
    }

    /** A message of several statements is sent; null if none of this server's has to be looked after. */
    final Unanswered.@Nullable Sent sends(Connection connection) {
        Unanswered messages = unanswered;
        return messages == null ? null : messages.sends(connection);
    }

    /**
     * Takes a connection.
     *
     * @param deadline to wait for at the most; null for the pool's own
     * @throws SQLException from the pool
     * @throws TimeoutException if the deadline passed; a connection that comes late is given back
     * @throws InterruptedException if the thread was interrupted while it waited under a deadline
     */
    final Connection acquire(@Nullable Deadline deadline) throws SQLException, TimeoutException, InterruptedException {
        Caller caller = Current.caller();
        if (caller == null) {
            return deadline == null || keeps(deadline) ? take() : acquireBy(deadline);
        }
        CallersWait wait = new CallersWait(caller); // pools answer an interrupt
        try {
            return deadline == null || keeps(deadline) ? take() : acquireBy(deadline);
        } finally {
            wait.over();
        }
    }

    /**
     * A connection was lost. Its server may have gone, and all other connections with it: each is looked at once before it is
     * lent, or every one of them would cost a caller an error.
     */
    final void lost() {
        looks.set(new Looks(Math.min(size(), MOST_ALIVE)));
    }

    /** Has somebody told of each connection that is thrown away because it was found dead. */
    final void whenDead(Runnable told) {
        whenDead = told;
    }

    /** One that is not known to be dead. The dead are not looked for longer than the pool would have a caller wait. */
    private Connection take() throws SQLException {
        long start = System.nanoTime();
        Connection taken = dataSource.getConnection();
        for (int dead = 0; dead < MOST_DEAD && isDead(taken); dead++) {
            try {
                evict(taken);
            } catch (SQLException | RuntimeException e) {
                Log.LOGGER.log(System.Logger.Level.DEBUG, "A connection that is dead did not close", e);
            }
            whenDead.run();
            if (System.nanoTime() - start > patience().toNanos()) {
                throw new SQLException("Each connection that was lent within " + patience() + " was dead", "08006");
            }
            if (Thread.currentThread().isInterrupted()) {
                throw new SQLException("Interrupted while connections were looked at: the last one was dead", "08006");
            }
            taken = dataSource.getConnection();
        }
        return taken;
    }

    private boolean isDead(Connection taken) {
        Looks now = looks.get();
        if (now == null || !now.isFirst(physical(taken))) {
            return false;
        }
        boolean alive = isAlive(taken);
        if (now.areOver(alive)) {
            looks.compareAndSet(now, null);
        }
        return !alive;
    }

    private boolean isAlive(Connection taken) {
        try {
            AnswerTime answers = new Lease(this, taken).answerTime();
            answers.atMost(ANSWER);
            boolean valid = taken.isValid(LOOK_SECONDS);
            answers.until(null);
            return valid;
        } catch (SQLFeatureNotSupportedException | AbstractMethodError e) {
            return true; // as far as the driver can tell
        } catch (SQLException | RuntimeException e) {
            return false;
        }
    }

    private Connection acquireBy(Deadline deadline) throws SQLException, TimeoutException, InterruptedException {
        Handover handover = new Handover();
        Future<?> waiting = WAITERS.submit(() -> handover.from(this));
        try {
            waiting.get(Math.max(0, deadline.left(System.nanoTime())), TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        } catch (TimeoutException | InterruptedException e) {
            handover.giveUp();
            waiting.cancel(true);
            throw e;
        }
        return handover.result();
    }

    /** Throws a connection away: the pool must not lend it again. */
    void evict(Connection connection) throws SQLException {
        // A pool that wraps its connections passes abort on, and finds the dead one at its next check. Not every driver
        // does something for abort, so the one that is wrapped is closed as well.
        Connection physical = physical(connection);
        try {
            connection.abort(Runnable::run);
        } finally {
            try {
                physical.close();
            } finally {
                connection.close();
            }
        }
    }

    /** The wrapped one. A connection that is dead may not tell, and must go back to its pool all the same. */
    static Connection physical(Connection connection) {
        try {
            return connection.isWrapperFor(Connection.class) ? connection.unwrap(Connection.class) : connection;
        } catch (SQLException | RuntimeException dead) {
            return connection;
        }
    }

    private static final class Hikari extends Source {
        private final HikariDataSource pool;

        Hikari(HikariDataSource pool) {
            super(pool);
            this.pool = pool;
        }

        @Override
        int size() {
            return pool.getMaximumPoolSize();
        }

        @Override
        boolean isExhausted() {
            HikariPoolMXBean use = pool.getHikariPoolMXBean();
            return use != null && use.getActiveConnections() >= pool.getMaximumPoolSize();
        }

        @Override
        Duration patience() {
            return Duration.ofMillis(pool.getConnectionTimeout());
        }

        @Override
        void evict(Connection connection) throws SQLException {
            pool.evictConnection(connection);
            haveAnotherMade();
            connection.close();
        }

        /**
         * A pool that keeps none idle makes one only when somebody comes for it: who waited for the one that was thrown away would
         * go on waiting ({@code HikariPool.fillPool}). So somebody comes.
         */
        private void haveAnotherMade() {
            HikariPoolMXBean use = pool.getHikariPoolMXBean();
            if (use != null && pool.getMinimumIdle() == 0 && use.getThreadsAwaitingConnection() > 0) {
                WAITERS.execute(() -> {
                    try {
                        pool.getConnection().close();
                    } catch (SQLException e) {
                        Log.LOGGER.log(System.Logger.Level.DEBUG, "No connection came in place of another one", e);
                    }
                });
            }
        }
    }

    /** Which connections were looked at after a loss. */
    private static final class Looks {
        private final Set<Connection> seen =
                Collections.synchronizedSet(Collections.newSetFromMap(new WeakHashMap<>()));
        private final int enough;
        private final AtomicInteger alive = new AtomicInteger();

        Looks(int enough) {
            this.enough = enough;
        }

        boolean isFirst(Connection physical) {
            return seen.add(physical);
        }

        /** Whether it is not worth while to go on: a pool may wrap its connections so that none is ever recognised. */
        boolean areOver(boolean oneIsAlive) {
            if (oneIsAlive) {
                return alive.incrementAndGet() >= enough;
            }
            alive.set(0);
            return false;
        }
    }

    /** One connection on its way from the waiter to the caller, or back to the pool if the caller has gone. */
    private static final class Handover {
        private @Nullable Connection connection;
        private @Nullable Throwable error;
        private boolean abandoned;

        void from(Source source) {
            try {
                Connection fresh = source.take();
                synchronized (this) {
                    if (!abandoned) {
                        connection = fresh;
                        return;
                    }
                }
                fresh.close();
            } catch (SQLException | RuntimeException | Error e) {
                synchronized (this) {
                    error = e;
                }
            }
        }

        void giveUp() {
            Connection late;
            synchronized (this) {
                abandoned = true;
                late = connection;
                connection = null;
            }
            if (late != null) {
                try {
                    late.close();
                } catch (SQLException unusable) {
                    Log.LOGGER.log(
                            System.Logger.Level.DEBUG, "A connection that came too late did not close", unusable);
                }
            }
        }

        synchronized Connection result() throws SQLException {
            if (error != null) {
                throw Thrown.asSqlException(error);
            }
            if (connection == null) {
                throw new SQLException("The data source returned no connection");
            }
            return connection;
        }
    }
}
