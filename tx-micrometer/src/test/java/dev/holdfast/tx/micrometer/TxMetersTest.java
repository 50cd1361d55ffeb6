package dev.holdfast.tx.micrometer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxEvent.Routed.Reason;
import dev.holdfast.tx.TxEvent.Routed.Skipped;
import dev.holdfast.tx.TxEvent.Routed.Why;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.Holdfast;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TxMetersTest {
    private static final TxOptions NONE = TxOptions.none();

    @TempDir
    private Path folder;

    private final MeterRegistry registry = new SimpleMeterRegistry();
    private final TxMeters meters = TxMeters.in(registry, "sqlite", "shop");
    private Transactor db;

    @BeforeEach
    void connect() {
        String url = "jdbc:sqlite:" + folder.resolve("shop.db");
        try (Transactor first = Holdfast.connect(url)) {
            first.execute(tx -> run(tx, "create table item (id integer primary key)"));
        }
        db = Holdfast.builder(url).listener(meters).build();
    }

    @AfterEach
    void disconnect() {
        db.close();
    }

    private static void run(Tx tx, String sql) throws SQLException {
        try (Statement statement = tx.connection().createStatement()) {
            statement.execute(sql);
        }
    }

    private long timed(String outcome, String reason) {
        return registry.get("holdfast.transaction.duration")
                .tags("db.system.name", "sqlite", "db.namespace", "shop", "outcome", outcome, "reason", reason)
                .timer()
                .count();
    }

    private double counted(String name, String... tags) {
        return registry.get(name).tags(tags).counter().count();
    }

    private double open() {
        return registry.get("holdfast.transaction.open").gauge().value();
    }

    @Test
    void transactions_are_timed_by_how_they_ended() {
        db.execute(tx -> run(tx, "insert into item values (1)"));
        db.execute(NONE.forceRollback(), tx -> run(tx, "insert into item values (2)"));
        assertThatThrownBy(() -> db.execute(tx -> {
                    throw new IllegalStateException("planned");
                }))
                .isInstanceOf(IllegalStateException.class);
        assertThat(timed("committed", "none")).isEqualTo(1);
        assertThat(timed("rolled_back", "forced")).isEqualTo(1);
        assertThat(timed("rolled_back", "body_failed")).isEqualTo(1);
    }

    @Test
    void those_that_hold_a_connection_are_counted_while_they_do() {
        assertThat(open()).isZero();
        db.execute(tx -> {
            assertThat(open()).isZero();
            run(tx, "insert into item values (1)");
            assertThat(open()).isEqualTo(1);
        });
        assertThat(open()).isZero();
    }

    @Test
    void waiting_for_a_connection_has_the_name_of_the_conventions() {
        db.execute(tx -> run(tx, "insert into item values (1)"));
        db.execute(tx -> {}); // takes none
        assertThat(registry.get("db.client.connection.wait_time")
                        .tags("db.client.connection.pool.name", "shop")
                        .timer()
                        .count())
                .isEqualTo(1);
    }

    @Test
    void retries_are_counted_by_the_failure() {
        AtomicInteger attempts = new AtomicInteger();
        RetryPolicy thrice =
                RetryPolicy.attempts(3).on(FailureKind.UNIQUE).backoff(Duration.ofNanos(1), Duration.ofNanos(1));
        db.execute(NONE.retry(thrice), tx -> {
            run(tx, "insert into item values (1)");
            if (attempts.incrementAndGet() < 3) {
                run(tx, "insert into item values (1)");
            }
        });
        assertThat(counted("holdfast.transaction.retries", "failure", "unique")).isEqualTo(2);
    }

    @Test
    void routes_settlements_evictions_and_warnings_are_counted() {
        Throwable opened = new Throwable();
        List.of(
                        new TxEvent.Routed(
                                1,
                                null,
                                "PostgreSQL 18.6 at here",
                                Why.REPLICA,
                                List.of(new Skipped("there", Reason.NO_CONNECTION))),
                        new TxEvent.Routed( // as "here" was lost at the first statement
                                1,
                                null,
                                "PostgreSQL 18.6 at home",
                                Why.NONE_HEALTHY,
                                List.of(new Skipped("here", Reason.LOST))),
                        new TxEvent.Settled(2, null, new Outcome.Unknown(opened), Duration.ZERO),
                        new TxEvent.Evicted(2, null, "lost", null),
                        new TxEvent.OpenTooLong(3, null, Duration.ofSeconds(1), "a connection", opened),
                        new TxEvent.Leaked(3, null, Duration.ofSeconds(1), "a connection", opened))
                .forEach(meters::on);
        assertThat(counted("holdfast.transaction.routes", "server", "PostgreSQL 18.6 at here", "why", "replica"))
                .isEqualTo(1);
        assertThat(counted("holdfast.replicas.skipped", "server", "there", "reason", "no_connection"))
                .isEqualTo(1);
        assertThat(counted("holdfast.replicas.skipped", "server", "here", "reason", "lost"))
                .isEqualTo(1);
        assertThat(counted("holdfast.transaction.settlements", "outcome", "unknown"))
                .isEqualTo(1);
        assertThat(counted("holdfast.connections.evicted")).isEqualTo(1);
        assertThat(counted("holdfast.transaction.warnings", "warning", "open_too_long"))
                .isEqualTo(1);
        assertThat(counted("holdfast.transaction.warnings", "warning", "leaked"))
                .isEqualTo(1);
    }

    @Test
    void labels_are_a_tag_only_where_that_is_asked_for() {
        MeterRegistry other = new SimpleMeterRegistry();
        TxMeters labelled = TxMeters.withLabels(other, "sqlite", "shop");
        TxEvent ended = new TxEvent.Ended(1, "checkout", new Outcome.Committed(), 1, Duration.ZERO);
        meters.on(ended);
        labelled.on(ended);
        labelled.on(new TxEvent.Ended(2, null, new Outcome.Committed(), 1, Duration.ZERO));
        assertThat(registry.get("holdfast.transaction.duration").timer().getId().getTag("label"))
                .isNull();
        assertThat(other.get("holdfast.transaction.duration").timers())
                .extracting(timer -> timer.getId().getTag("label"))
                .containsExactlyInAnyOrder("checkout", "none");
    }
}
