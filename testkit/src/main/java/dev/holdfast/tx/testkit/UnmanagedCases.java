package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.UnmanagedTx;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.testkit.fault.ScriptedDataSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/** Transactions that their holder ends (UNM), and what ends mean (LIF). */
final class UnmanagedCases {
    private UnmanagedCases() {}

    static List<ConformanceCase> all() {
        List<ConformanceCase> all = new ArrayList<>();
        all.addAll(ends());
        all.addAll(unmanaged());
        all.addAll(inside());
        return all;
    }

    private static List<ConformanceCase> ends() {
        return List.of(
                ConformanceCase.of(
                        "LIF-04",
                        "TX-305",
                        "an owner that asks for the rollback gets its value, and nothing is committed",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            List<String> told = new ArrayList<>();
                            String value = db.transact(tx -> {
                                insert(tx, table, 1);
                                tx.afterCompletion(outcome -> told.add(outcome.toString()));
                                tx.setRollbackOnly("planned by the case");
                                holds(tx::isRollbackOnly, "the unit is rollback-only");
                                insert(tx, table, 2);
                                return "value";
                            });
                            equal("value", value, "what the scope returns");
                            equal(List.of("RolledBack[reason=REQUESTED, cause=null]"), told, "the outcome told");
                            equal(List.of(), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "LIF-10", "TX-310", "a handle whose scope has ended sends nothing and says so", run -> {
                            ScriptedDataSource calls = run.closing(NestingCases.scripted(run));
                            Transactor db = run.transactor(EngineSetup.on(calls));
                            Tx ended = db.transact(tx -> tx);
                            calls.play(null);
                            equal(false, ended.isActive(), "whether it is active");
                            throwing(TxStateException.class, () -> insert(ended, "nowhere", 1));
                            throwing(TxStateException.class, ended::open);
                            throwing(TxStateException.class, () -> ended.executeNested(tx -> {}));
                            throwing(TxStateException.class, () -> ended.setRollbackOnly("too late"));
                            throwing(TxStateException.class, () -> db.executeWithin(ended, () -> {}));
                            equal(List.of(), calls.calls(), "calls of the driver");
                        }),
                ConformanceCase.of("LIF-12", "TX-211", "a transaction that sends nothing takes no connection", run -> {
                    ScriptedDataSource calls = run.closing(NestingCases.scripted(run));
                    Transactor db = run.transactor(EngineSetup.on(calls));
                    calls.play(null);
                    db.execute(tx -> db.execute(inner -> {}));
                    thrownBy(() -> db.execute(tx -> {
                        throw new IllegalStateException("planned by the case");
                    }));
                    db.begin().commit();
                    equal(List.of(), calls.calls(), "calls of the driver");
                }),
                ConformanceCase.of(
                        "LIF-15",
                        "TX-220",
                        "transactions of two transactors have nothing to do with each other",
                        run -> {
                            String table = run.table();
                            Transactor one = run.transactor(EngineSetup.on(run.pool(1)));
                            Transactor other = run.transactor(EngineSetup.on(run.pool(1)));
                            one.execute(tx -> {
                                thrownBy(() -> other.execute(own -> {
                                    equal(tx, one.current(), "the current transaction of the one");
                                    equal(own, other.current(), "the current transaction of the other");
                                    insert(own, table, 1);
                                    throw new IllegalStateException("planned by the case");
                                }));
                                equal(null, other.current(), "the current transaction of the other afterwards");
                                insert(tx, table, 2);
                            });
                            equal(List.of(2), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "LIF-16", "TX-315", "a thousand transactions on a pool of one leave it whole", run -> {
                            String table = run.table();
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
                            for (int i = 1; i <= 1_000; i++) {
                                int id = i;
                                thrownBy(() -> db.execute(tx -> {
                                    insert(tx, table, id);
                                    if (id % 2 == 0) {
                                        throw new IllegalStateException("planned by the case");
                                    }
                                }));
                            }
                            equal(
                                    IntStream.rangeClosed(1, 1_000)
                                            .filter(id -> id % 2 != 0)
                                            .boxed()
                                            .toList(),
                                    run.ids(table),
                                    "committed rows");
                        }));
    }

    private static List<ConformanceCase> unmanaged() {
        return List.of(
                ConformanceCase.of("UNM-01", "TX-301", "its holder commits it", run -> {
                    String table = run.table();
                    Transactor db = run.transactor();
                    List<String> fired = new ArrayList<>();
                    try (UnmanagedTx tx = db.begin()) {
                        insert(tx, table, 1);
                        tx.afterCommit(() -> fired.add("committed"));
                        tx.commit();
                        equal(List.of(1), run.ids(table), "committed rows");
                        equal(false, tx.isActive(), "whether it is active after the commit");
                    }
                    equal(List.of("committed"), fired, "hooks that fired");
                }),
                ConformanceCase.of("UNM-02", "TX-303", "closed without a commit it is rolled back", run -> {
                    String table = run.table();
                    Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
                    List<String> fired = new ArrayList<>();
                    try (UnmanagedTx tx = db.begin()) {
                        insert(tx, table, 1);
                        tx.afterRollback(() -> fired.add("rolled back"));
                    }
                    db.execute(tx -> insert(tx, table, 2)); // its connection is back
                    equal(List.of(2), run.ids(table), "committed rows");
                    equal(List.of("rolled back"), fired, "hooks that fired");
                }),
                ConformanceCase.of("UNM-03", "TX-314", "it ends once, and closing it afterwards does nothing", run -> {
                    String table = run.table();
                    Transactor db = run.transactor();
                    UnmanagedTx committed = db.begin();
                    insert(committed, table, 1);
                    committed.commit();
                    throwing(TxStateException.class, committed::commit);
                    throwing(TxStateException.class, committed::rollback);
                    committed.close();
                    UnmanagedTx rolledBack = db.begin();
                    insert(rolledBack, table, 2);
                    rolledBack.rollback();
                    throwing(TxStateException.class, rolledBack::commit);
                    rolledBack.close();
                    rolledBack.close();
                    equal(List.of(1), run.ids(table), "committed rows");
                }),
                ConformanceCase.of(
                        "UNM-04",
                        "TX-305",
                        "the commit of one that is rollback-only does not pass for a commit",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            UnmanagedTx tx = db.begin();
                            insert(tx, table, 1);
                            tx.setRollbackOnly("planned by the case");
                            throwing(TxRolledBackException.class, tx::commit);
                            tx.close();
                            equal(List.of(), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of("UNM-05", "TX-310", "after its end it sends nothing and says so", run -> {
                    String table = run.table();
                    Transactor db = run.transactor();
                    UnmanagedTx tx = db.begin();
                    insert(tx, table, 1);
                    tx.commit();
                    throwing(TxStateException.class, () -> insert(tx, table, 2));
                    throwing(TxStateException.class, () -> tx.execute(inner -> {}));
                    equal(List.of(1), run.ids(table), "committed rows");
                }),
                ConformanceCase.of("UNM-06", "TX-1105", "it may be handed from thread to thread", run -> {
                    String table = run.table();
                    Transactor db = run.transactor();
                    UnmanagedTx undone = fromThreadToThread(db, table);
                    Threads.run(undone::rollback).get(60, TimeUnit.SECONDS);
                    equal(List.of(), run.ids(table), "committed rows after the rollback");
                    UnmanagedTx kept = fromThreadToThread(db, table);
                    Threads.run(kept::commit).get(60, TimeUnit.SECONDS);
                    equal(List.of(1, 2, 3), run.ids(table), "committed rows after the commit");
                }));
    }

    /** Begins in one thread, and inserts three rows in three others. */
    private static UnmanagedTx fromThreadToThread(Transactor db, String table) throws Exception {
        UnmanagedTx tx = Threads.supply(db::begin).get(60, TimeUnit.SECONDS);
        for (int i = 1; i <= 3; i++) {
            int id = i;
            Threads.run(() -> tx.execute(inner -> insert(inner, table, id))).get(60, TimeUnit.SECONDS);
        }
        return tx;
    }

    private static List<ConformanceCase> inside() {
        return List.of(
                ConformanceCase.of("UNM-07", "TX-217", "it is not current, unless work is done within it", run -> {
                    String table = run.table();
                    Transactor db = run.transactor();
                    try (UnmanagedTx tx = db.begin()) {
                        equal(null, db.current(), "the current transaction");
                        db.executeWithin(tx, () -> {
                            equal(tx, db.current(), "the current transaction within");
                            insert(db, table, 1);
                            db.execute(inner -> insert(inner, table, 2));
                        });
                        equal(null, db.current(), "the current transaction afterwards");
                    }
                    equal(List.of(), run.ids(table), "committed rows");
                }),
                ConformanceCase.of(
                        "UNM-08", "TX-202", "a scope that joined it and failed keeps it from being committed", run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            IllegalStateException failure = new IllegalStateException("planned by the case");
                            UnmanagedTx tx = db.begin();
                            insert(tx, table, 1);
                            thrownBy(() -> tx.execute(inner -> {
                                throw failure;
                            }));
                            holds(tx::isRollbackOnly, "it is rollback-only");
                            TxRolledBackException told = throwing(TxRolledBackException.class, tx::commit);
                            equal(failure, told.getCause(), "the cause told");
                            equal(List.of(), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "UNM-09",
                        "TX-208",
                        "a scope nested in it that failed is undone alone",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            try (UnmanagedTx tx = db.begin()) {
                                insert(tx, table, 1);
                                thrownBy(() -> tx.executeNested(inner -> {
                                    insert(inner, table, 2);
                                    throw new IllegalStateException("planned by the case");
                                }));
                                insert(tx, table, 3);
                                tx.commit();
                            }
                            equal(List.of(1, 3), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of("UNM-10", "TX-219", "begun inside a scope it is a transaction of its own", run -> {
                    String table = run.table();
                    Transactor db = run.transactor();
                    thrownBy(() -> db.execute(tx -> {
                        try (UnmanagedTx own = db.begin()) {
                            insert(own, table, 1);
                            own.commit();
                        }
                        equal(tx, db.current(), "the current transaction");
                        insert(tx, table, 2);
                        throw new IllegalStateException("planned by the case");
                    }));
                    equal(List.of(1), run.ids(table), "committed rows");
                }));
    }
}
