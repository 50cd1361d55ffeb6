package dev.holdfast.tx.postgres;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.testkit.DatabaseUnderTest;
import dev.holdfast.tx.testkit.DriverSessions;
import dev.holdfast.tx.testkit.EngineSetup;
import dev.holdfast.tx.testkit.server.PostgresServers;
import dev.holdfast.tx.testkit.server.ServerUrl;
import javax.sql.DataSource;

/** A real PostgreSQL, and Holdfast's engine. */
final class PostgresUnderTest implements DatabaseUnderTest {
    private final int major;
    private final ServerUrl server;

    PostgresUnderTest(int major) {
        this.major = major;
        this.server = PostgresServers.find(major);
    }

    @Override
    public String name() {
        return "PostgreSQL " + major;
    }

    @Override
    public Dialect dialect() {
        return new PostgresDialect();
    }

    @Override
    public DataSource sessions() {
        return DriverSessions.of(server.url(), server.user(), server.password());
    }

    @Override
    public DataSource pool(DataSource sessions, int size, Identity.Autocommit autocommit) {
        HikariConfig config = new HikariConfig();
        config.setDataSource(sessions);
        config.setMaximumPoolSize(size);
        config.setAutoCommit(autocommit == Identity.Autocommit.ON);
        config.setMinimumIdle(1);
        config.setConnectionTimeout(10_000);
        return new HikariDataSource(config);
    }

    @Override
    public Transactor transactor(EngineSetup setup) {
        Holdfast.Builder builder = Holdfast.builder(setup.dataSource())
                .dialect(dialect())
                .options(setup.options())
                .ambient(setup.ambient());
        setup.listeners().forEach(builder::listener);
        return builder.build();
    }
}
