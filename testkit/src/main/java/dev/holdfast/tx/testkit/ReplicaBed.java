package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;

import dev.holdfast.tx.ReplicaPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxEvent.Routed.Why;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.Profile;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;

/** A primary and its replica, with an empty table on both. */
final class ReplicaBed {
    private static final TxOptions READ = TxOptions.none().readOnly();
    private static final TxOptions HINT = TxOptions.none().readOnlyHint();
    private static final AtomicInteger TABLES = new AtomicInteger();

    final CaseRun run;
    final ReplicatedUnderTest pair;
    final Profile profile;
    final String table = "hf_rpl_" + TABLES.incrementAndGet();
    private final List<TxEvent> events = Collections.synchronizedList(new ArrayList<>());

    ReplicaBed(CaseRun run) throws Exception {
        this.run = run;
        this.pair = run.database().replicated().orElseThrow();
        this.profile =
                LiveProfile.asked(run.database().dialect(), pair.primary()).profile();
        pair.resume();
        try {
            tell("create table " + table + " (id int primary key, v int)");
        } catch (SQLException leftOver) { // by a run that was killed
            tell("drop table " + table);
            tell("create table " + table + " (id int primary key, v int)");
        }
        run.closing(() -> tell("drop table " + table));
        awaitRows(0);
    }

    private void tell(String sql) throws SQLException {
        try (Connection session = pair.primary().getConnection();
                Statement statement = session.createStatement()) {
            statement.execute(sql);
        }
    }

    void awaitRows(int rows) throws Exception {
        try (Connection session = pair.replica().getConnection()) {
            Await.shown("the replica has " + rows + " rows", () -> {
                try (PreparedStatement select = session.prepareStatement("select id from " + table)) {
                    return Sql.ints(select).size() == rows;
                } catch (SQLException notThere) {
                    return false;
                }
            });
        }
    }

    /** Those who read, and cannot write on the replica. */
    List<TxOptions> readers() {
        return profile.has(Feature.READ_ONLY) ? List.of(READ, HINT) : List.of(HINT);
    }

    void needPositions() {
        if (!profile.has(Feature.CAUSAL_READS)) {
            throw new Untested("commits have no positions here");
        }
    }

    DataSource pool(DataSource sessions) {
        return run.pool(run.recorded(sessions), 3, Autocommit.ON);
    }

    Transactor db(ReplicaPolicy policy) {
        return db(policy, pool(pair.replica()));
    }

    Transactor db(ReplicaPolicy policy, DataSource... replicas) {
        EngineSetup setup = EngineSetup.on(pool(pair.primary()))
                .with(policy.answerWithin(Patience.step()))
                .with(events::add);
        for (DataSource replica : replicas) {
            setup = setup.replica(replica);
        }
        return run.transactor(setup);
    }

    /** A transactor that has committed a row, of which the replica has not heard. */
    Transactor behindByOne(ReplicaPolicy policy) throws SQLException {
        Transactor db = db(policy);
        pair.pause();
        db.execute(tx -> insert(tx, table, 1));
        return db;
    }

    /** The replica has the one row. */
    void caughtUp() throws Exception {
        pair.resume();
        awaitRows(1);
    }

    int rows(Transactor db, TxOptions options) {
        return db.<List<Integer>>transact(options, tx -> ints(tx, "select id from " + table))
                .size();
    }

    List<Integer> onPrimary() throws SQLException {
        try (Connection session = pair.primary().getConnection();
                PreparedStatement select = session.prepareStatement("select id from " + table + " order by id")) {
            return Sql.ints(select);
        }
    }

    List<Why> routes() {
        return routed().stream().map(TxEvent.Routed::why).toList();
    }

    int skipped() {
        return routed().stream().mapToInt(event -> event.skipped().size()).sum();
    }

    private List<TxEvent.Routed> routed() {
        synchronized (events) {
            return events.stream()
                    .filter(TxEvent.Routed.class::isInstance)
                    .map(TxEvent.Routed.class::cast)
                    .toList();
        }
    }
}
