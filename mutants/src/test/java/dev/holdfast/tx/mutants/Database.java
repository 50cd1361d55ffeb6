package dev.holdfast.tx.mutants;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.testkit.DatabaseUnderTest;
import dev.holdfast.tx.testkit.EngineSetup;
import dev.holdfast.tx.testkit.Network;
import dev.holdfast.tx.testkit.ReplicatedUnderTest;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * A database whose dialect or engine may be broken.
 *
 * @param name for failures
 * @param dialect good or broken
 * @param sessions of the database
 * @param sessionQueries that tell its settings
 * @param reachedBy the network in front of it, if there is one
 * @param pair two servers of it, one of which follows the other, if there are such
 * @param set what is done to the setup of the engine
 * @param breaking what is done to the engine
 */
record Database(
        String name,
        Dialect dialect,
        DataSource sessions,
        List<String> sessionQueries,
        @Nullable Network reachedBy,
        @Nullable ReplicatedUnderTest pair,
        UnaryOperator<EngineSetup> set,
        UnaryOperator<Transactor> breaking)
        implements DatabaseUnderTest {
    Database withDialect(UnaryOperator<Dialect> change) {
        return new Database(name, change.apply(dialect), sessions, sessionQueries, reachedBy, pair, set, breaking);
    }

    Database withEngine(UnaryOperator<Transactor> change) {
        return new Database(name, dialect, sessions, sessionQueries, reachedBy, pair, set, change);
    }

    /** With its engine given something other than what a case asks for. */
    Database withSetup(UnaryOperator<EngineSetup> change) {
        return new Database(name, dialect, sessions, sessionQueries, reachedBy, pair, change, breaking);
    }

    Database withSessions(UnaryOperator<DataSource> change) {
        return new Database(name, dialect, change.apply(sessions), sessionQueries, reachedBy, pair, set, breaking);
    }

    Database withReplica(ReplicatedUnderTest servers) {
        return new Database(name, dialect, sessions, sessionQueries, reachedBy, servers, set, breaking);
    }

    @Override
    public Optional<ReplicatedUnderTest> replicated() {
        return Optional.ofNullable(pair);
    }

    @Override
    public Optional<Network> network() {
        return Optional.ofNullable(reachedBy);
    }

    @Override
    public DataSource pool(DataSource from, int size, Autocommit autocommit) {
        HikariConfig config = new HikariConfig();
        config.setDataSource(from);
        config.setMaximumPoolSize(size);
        config.setAutoCommit(autocommit == Autocommit.ON);
        config.setMinimumIdle(1);
        config.setConnectionTimeout(2_000);
        return new HikariDataSource(config);
    }

    @Override
    public Transactor transactor(EngineSetup wanted) {
        EngineSetup setup = set.apply(wanted);
        Holdfast.Builder builder = Holdfast.builder(setup.dataSource())
                .replicaPolicy(setup.replicaPolicy())
                .dialect(dialect)
                .options(setup.options())
                .ambient(setup.ambient())
                .settleWithin(setup.settleWithin())
                .endWithin(setup.endWithin());
        setup.listeners().forEach(builder::listener);
        setup.replicas().forEach(builder::replica);
        return breaking.apply(builder.build());
    }
}
