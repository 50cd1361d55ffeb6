package dev.holdfast.tx.mysql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.Reads;
import dev.holdfast.tx.ReplicaPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxEvent.Routed;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.StaleReads;
import dev.holdfast.tx.testkit.server.ReplicatedServer;
import java.sql.Statement;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A replica that is held two seconds behind: who reads causally never notices. */
class ReplicaLagTest {
    private static final int TRIES = 1_000;
    private static final Duration LAG = Duration.ofSeconds(2);
    private static final TxOptions READ = TxOptions.none().readOnly();

    private final Map<Routed.Why, Integer> routes = new EnumMap<>(Routed.Why.class);

    @ParameterizedTest
    @EnumSource
    void causalReadsAreNeverStale_othersAre(ReplicasOnServerTest.Product product) throws Exception {
        ReplicatedServer server = product.server();
        TxOptions causally = READ.reads(Reads.causal());
        TxOptions anywhere = READ.reads(Reads.replica());
        String table = "lag" + ProcessHandle.current().pid();
        ReplicaPolicy policy = ReplicaPolicy.standard().catchUpWithin(Duration.ofMillis(5));
        try (Transactor db = Holdfast.builder(server.primary().url())
                .replica(server.replica().url())
                .replicaPolicy(policy)
                .listener(event -> {
                    if (event instanceof Routed routed) {
                        routes.merge(routed.why(), 1, Integer::sum);
                    }
                })
                .build()) {
            define(db, "create table " + table + " (id int primary key, v int)");
            try {
                db.execute(tx -> {
                    try (Statement statement = tx.connection().createStatement()) {
                        statement.execute("insert into " + table + " values (1, 0)");
                    }
                });
                server.delay(Duration.ZERO);
                awaitRow(server, table);
                show(server, "no lag", StaleReads.count("CAUSAL", db, table, causally, TRIES));
                show(server, "no lag", StaleReads.count("REPLICA", db, table, anywhere, TRIES));
                server.delay(LAG);
                StaleReads causal = StaleReads.count("CAUSAL", db, table, causally, TRIES);
                show(server, "lag of 2 s", causal);
                StaleReads replica = StaleReads.count("REPLICA", db, table, anywhere, TRIES);
                show(server, "lag of 2 s", replica);
                assertThat(causal.stale()).isZero();
                assertThat(replica.stale()).isPositive();
            } finally {
                server.delay(Duration.ZERO);
                define(db, "drop table " + table);
            }
        }
    }

    private void show(ReplicatedServer server, String lag, StaleReads result) {
        System.out.println(server + ", " + lag + ": " + result + ", " + routes);
        routes.clear();
    }

    /** Until it is there, a read of the replica would fail. */
    private static void awaitRow(ReplicatedServer server, String table) throws Exception {
        try (Transactor waits = Holdfast.builder(server.primary().url())
                .replica(server.replica().url())
                .replicaPolicy(ReplicaPolicy.standard().catchUpWithin(Duration.ofSeconds(20)))
                .build()) {
            TxOptions seen = READ.reads(Reads.causal(waits.causalToken()));
            waits.execute(seen, tx -> {
                try (Statement statement = tx.connection().createStatement()) {
                    statement.executeQuery("select v from " + table).close();
                }
            });
        }
    }

    private static void define(Transactor db, String sql) {
        db.<Boolean>withConnection(connection -> {
            try (Statement statement = connection.createStatement()) {
                return statement.execute(sql);
            }
        });
    }
}
