package dev.holdfast.tx.testkit;

import dev.holdfast.tx.Reads;
import dev.holdfast.tx.ReplicaPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxEvent.Routed;
import dev.holdfast.tx.TxListener;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.testkit.server.ReplicatedServer;
import java.sql.Statement;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;

/** A replica that is held two seconds behind: who reads causally never notices, others do. Prints how fast each was. */
public final class ReplicaLag {
    private static final int TRIES = 1_000;
    private static final Duration LAG = Duration.ofSeconds(2);
    private static final TxOptions READ = TxOptions.none().readOnly();
    private static final TxOptions CAUSALLY = READ.reads(Reads.causal());
    private static final TxOptions ANYWHERE = READ.reads(Reads.replica());

    private final ReplicatedServer server;
    private final String table;
    private final Map<Routed.Why, Integer> routes = new EnumMap<>(Routed.Why.class);

    private ReplicaLag(ReplicatedServer server) {
        this.server = server;
        this.table = "lag" + ProcessHandle.current().pid();
    }

    /** Opens a transactor on a server and its replica. */
    @FunctionalInterface
    public interface Opener {
        /** Opens one of its own. */
        Transactor open(ReplicaPolicy policy, TxListener listener);
    }

    /**
     * Reads after writes, with a lag and without.
     *
     * @throws AssertionError if a causal read was stale, or no other one was
     */
    public static void show(ReplicatedServer server, Opener opener) throws Exception {
        new ReplicaLag(server).show(opener);
    }

    private void show(Opener opener) throws Exception {
        ReplicaPolicy policy = ReplicaPolicy.standard().catchUpWithin(Duration.ofMillis(5));
        try (Transactor db = opener.open(policy, event -> {
            if (event instanceof Routed routed) {
                routes.merge(routed.why(), 1, Integer::sum);
            }
        })) {
            define(db, "create table " + table + " (id int primary key, v int)");
            try {
                db.execute(tx -> Sql.insert(tx, table, 1));
                server.delay(Duration.ZERO);
                awaitRow(opener, db);
                count("no lag", "CAUSAL", db, CAUSALLY);
                count("no lag", "REPLICA", db, ANYWHERE);
                server.delay(LAG);
                StaleReads causal = count("lag of 2 s", "CAUSAL", db, CAUSALLY);
                StaleReads replica = count("lag of 2 s", "REPLICA", db, ANYWHERE);
                Facts.equal(0, causal.stale(), "stale causal reads");
                Facts.holds(() -> replica.stale() > 0, "reads of a replica that lags are stale");
            } finally {
                server.delay(Duration.ZERO);
                define(db, "drop table " + table);
            }
        }
    }

    private StaleReads count(String lag, String reading, Transactor db, TxOptions options) {
        StaleReads result = StaleReads.count(reading, db, table, options, TRIES);
        System.out.println(server + ", " + lag + ": " + result + ", " + routes);
        routes.clear();
        return result;
    }

    /** Until it is there, a read of the replica would fail. */
    private void awaitRow(Opener opener, Transactor db) {
        ReplicaPolicy patient = ReplicaPolicy.standard().catchUpWithin(Duration.ofSeconds(20));
        try (Transactor waits = opener.open(patient, event -> {})) {
            TxOptions seen = READ.reads(Reads.causal(db.causalToken()));
            waits.execute(seen, tx -> Sql.ints(tx, "select v from " + table));
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
