package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;
import static dev.holdfast.tx.testkit.Sql.update;

import dev.holdfast.tx.BeginMode;
import dev.holdfast.tx.Completion;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.Profile;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Scopes that can be undone alone (NST). */
final class SavepointCases {
    private SavepointCases() {}

    static List<ConformanceCase> all() {
        List<ConformanceCase> all = new ArrayList<>(undone());
        all.addAll(rolledBackAround());
        all.add(doomed());
        all.add(deadlocked());
        return all;
    }

    private static IllegalStateException planned() {
        return new IllegalStateException("planned by the case");
    }

    private static List<ConformanceCase> undone() {
        return List.of(
                ConformanceCase.of(
                        "NST-05",
                        "TX-208",
                        "a nested scope that fails is undone alone, and the rest is committed",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            IllegalStateException failure = planned();
                            db.execute(tx -> {
                                insert(tx, table, 1);
                                Throwable seen = thrownBy(() -> tx.executeNested(inner -> {
                                    insert(inner, table, 2);
                                    throw failure;
                                }));
                                equal(failure, seen, "what the nested scope lets pass");
                                equal(false, tx.isRollbackOnly(), "whether the unit is rollback-only");
                                insert(tx, table, 3);
                            });
                            equal(List.of(1, 3), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "NST-05b",
                        "TX-209",
                        "a statement that fails in a nested scope leaves the transaction usable",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            db.execute(tx -> {
                                insert(tx, table, 1);
                                throwing(SQLException.class, () -> tx.executeNested(inner -> insert(inner, table, 1)));
                                insert(tx, table, 2);
                            });
                            equal(List.of(1, 2), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "NST-06",
                        "TX-210",
                        "of ten scopes nested in each other the fifth takes with it what is in it and nothing else",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            db.execute(tx -> nest(tx, table, 1));
                            equal(List.of(1, 2, 3, 4), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "NST-10",
                        "TX-212",
                        "a nested scope that asks for its rollback returns its value and leaves the rest alone",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            db.execute(tx -> {
                                insert(tx, table, 1);
                                equal(
                                        "value",
                                        tx.nested(inner -> {
                                            insert(inner, table, 2);
                                            inner.setRollbackOnly("planned by the case");
                                            return "value";
                                        }),
                                        "what the nested scope returns");
                                equal(false, tx.isRollbackOnly(), "whether the unit is rollback-only");
                            });
                            equal(List.of(1), run.ids(table), "committed rows");
                        }));
    }

    private static void nest(Tx tx, String table, int depth) throws SQLException {
        insert(tx, table, depth);
        if (depth == 10) {
            return;
        }
        if (depth == 4) {
            IllegalStateException failure = planned();
            Throwable seen = thrownBy(() -> tx.executeNested(inner -> {
                nest(inner, table, 5);
                throw failure;
            }));
            equal(failure, seen, "what the fifth lets pass");
        } else {
            tx.executeNested(inner -> nest(inner, table, depth + 1));
        }
    }

    private static List<ConformanceCase> rolledBackAround() {
        return List.of(
                ConformanceCase.of(
                        "NST-11",
                        "TX-214",
                        "what a nested scope did well is gone when the root is rolled back",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            List<String> fired = new ArrayList<>();
                            thrownBy(() -> db.execute(tx -> {
                                tx.executeNested(inner -> {
                                    insert(inner, table, 1);
                                    inner.afterCommit(() -> fired.add("committed"));
                                    inner.afterRollback(() -> fired.add("rolled back"));
                                });
                                throw planned();
                            }));
                            equal(List.of(), run.ids(table), "committed rows");
                            equal(List.of("rolled back"), fired, "hooks that fired");
                        }),
                ConformanceCase.of(
                        "NST-15",
                        "TX-214",
                        "in a root that is forced to roll back the work of a nested scope is seen to the end",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            List<Integer> seen = db.transact(TxOptions.none().forceRollback(), tx -> {
                                tx.executeNested(inner -> insert(inner, table, 1));
                                return ints(tx, "select id from " + table);
                            });
                            equal(List.of(1), seen, "rows the root sees");
                            equal(List.of(), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "NST-16",
                        "TX-334",
                        "in a test fixture an application runs whatever it asks of its roots",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            List<TxOptions> asked = new ArrayList<>(List.of(
                                    TxOptions.none().readWrite(),
                                    TxOptions.none().readOnlyHint(),
                                    TxOptions.none().propagation(Propagation.ROOT_ONLY),
                                    TxOptions.none().propagation(Propagation.SEPARATE)));
                            run.profile().levels().keySet().forEach(level -> asked.add(TxOptions.of(level)));
                            if (run.has(Feature.READ_ONLY)) {
                                asked.add(TxOptions.none().readOnly());
                            }
                            db.execute(TxOptions.none().completion(Completion.FIXTURE), fixture -> {
                                insert(fixture, table, 1);
                                for (TxOptions options : asked) {
                                    List<Integer> seen =
                                            db.transact(options, tx -> ints(tx, "select id from " + table));
                                    equal(List.of(1), seen, "rows seen with " + options);
                                }
                            });
                            equal(List.of(), run.ids(table), "committed rows");
                        }));
    }

    /** Where a transaction reads from a snapshot, a write to what was changed since dooms it for certain. */
    private static ConformanceCase doomed() {
        return ConformanceCase.of(
                "NST-09",
                "TX-215",
                "an error that dooms the transaction is not survived by a nested scope",
                Feature.SAVEPOINTS,
                run -> {
                    TxOptions snapshot = snapshot(run.profile());
                    String table = run.table();
                    run.observe("insert into " + table + " (id, v) values (1, 0)");
                    Transactor db = run.transactor();
                    AtomicReference<@Nullable Throwable> first = new AtomicReference<>();
                    TxRolledBackException told = throwing(
                            TxRolledBackException.class,
                            () -> db.execute(snapshot, tx -> {
                                ints(tx, "select v from " + table);
                                run.observe("update " + table + " set v = 1");
                                first.set(thrownBy(() -> tx.executeNested(
                                        inner -> update(inner, "update " + table + " set v = 2 where id = 1"))));
                                holds(tx::isRollbackOnly, "the root is rollback-only");
                                throwing(SQLException.class, () -> insert(tx, table, 2));
                            }));
                    equal(first.get(), told.getCause(), "the cause told");
                    equal(List.of(1), run.observed("select v from " + table), "what is committed");
                });
    }

    /**
     * Options of a transaction that reads from a snapshot and takes no lock for it.
     *
     * @throws Untested if there are none
     */
    static TxOptions snapshot(Profile profile) {
        if (profile.has(Feature.SINGLE_WRITER)) {
            if (profile.has(Feature.BEGIN_MODE)) {
                return TxOptions.none().beginMode(BeginMode.DEFERRED);
            }
        } else {
            for (Isolation level : profile.levels().keySet()) {
                if (profile.model(level) == IsolationModel.SI) {
                    return TxOptions.of(level);
                }
            }
        }
        throw new Untested("no level of this database reads from a snapshot, so that no conflict comes for certain");
    }

    // ---- a deadlock in a nested scope

    /** What became of one of the two. */
    private static final class Party {
        final int row;
        final AtomicReference<@Nullable Throwable> lost = new AtomicReference<>();
        final AtomicReference<@Nullable Throwable> next = new AtomicReference<>();

        @Nullable
        Throwable told;

        Party(int row) {
            this.row = row;
        }
    }

    private static ConformanceCase deadlocked() {
        return ConformanceCase.of(
                "NST-24",
                "TX-215",
                "of the victim of a deadlock in a nested scope all is there that the scope is not, or nothing",
                Needs.of(Feature.SAVEPOINTS).and(Means.CONCURRENT_WRITERS),
                run -> {
                    String table = run.table();
                    run.observe("insert into " + table + " (id, v) values (1, 0)");
                    run.observe("insert into " + table + " (id, v) values (2, 0)");
                    Transactor db = run.transactor(EngineSetup.on(run.pool(2)));
                    CyclicBarrier bothHold = new CyclicBarrier(2);
                    CompletableFuture<Party> first =
                            Threads.supply(() -> crosswise(db, table, new Party(1), 2, bothHold));
                    CompletableFuture<Party> second =
                            Threads.supply(() -> crosswise(db, table, new Party(2), 1, bothHold));
                    int victims = 0;
                    for (CompletableFuture<Party> each : List.of(first, second)) {
                        Party party = each.get(Patience.wholeCase().toMillis(), TimeUnit.MILLISECONDS);
                        victims += party.lost.get() == null ? 0 : 1;
                        allOrNothing(run, db, table, party);
                    }
                    if (victims == 0) {
                        throw new Inconclusive("no deadlock arose");
                    }
                });
    }

    /** Writes and locks a row; in a nested scope it writes more and wants the other's; after that it writes on regardless. */
    private static Party crosswise(Transactor db, String table, Party party, int other, CyclicBarrier bothHold) {
        party.told = thrownBy(() -> db.execute(tx -> {
            insert(tx, table, 10 * party.row);
            update(tx, "update " + table + " set v = 1 where id = " + party.row);
            bothHold.await(Patience.step().toMillis(), TimeUnit.MILLISECONDS);
            party.lost.set(thrownBy(() -> tx.executeNested(inner -> {
                insert(inner, table, 10 * party.row + 1);
                update(inner, "update " + table + " set v = 2 where id = " + other);
            })));
            party.next.set(thrownBy(() -> insert(tx, table, 10 * party.row + 2)));
        }));
        return party;
    }

    private static void allOrNothing(CaseRun run, Transactor db, String table, Party party) throws SQLException {
        int row = 10 * party.row;
        List<Integer> there =
                run.ids(table).stream().filter(id -> id / 10 == party.row).toList();
        Throwable lost = party.lost.get();
        if (lost == null) {
            equal(null, party.told, "what the survivor is told");
            equal(List.of(row, row + 1, row + 2), there, "committed rows of the survivor");
            return;
        }
        Failure failure = Failing.told(db, lost);
        run.note("the victim", failure.kind() + ", " + failure.effect());
        if (failure.effect() == FailureEffect.NONE || failure.effect() == FailureEffect.SCOPE) {
            equal(null, party.told, "what the victim is told, whose nested scope alone was lost");
            equal(List.of(row, row + 2), there, "committed rows of the victim, whose nested scope alone was lost");
            return;
        }
        equal(List.of(), there, "committed rows of the victim, whose transaction was lost");
        holds(() -> party.next.get() instanceof SQLException, "what comes next is refused: " + party.next.get());
        holds(() -> party.told instanceof TxRolledBackException, "the victim is told: " + party.told);
        equal(lost, party.told == null ? null : party.told.getCause(), "the cause that the victim is told");
    }
}
