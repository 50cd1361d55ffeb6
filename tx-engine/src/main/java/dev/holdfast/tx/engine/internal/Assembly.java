package dev.holdfast.tx.engine.internal;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.SQLExceptionOverride;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.PoolAdvice;
import dev.holdfast.tx.spi.Wish;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Locale;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** Puts a transactor together. */
public final class Assembly {
    private Assembly() {}

    /** On a data source of the caller's. */
    public static Transactor on(DataSource dataSource, Setup setup) {
        return transactor(Server.of(dataSource, setup.dialect(), Wish.Target.PRIMARY), null, setup, () -> {});
    }

    /** On pools of our own. */
    public static Transactor connect(String url, @Nullable String user, @Nullable String password, Setup setup) {
        if (!url.matches("jdbc:[A-Za-z0-9+.-]+:.*")) {
            throw new IllegalArgumentException("'" + Identity.withoutSecrets(url)
                    + "' is not a JDBC URL; one looks like jdbc:postgresql://host/database or jdbc:sqlite:file.db");
        }
        Dialect chosen = setup.dialect();
        PoolAdvice advice =
                chosen == null ? Dialects.advise(url) : chosen.advise(url).orElseGet(() -> PoolAdvice.ofSize(10));
        requireDriver(url);
        HikariDataSource primary = open(url, user, password, advice, "holdfast");
        HikariDataSource readers = null;
        try {
            Server server = Server.of(primary, chosen, Wish.Target.PRIMARY);
            PoolAdvice reading = advice.readers();
            if (reading == null) {
                return transactor(server, null, setup, primary::close);
            }
            readers = open(url, user, password, reading, "holdfast-readers");
            HikariDataSource both = readers;
            return transactor(server, Server.of(readers, chosen, Wish.Target.REPLICA), setup, () -> {
                both.close();
                primary.close();
            });
        } catch (RuntimeException | Error e) {
            if (readers != null) {
                readers.close();
            }
            primary.close();
            throw e;
        }
    }

    private static Transactor transactor(Server primary, @Nullable Server readers, Setup setup, Runnable onClose) {
        Engine engine = new Engine(
                primary, readers, setup.ambient(), setup.patience(), setup.settleWithin(), setup.listeners(), onClose);
        return new EngineTransactor(engine, setup.options());
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

    private static HikariDataSource open(
            String url, @Nullable String user, @Nullable String password, PoolAdvice advice, String name) {
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
        try {
            return new HikariDataSource(config);
        } catch (RuntimeException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new TxException(
                    "No connection to " + Identity.withoutSecrets(url) + " could be opened: " + cause.getMessage()
                            + "; check that the database runs and that URL, user and password are right",
                    null,
                    null,
                    e);
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
