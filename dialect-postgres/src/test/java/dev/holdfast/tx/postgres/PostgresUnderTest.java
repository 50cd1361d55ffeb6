package dev.holdfast.tx.postgres;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.testkit.DatabaseUnderTest;
import dev.holdfast.tx.testkit.DriverSessions;
import dev.holdfast.tx.testkit.EngineSetup;
import dev.holdfast.tx.testkit.FaultScenario;
import dev.holdfast.tx.testkit.Network;
import dev.holdfast.tx.testkit.ReplicatedUnderTest;
import dev.holdfast.tx.testkit.Sql;
import dev.holdfast.tx.testkit.Untested;
import dev.holdfast.tx.testkit.server.ReplicatedServer;
import dev.holdfast.tx.testkit.server.ServerUrl;
import dev.holdfast.tx.testkit.server.TestServer;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;

/** A real PostgreSQL, and Holdfast's engine. */
public final class PostgresUnderTest implements DatabaseUnderTest {
    private final String name;
    private final Supplier<ServerUrl> wanted;
    private final Supplier<@Nullable ReplicatedServer> pair;
    private @Nullable ServerUrl found;

    public PostgresUnderTest(int major) {
        this(
                TestServer.postgres(major).name(),
                () -> TestServer.postgres(major).find(),
                () -> ReplicatedServer.postgres(major));
    }

    PostgresUnderTest(String name, Supplier<ServerUrl> wanted) {
        this(name, wanted, () -> null);
    }

    private PostgresUnderTest(String name, Supplier<ServerUrl> wanted, Supplier<@Nullable ReplicatedServer> pair) {
        this.name = name;
        this.wanted = wanted;
        this.pair = pair;
    }

    @Override
    public String name() {
        return name;
    }

    /** Looked for when it is needed: the tests may run where there is none. */
    private synchronized ServerUrl server() {
        if (found == null) {
            found = wanted.get();
        }
        return found;
    }

    @Override
    public Dialect dialect() {
        return new PostgresDialect();
    }

    @Override
    public DataSource sessions() {
        ServerUrl server = server();
        return DriverSessions.of(server.url(), server.user(), server.password());
    }

    @Override
    public Optional<Network> network() {
        ServerUrl server = server();
        URI address = URI.create(server.url().substring("jdbc:".length()));
        return Optional.of(new Network(address.getHost(), address.getPort(), (host, port) -> {
            String url = server.url().replace("//" + address.getAuthority() + "/", "//" + host + ":" + port + "/");
            return DriverSessions.of(url, server.user(), server.password());
        }));
    }

    @Override
    public Transactor transactor(EngineSetup setup) {
        Holdfast.Builder builder = Holdfast.builder(setup.dataSource())
                .replicaPolicy(setup.replicaPolicy())
                .dialect(dialect())
                .options(setup.options())
                .ambient(setup.ambient())
                .settleWithin(setup.settleWithin())
                .endWithin(setup.endWithin());
        setup.listeners().forEach(builder::listener);
        setup.replicas().forEach(builder::replica);
        return builder.build();
    }

    @Override
    public Optional<ReplicatedUnderTest> replicated() {
        try {
            return Optional.ofNullable(pair.get())
                    .map(servers -> servers.underTest(
                            server -> DriverSessions.of(server.url(), server.user(), server.password())));
        } catch (Untested none) {
            return Optional.empty();
        }
    }

    @Override
    public List<String> sessionQueries() {
        return List.of(
                "SHOW transaction_isolation",
                "SHOW transaction_read_only",
                "SHOW transaction_deferrable",
                "SHOW default_transaction_isolation",
                "SHOW lock_timeout",
                "SHOW statement_timeout",
                "SHOW idle_in_transaction_session_timeout",
                "SHOW synchronous_commit",
                "SHOW search_path",
                "SELECT pg_current_xact_id_if_assigned()");
    }

    @Override
    public List<FaultScenario> faultScenarios() {
        FaultScenario unwrapped = FaultScenario.of(
                "the driver's connection unwrapped",
                stage -> stage.db().execute(tx -> {
                    Sql.insert(tx, stage.table(), 1);
                    tx.connection().unwrap(PGConnection.class).getBackendPID();
                }));
        FaultScenario settings = FaultScenario.of(
                "settings of the caller's",
                stage -> stage.db().execute(tx -> {
                    Sql.insert(tx, stage.table(), 1);
                    tx.connection().setNetworkTimeout(Runnable::run, 60_000);
                    tx.connection().setClientInfo("ApplicationName", "scenario");
                }));
        FaultScenario verifiable = FaultScenario.of(
                "verifiable",
                stage -> stage.db().execute(TxOptions.none().verifiable(), tx -> Sql.insert(tx, stage.table(), 1)));
        return Stream.of(unwrapped, settings, verifiable)
                .flatMap(scenario -> Stream.of(scenario, scenario.autocommitOff()))
                .toList();
    }
}
