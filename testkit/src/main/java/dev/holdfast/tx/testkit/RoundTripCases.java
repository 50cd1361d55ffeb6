package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Sql.ints;
import static dev.holdfast.tx.testkit.Sql.update;

import dev.holdfast.tx.BeginMode;
import dev.holdfast.tx.ConnectionScope;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.UnmanagedTx;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.testkit.fault.CountingProxy;
import dev.holdfast.tx.testkit.fault.JdbcCall;
import java.sql.SQLException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * What transactions cost, with a warm connection and one statement unless said otherwise: round trips on the wire or, where
 * driver and database share a process, calls of the driver.
 */
final class RoundTripCases {
    /** Until drivers keep what they prepared. */
    private static final int WARM = 10;

    private static final int MEASURED = 4;
    private static final Duration LONG = Duration.ofMinutes(1);
    private static final TxOptions NONE = TxOptions.none();

    /** Calls of JDBC that are no message to the database by themselves. */
    private static final Set<String> QUIET =
            Set.of("getConnection", "close", "createStatement", "prepareStatement", "next", "getMoreResults");

    private RoundTripCases() {}

    static List<ConformanceCase> all() {
        return List.of(ConformanceCase.of(
                "LIF-20", "TX-440", "what each kind of transaction costs is counted", RoundTripCases::count));
    }

    private static void count(CaseRun run) throws Exception {
        run.characterised();
        if (run.database().network().isPresent()) {
            ProxiedBed bed = new ProxiedBed(run);
            CountingProxy proxy = bed.proxy;
            measure(run, "", bed.table, bed.db, () -> proxy.counts().roundTrips());
            return;
        }
        FaultBed bed = new FaultBed(run);
        measure(
                run,
                " local calls",
                bed.table,
                bed.db,
                () -> bed.calls.calls().stream()
                        .filter(RoundTripCases::isMessage)
                        .count());
    }

    private static boolean isMessage(JdbcCall call) {
        return !QUIET.contains(call.text().split(" ", 2)[0]);
    }

    private static void measure(CaseRun run, String unit, String table, Transactor db, LongSupplier counter)
            throws Exception {
        run.observe("insert into " + table + " (id, v) values (1, 0)");
        for (Map.Entry<String, FaultBed.Work> scenario :
                scenarios(run, table, db).entrySet()) {
            FaultBed.Work work = scenario.getValue();
            for (int i = 0; i < WARM; i++) {
                work.on(db);
            }
            long before = counter.getAsLong();
            for (int i = 0; i < MEASURED; i++) {
                work.on(db);
            }
            long all = counter.getAsLong() - before;
            String each = all % MEASURED == 0 ? String.valueOf(all / MEASURED) : all + " in " + MEASURED + " runs";
            run.note(scenario.getKey(), each + unit);
        }
    }

    private static Map<String, FaultBed.Work> scenarios(CaseRun run, String table, Transactor transactor) {
        Map<String, FaultBed.Work> scenarios = new LinkedHashMap<>();
        scenarios.put("plain", db -> db.execute(tx -> write(tx, table)));
        scenarios.put(
                "two statements",
                db -> db.execute(tx -> {
                    write(tx, table);
                    read(tx, table);
                }));
        scenarios.put("empty", db -> db.execute(tx -> {}));
        scenarios.put("unmanaged", db -> {
            try (UnmanagedTx tx = db.begin()) {
                write(tx, table);
                tx.commit();
            }
        });
        scenarios.put(
                "rolled back",
                db -> Facts.thrownBy(() -> db.execute(tx -> {
                    write(tx, table);
                    throw new IllegalStateException("planned");
                })));
        scenarios.put("one statement outside of a transaction", db -> write(db, table));
        scenarios.put(
                "joined scope, with its statement",
                db -> db.execute(tx -> {
                    write(tx, table);
                    tx.execute(joined -> write(joined, table));
                }));
        if (run.has(Feature.SAVEPOINTS)) {
            scenarios.put(
                    "nested scope, with its statement",
                    db -> db.execute(tx -> {
                        write(tx, table);
                        tx.executeNested(nested -> write(nested, table));
                    }));
            scenarios.put(
                    "nested scope, rolled back and survived",
                    db -> db.execute(tx -> {
                        write(tx, table);
                        Facts.thrownBy(() -> tx.executeNested(nested -> {
                            write(nested, table);
                            throw new IllegalStateException("planned");
                        }));
                    }));
        }
        options(run).forEach((name, options) -> {
            if (isTaken(transactor, options)) {
                scenarios.put(name, db -> db.execute(options, tx -> read(tx, table)));
            }
        });
        return scenarios;
    }

    /** Each option that the database claims, and all of them for writing at once. */
    private static Map<String, TxOptions> options(CaseRun run) {
        Map<String, TxOptions> options = new LinkedHashMap<>();
        for (Isolation level : run.profile().levels().keySet()) {
            options.put(level.name(), TxOptions.of(level));
        }
        if (run.has(Feature.LOCK_TIMEOUT)) {
            options.put("lock timeout", NONE.lockTimeout(LONG));
        }
        if (run.has(Feature.STATEMENT_TIMEOUT)) {
            options.put("statement timeout", NONE.statementTimeout(LONG));
        }
        options.put("whole timeout", NONE.wholeTimeout(LONG));
        if (run.has(Feature.DEFERRED_CONSTRAINTS)) {
            options.put("deferred constraints", NONE.deferConstraints());
        }
        if (run.has(Feature.BEGIN_MODE)) {
            options.put("begin mode", NONE.beginMode(BeginMode.IMMEDIATE));
        }
        if (run.has(Feature.VERIFIABLE)) {
            options.put("verifiable", NONE.verifiable());
        }
        TxOptions all = NONE;
        for (TxOptions one : options.values()) {
            all = all.overlay(one);
        }
        options.put("all of these at once", all);
        if (run.has(Feature.READ_ONLY)) {
            options.put("read-only", NONE.readOnly());
            Isolation strongest = run.profile().levels().keySet().stream()
                    .max(Isolation::compareTo)
                    .orElse(Isolation.SERIALIZABLE);
            options.put("read-only at " + strongest, TxOptions.of(strongest).readOnly());
        }
        return options;
    }

    private static boolean isTaken(Transactor db, TxOptions options) {
        try {
            db.explain(options);
            return true;
        } catch (TxUnsupportedException e) {
            return false;
        }
    }

    private static void write(ConnectionScope scope, String table) throws SQLException {
        update(scope, "update " + table + " set v = v + 1 where id = 1");
    }

    private static void read(ConnectionScope scope, String table) throws SQLException {
        ints(scope, "select v from " + table + " where id = 1");
    }
}
