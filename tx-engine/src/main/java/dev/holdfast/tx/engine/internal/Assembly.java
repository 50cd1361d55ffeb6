package dev.holdfast.tx.engine.internal;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.SQLExceptionOverride;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.PoolAdvice;
import dev.holdfast.tx.spi.Replication;
import dev.holdfast.tx.spi.Wish;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** Puts a transactor together. */
public final class Assembly {
    /** HikariCP takes no shorter one. */
    private static final long LEAST_WAIT_MILLIS = 250;

    private Assembly() {}

    /** On a data source of the caller's. */
    public static Transactor on(DataSource dataSource, Setup setup) {
        Pools pools = new Pools(null, null);
        try {
            Server primary = Server.of(dataSource, setup.dialect(), Wish.Target.PRIMARY);
            return transactor(primary, null, givenSeparate(setup), setup, pools);
        } catch (RuntimeException | Error e) {
            pools.close();
            throw e;
        }
    }

    /** On pools of our own. */
    public static Transactor connect(String url, @Nullable String user, @Nullable String password, Setup setup) {
        PoolAdvice advice = advise(url, setup.dialect());
        refuseSeparateMemory(advice, setup);
        Pools pools = new Pools(user, password);
        try {
            HikariDataSource pool = pools.open(pools.config(url, advice, "holdfast"));
            Server primary = Server.of(pool, setup.dialect(), Wish.Target.PRIMARY);
            PoolAdvice reading = advice.readers();
            Server readers = null;
            if (reading != null) {
                pool = pools.open(pools.config(url, reading, "holdfast-readers"));
                readers = Server.of(pool, setup.dialect(), Wish.Target.REPLICA);
            }
            Setup.SeparatePool asked = setup.separatePool();
            Server separate = givenSeparate(setup);
            if (asked != null && separate == null) {
                pool = pools.open(pools.config(url, advice.size(asked.size()), "holdfast-separate"));
                separate = Server.of(pool, setup.dialect(), Wish.Target.PRIMARY);
            }
            return transactor(primary, readers, separate, setup, pools);
        } catch (RuntimeException | Error e) {
            pools.close();
            throw e;
        }
    }

    private static PoolAdvice advise(String url, @Nullable Dialect chosen) {
        if (!url.matches("jdbc:[A-Za-z0-9+.-]+:.*")) {
            throw new IllegalArgumentException("'" + Identity.withoutSecrets(url)
                    + "' is not a JDBC URL; one looks like jdbc:postgresql://host/database or jdbc:sqlite:file.db");
        }
        PoolAdvice advice =
                chosen == null ? Dialects.advise(url) : chosen.advise(url).orElseGet(() -> PoolAdvice.ofSize(10));
        requireDriver(url);
        return advice;
    }

    /** The separate pool that the caller has given; null if none was. */
    private static @Nullable Server givenSeparate(Setup setup) {
        DataSource pool =
                setup.separatePool() == null ? null : setup.separatePool().given();
        return pool == null ? null : Server.of(pool, setup.dialect(), Wish.Target.PRIMARY);
    }

    private static void refuseSeparateMemory(PoolAdvice advice, Setup setup) {
        if (setup.separatePool() != null && advice.lifetime() == PoolAdvice.Lifetime.UNTIL_CLOSED) {
            throw new TxUnsupportedException(
                    "A separate pool is asked for, and the database lives in the connections of the one that it has;"
                            + " leave it out, or use a database that is kept elsewhere");
        }
    }

    private static Transactor transactor(
            Server primary, @Nullable Server readers, @Nullable Server separate, Setup setup, Pools pools) {
        Replicas replicas = replicas(primary, separate, setup, pools);
        Engine engine = new Engine(
                primary,
                readers,
                separate,
                replicas,
                setup.ambient(),
                setup.patience(),
                setup.settleWithin(),
                setup.endWithin(),
                setup.warnAfter(),
                setup.listeners(),
                pools::close);
        try {
            if (replicas != null) {
                replicas.start();
            }
            EngineTransactor transactor = new EngineTransactor(engine, setup.options());
            if (engine.watch != null) {
                engine.watch.start();
            }
            return transactor;
        } catch (RuntimeException | Error e) {
            if (replicas != null) {
                replicas.close();
            }
            throw e;
        }
    }

    private static @Nullable Replicas replicas(Server primary, @Nullable Server separate, Setup setup, Pools pools) {
        Replication replication = primary.dialect.replication(primary.profile).orElse(null);
        if (replication == null) {
            if (!setup.replicas().isEmpty()) {
                throw new TxUnsupportedException("Replicas are given, and " + primary.profile
                        + " is not known to have any that can be read from: leave them out");
            }
            return null;
        }
        List<Replica> all = new ArrayList<>();
        for (Setup.Follower follower : setup.replicas()) {
            int number = all.size() + 1;
            DataSource given = follower.dataSource();
            DataSource source = given != null
                    ? given
                    : pools.open(replicaConfig(Objects.requireNonNull(follower.url()), number, setup, pools));
            all.add(new Replica(
                    "replica " + number,
                    within -> Server.within(within, source, primary.dialect, Wish.Target.REPLICA)));
        }
        Replicas replicas = new Replicas(primary, replication, setup.policy(), all);
        if (!all.isEmpty()
                && replication.positions() != null
                && replication.positions().travelsWithCommit()) {
            primary.carryPositions();
            if (separate != null) {
                separate.carryPositions();
            }
        }
        return replicas;
    }

    private static HikariConfig replicaConfig(String url, int number, Setup setup, Pools pools) {
        HikariConfig config = pools.config(url, advise(url, setup.dialect()), "holdfast-replica-" + number);
        // one that is down is waited for by nobody, least of all for as long as pools wait
        config.setInitializationFailTimeout(-1);
        long within = Math.max(LEAST_WAIT_MILLIS, setup.policy().answerWithin().toMillis());
        config.setConnectionTimeout(within);
        config.setValidationTimeout(within);
        return config;
    }

    private static void requireDriver(String url) {
        try {
            DriverManager.getDriver(url);
        } catch (SQLException e) {
            throw new TxException(
                    "No JDBC driver on the class path takes " + Identity.withoutSecrets(url)
                            + "; add the driver's artifact beside the dialect's",
                    null,
                    null,
                    e);
        }
    }

    /** The pools that are opened, all as the same user. */
    private static final class Pools {
        private final @Nullable String user;
        private final @Nullable String password;
        private final Deque<HikariDataSource> opened = new ArrayDeque<>();

        Pools(@Nullable String user, @Nullable String password) {
            this.user = user;
            this.password = password;
        }

        HikariConfig config(String url, PoolAdvice advice, String name) {
            HikariConfig config = new HikariConfig();
            config.setJdbcUrl(url);
            if (user != null) {
                config.setUsername(user);
                config.setPassword(password);
            }
            config.setPoolName(name);
            config.setMaximumPoolSize(advice.size());
            config.setAutoCommit(advice.autocommit() == Identity.Autocommit.ON);
            config.setConnectionInitSql(advice.initSql());
            if (advice.lifetime() == PoolAdvice.Lifetime.UNTIL_CLOSED) {
                config.setMaxLifetime(0);
                config.setIdleTimeout(0);
            }
            // The first connection is taken at once, so that a dead server is told before anything else.
            config.setInitializationFailTimeout(1);
            // Whether an error costs the connection is decided from its classification, not from its SQLState.
            config.setExceptionOverride(new NeverEvict());
            String parameters = url.toLowerCase(Locale.ROOT);
            advice.properties().forEach((property, value) -> {
                if (!parameters.matches(".*[?&;]" + property.toLowerCase(Locale.ROOT) + "=.*")) {
                    config.addDataSourceProperty(property, value);
                }
            });
            return config;
        }

        HikariDataSource open(HikariConfig config) {
            try {
                HikariDataSource pool = new HikariDataSource(config);
                opened.addFirst(pool);
                return pool;
            } catch (RuntimeException e) {
                Throwable cause = e.getCause() == null ? e : e.getCause();
                throw new TxException(
                        "No connection to " + Identity.withoutSecrets(config.getJdbcUrl()) + " could be opened: "
                                + cause.getMessage()
                                + "; check that the database runs and that URL, user and password are right",
                        null,
                        null,
                        e);
            }
        }

        /** The one that was opened last is closed first. */
        void close() {
            opened.forEach(HikariDataSource::close);
        }
    }

    /** Leaves the decision to the engine. */
    public static final class NeverEvict implements SQLExceptionOverride {
        @java.lang.Override
        public Override adjudicate(SQLException error) {
            return Override.DO_NOT_EVICT;
        }
    }
}
