package dev.holdfast.tx.engine.internal;

import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.HikariPoolMXBean;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
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

    private final DataSource dataSource;
    private @Nullable Object gate;

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
            return deadline == null || keeps(deadline) ? dataSource.getConnection() : acquireBy(deadline);
        }
        CallersWait wait = new CallersWait(caller); // pools answer an interrupt
        try {
            return deadline == null || keeps(deadline) ? dataSource.getConnection() : acquireBy(deadline);
        } finally {
            wait.over();
        }
    }

    private Connection acquireBy(Deadline deadline) throws SQLException, TimeoutException, InterruptedException {
        Handover handover = new Handover();
        Future<?> waiting = WAITERS.submit(() -> handover.from(dataSource));
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
            connection.close();
        }
    }

    /** One connection on its way from the waiter to the caller, or back to the pool if the caller has gone. */
    private static final class Handover {
        private @Nullable Connection connection;
        private @Nullable Throwable error;
        private boolean abandoned;

        void from(DataSource dataSource) {
            try {
                Connection fresh = dataSource.getConnection();
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
