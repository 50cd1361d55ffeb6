package dev.holdfast.tx.mysql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Settlement;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.testkit.DriverSessions;
import dev.holdfast.tx.testkit.Sql;
import dev.holdfast.tx.testkit.fault.CountingProxy;
import dev.holdfast.tx.testkit.fault.JdbcProxy;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Where a URL names several hosts, Connector/J has whoever closes or aborts a connection wait for the call that is made on it.
 * Callers are told all the same: here each such call waits for a row until after that.
 */
class SeveralHostsOnServerTest extends RealServerTest {
    private static final String LOCKED = "UPDATE item SET n = 7 WHERE id = 1";

    /** This server, by a name that leads to it so many times. */
    private String url(String host, int port, int hosts) {
        String one = host + ":" + port;
        return on.url(host, port, database())
                .replace("//" + one + "/", "//" + String.join(",", Collections.nCopies(hosts, one)) + "/");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void whoEndsATransactionIsToldWhileAnotherThreadIsInAStatement_andNothingOfThatIsKept(int hosts) throws Exception {
        RawSession holder = holder();
        URI address = ServerAndDriver.address(server());
        AtomicReference<String> id = new AtomicReference<>();
        AtomicReference<CompletableFuture<Throwable>> other = new AtomicReference<>();
        try (Transactor db = Holdfast.builder(url(address.getHost(), address.getPort(), hosts))
                .credentials(server().user(), server().password())
                .patience(Duration.ofMillis(500))
                .build()) {
            Throwable told = finished(meanwhile(() -> catchThrowable(() -> db.execute(tx -> {
                id.set(String.valueOf(Sql.ints(tx, "SELECT CONNECTION_ID()").get(0)));
                other.set(meanwhile(() -> catchThrowable(() -> Sql.update(tx, LOCKED))));
                awaitWaiting(id.get());
            }))));

            assertThat(told).isInstanceOf(TxRolledBackException.class).hasStackTraceContaining("kept its turn");
            assertThat(((TxRolledBackException) told).outcome().reason()).isEqualTo(Outcome.Reason.CHILD_STILL_OPEN);
            holder.run("ROLLBACK");
            finished(other.get());
            awaitGone(id.get());
            assertThat(count("n = 7")).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void anOutcomeThatNobodyCanTellIsUnknownInTime_andItsConnectionGoesBack(int hosts) throws Exception {
        open().run(
                        "DROP TABLE IF EXISTS holdfast_marker",
                        Holdfast.markerTable(DIALECT).orElseThrow());
        RawSession holder = holder();
        URI address = ServerAndDriver.address(server());
        try (CountingProxy relay = CountingProxy.before(address.getHost(), address.getPort());
                HikariDataSource pool = pool(url("localhost", relay.port(), hosts));
                Transactor db = Holdfast.builder(pool)
                        .dialect(asking("SELECT n FROM item WHERE id = 1 FOR UPDATE"))
                        .settleWithin(Duration.ofSeconds(1))
                        .build()) {
            Throwable told = finished(meanwhile(() ->
                    catchThrowable(() -> db.execute(TxOptions.none().verifiable(), tx -> {
                        Sql.ints(tx, "SELECT 1");
                        relay.cutAtReply(1);
                    }))));

            assertThat(told)
                    .isInstanceOf(TxOutcomeUnknownException.class)
                    .hasStackTraceContaining("could not be settled within PT1S");
            assertThat(relay.losses()).isEqualTo(1);
            holder.run("ROLLBACK");
            assertThat(db.<List<Integer>>transact(tx -> Sql.ints(tx, "SELECT 1")))
                    .containsExactly(1);
        }
    }

    /** Of one connection, by which what commits travels in one packet. */
    private HikariDataSource pool(String url) {
        HikariConfig config = new HikariConfig();
        config.setDataSource(
                DriverSessions.of(url, server().user(), server().password()).with("allowMultiQueries", "true"));
        config.setMaximumPoolSize(1);
        return new HikariDataSource(config);
    }

    /** The dialect, which asks this first when it asks for an outcome. */
    private static Dialect asking(String first) {
        return JdbcProxy.of(Dialect.class, "asks more", (self, method, arguments) -> {
            Object made = JdbcProxy.call(DIALECT, method, arguments);
            return method.getName().equals("settlement")
                    ? ((Optional<?>) Objects.requireNonNull(made)).map(each -> asking(first, (Settlement) each))
                    : made;
        });
    }

    private static Settlement asking(String first, Settlement known) {
        List<Step> steps = new ArrayList<>();
        steps.add(Step.sql(first));
        steps.addAll(known.question().steps());
        return new Settlement(new Message(Message.Travel.EACH, steps), known.markers());
    }
}
