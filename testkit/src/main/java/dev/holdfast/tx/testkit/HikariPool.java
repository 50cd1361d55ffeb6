package dev.holdfast.tx.testkit;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.SQLExceptionOverride;
import dev.holdfast.tx.spi.Identity.Autocommit;
import java.sql.SQLException;
import javax.sql.DataSource;

/** Pools of HikariCP, which need not be there: nothing else in the testkit names its types. */
final class HikariPool {
    private HikariPool() {}

    static DataSource of(DataSource sessions, int size, Autocommit autocommit) {
        HikariConfig config = config(sessions, size, autocommit);
        config.setExceptionOverride(new NeverEvict());
        return new HikariDataSource(config);
    }

    /** One that says by itself which error costs a connection, and closes that at once. */
    static HikariDataSource judging(DataSource sessions, int size) {
        return new HikariDataSource(config(sessions, size, Autocommit.ON));
    }

    private static HikariConfig config(DataSource sessions, int size, Autocommit autocommit) {
        HikariConfig config = new HikariConfig();
        config.setDataSource(sessions);
        config.setMaximumPoolSize(size);
        config.setMinimumIdle(1);
        config.setAutoCommit(autocommit == Autocommit.ON);
        config.setConnectionTimeout(10_000);
        return config;
    }

    /** Which error costs a connection is for the engine to say; the pool would throw one away after any timeout. */
    private static final class NeverEvict implements SQLExceptionOverride {
        @java.lang.Override
        public Override adjudicate(SQLException error) {
            return Override.DO_NOT_EVICT;
        }
    }
}
