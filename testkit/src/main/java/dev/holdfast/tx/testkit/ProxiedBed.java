package dev.holdfast.tx.testkit;

import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.testkit.fault.CountingProxy;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** A transactor whose pool of one talks to the server through a proxy, and that has been used once. */
final class ProxiedBed {
    final String table;
    final CountingProxy proxy;
    final Transactor db;
    /** For the body to count in. */
    final AtomicInteger attempts = new AtomicInteger();

    final CaseRun run;
    private final FaultListener listener = new FaultListener();

    ProxiedBed(CaseRun run) throws SQLException {
        this(run, Duration.ZERO);
    }

    /**
     * A pool of one through a proxy.
     *
     * @param networkTimeout of its connections; zero for none
     * @throws Untested if there is no network
     */
    ProxiedBed(CaseRun run, Duration networkTimeout) throws SQLException {
        this(run, networkTimeout, UnaryOperator.identity());
    }

    /**
     * A pool of one through a proxy.
     *
     * @param set what else is said of the engine
     */
    ProxiedBed(CaseRun run, Duration networkTimeout, UnaryOperator<EngineSetup> set) throws SQLException {
        this.run = run;
        this.table = run.table();
        Network network = run.database().network().orElseThrow(() -> new Untested(Means.NETWORK.whyNot()));
        this.proxy = run.closing(CountingProxy.before(network.host(), network.port()));
        KeptSession sessions = run.closing(
                new KeptSession(run.recorded(network.sessions().apply("localhost", proxy.port())), networkTimeout));
        this.db = run.transactor(set.apply(EngineSetup.on(sessions.dataSource()).with(listener)));
        db.execute(tx -> Sql.ints(tx, "select id from " + table));
        listener.forget();
    }

    /** How the last transaction ended, as listeners were told. */
    @Nullable
    Outcome outcome() {
        return listener.outcome();
    }

    /**
     * What was armed has happened, once.
     *
     * @throws Inconclusive if it has not
     */
    void fired() {
        if (proxy.losses() != 1) {
            throw new Inconclusive("the proxy lost " + proxy.losses() + " packets instead of one");
        }
    }

    /** Others can write the rows, and the next transaction is served. */
    void serving() throws SQLException {
        run.observe("update " + table + " set v = 7");
        db.execute(tx -> Sql.insert(tx, table, 900));
        Facts.equal(true, run.ids(table).contains(900), "whether the next transaction is served");
    }
}
