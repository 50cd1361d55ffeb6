package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;
import static dev.holdfast.tx.testkit.Sql.update;

import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.UnmanagedTx;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.testkit.fault.ScriptedDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What nested scopes make of savepoints, which callers never see (SVP). */
final class NestedScopeCases {
    private static final TxOptions NESTED = TxOptions.none().propagation(Propagation.SAVEPOINT);

    private NestedScopeCases() {}

    static List<ConformanceCase> all() {
        List<ConformanceCase> all = new ArrayList<>();
        all.addAll(undone());
        all.addAll(names());
        all.addAll(handles());
        all.addAll(ddl());
        return all;
    }

    private static IllegalStateException planned() {
        return new IllegalStateException("planned by the case");
    }

    private static void undoing(Tx tx, Facts.Attempt work) {
        IllegalStateException undo = planned();
        Throwable seen = thrownBy(() -> tx.executeNested(inner -> {
            try {
                work.run();
            } catch (Throwable e) {
                throw Facts.sneaky(e);
            }
            throw undo;
        }));
        equal(undo, seen, "what the nested scope lets pass");
    }

    private static List<ConformanceCase> undone() {
        return List.of(
                ConformanceCase.of(
                        "SVP-01",
                        "TX-208",
                        "a nested scope that is undone gives back the values from before it",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            db.execute(tx -> {
                                insert(tx, table, 1);
                                update(tx, "update " + table + " set v = 5 where id = 1");
                                undoing(tx, () -> {
                                    update(db, "update " + table + " set v = 6 where id = 1");
                                    insert(db, table, 2);
                                });
                                equal(List.of(5), ints(tx, "select v from " + table), "values after the undoing");
                            });
                            equal(List.of(5), run.observed("select v from " + table), "committed values");
                        }),
                ConformanceCase.of(
                        "SVP-02",
                        "TX-209",
                        "whatever statement fails in a nested scope, what follows the scope is committed",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            db.execute(tx -> {
                                insert(tx, table, 1);
                                for (String failing : List.of(
                                        "insert into " + table + " (id, v) values (1, 0)",
                                        "select id from hf_not_there",
                                        "no statement")) {
                                    throwing(
                                            SQLException.class,
                                            () -> tx.executeNested(inner -> update(inner, failing)));
                                }
                                insert(tx, table, 2);
                            });
                            equal(List.of(1, 2), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "SVP-03",
                        "TX-208",
                        "a nested scope can be undone again and again, each time to where it began",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            db.execute(tx -> {
                                insert(tx, table, 1);
                                for (int i = 0; i < 3; i++) {
                                    undoing(tx, () -> insert(db, table, 2));
                                    equal(List.of(1), ints(tx, "select id from " + table), "rows after the undoing");
                                }
                                tx.executeNested(inner -> insert(inner, table, 2));
                            });
                            equal(List.of(1, 2), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "SVP-07",
                        "TX-213",
                        "whether others get the locks that a nested scope took, once it was undone",
                        Needs.of(Feature.SAVEPOINTS).and(Means.CONCURRENT_WRITERS),
                        NestedScopeCases::locks),
                ConformanceCase.of(
                        "SVP-12",
                        "TX-906",
                        "a nested scope that is undone takes its hooks before the commit with it, and no others",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            List<String> fired = new ArrayList<>();
                            db.execute(tx -> {
                                tx.beforeCommit(() -> insert(tx, table, 1));
                                tx.afterCommit(() -> fired.add("of the root"));
                                undoing(tx, () -> {
                                    Tx inner = Objects.requireNonNull(db.current());
                                    inner.beforeCommit(() -> insert(tx, table, 2));
                                    inner.afterCommit(() -> fired.add("of the undone one"));
                                });
                                tx.beforeCommit(() -> insert(tx, table, 3));
                            });
                            equal(List.of(1, 3), run.ids(table), "committed rows");
                            equal(List.of("of the root"), fired, "hooks that fired");
                        }));
    }

    private static void locks(CaseRun run) throws Exception {
        String table = run.table();
        run.observe("insert into " + table + " (id, v) values (1, 0)");
        Transactor db = run.transactor();
        CompletableFuture<@Nullable Void> other = db.transact(tx -> {
            insert(tx, table, 2);
            undoing(tx, () -> update(db, "update " + table + " set v = 1 where id = 1"));
            CompletableFuture<@Nullable Void> updating =
                    Threads.run(() -> run.observe("update " + table + " set v = 2 where id = 1"));
            run.note("locks of an undone scope", EndingCases.ended(updating) ? "free at once" : "kept to the end");
            return updating;
        });
        other.get(Patience.step().toSeconds(), TimeUnit.SECONDS);
        equal(List.of(2), run.observed("select v from " + table + " where id = 1"), "the value");
        run.characterised();
    }

    private static List<ConformanceCase> names() {
        return List.of(
                ConformanceCase.of(
                        "SVP-06",
                        "TX-210",
                        "nested scopes with one label, in each other and one after the other, are told apart",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            TxOptions same = NESTED.label("same");
                            db.execute(same, tx -> {
                                tx.execute(same, one -> {
                                    insert(one, table, 1);
                                    thrownBy(() -> one.execute(same, two -> {
                                        insert(two, table, 2);
                                        two.execute(same, three -> insert(three, table, 3));
                                        throw planned();
                                    }));
                                    insert(one, table, 4);
                                });
                                thrownBy(() -> tx.execute(same, one -> {
                                    insert(one, table, 5);
                                    throw planned();
                                }));
                                tx.execute(same, one -> insert(one, table, 6));
                            });
                            equal(List.of(1, 4, 6), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "SVP-10",
                        "TX-210",
                        "the five hundredth nested scope costs as many calls as the second, and is released",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            ScriptedDataSource calls = run.closing(NestingCases.scripted(run));
                            Transactor db = run.transactor(EngineSetup.on(calls));
                            List<Integer> costs = new ArrayList<>();
                            db.execute(tx -> {
                                for (int i = 1; i <= 500; i++) {
                                    int id = i;
                                    calls.play(null);
                                    tx.executeNested(inner -> insert(inner, table, id));
                                    costs.add(calls.calls().size());
                                }
                                boolean released = calls.calls().stream()
                                        .anyMatch(call -> call.text()
                                                .toLowerCase(Locale.ROOT)
                                                .contains("release"));
                                equal(
                                        run.has(Feature.SAVEPOINT_RELEASE),
                                        released,
                                        "whether the last one was released");
                            });
                            run.note("calls for a nested scope", costs.get(1));
                            equal(costs.get(1), costs.get(499), "calls for the last");
                            equal(List.of(500), run.observed("select count(*) from " + table), "committed rows");
                        }),
                ConformanceCase.of(
                        "SVP-13",
                        "TX-211",
                        "a nested scope that sends nothing costs nothing, and its savepoint is not set",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            ScriptedDataSource calls = run.closing(NestingCases.scripted(run));
                            Transactor db = run.transactor(EngineSetup.on(calls));
                            db.execute(tx -> {
                                insert(tx, table, 1);
                                calls.play(null);
                                tx.executeNested(one -> one.executeNested(two -> {}));
                                undoing(tx, () -> {});
                                equal(List.of(), calls.calls(), "calls of the driver");
                                thrownBy(() -> tx.executeNested(one -> one.executeNested(two -> {
                                    insert(two, table, 2); // both savepoints are set now, the outer one first
                                    throw planned();
                                })));
                            });
                            equal(List.of(1), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "SVP-08", "TX-201", "a nested scope without a transaction around it is a transaction", run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            db.execute(NESTED, tx -> insert(tx, table, 1));
                            thrownBy(() -> db.execute(NESTED, tx -> {
                                insert(tx, table, 2);
                                throw planned();
                            }));
                            equal(List.of(1), run.ids(table), "committed rows");
                        }));
    }

    private static List<ConformanceCase> handles() {
        return List.of(
                ConformanceCase.of(
                        "SVP-04",
                        "TX-310",
                        "the handle of a scope in an undone scope sends nothing and says so",
                        Feature.SAVEPOINTS,
                        run -> keptHandle(run, true)),
                ConformanceCase.of(
                        "SVP-05",
                        "TX-310",
                        "the handle of a nested scope that has done well sends nothing more and says so",
                        Feature.SAVEPOINTS,
                        run -> keptHandle(run, false)),
                ConformanceCase.of(
                        "SVP-08b",
                        "TX-404",
                        "a savepoint of JDBC is refused, in a transaction and outside of one",
                        run -> {
                            String table = run.table();
                            ScriptedDataSource calls = run.closing(NestingCases.scripted(run));
                            Transactor db = run.transactor(EngineSetup.on(calls));
                            db.execute(tx -> {
                                insert(tx, table, 1);
                                calls.play(null);
                                refused(tx.connection());
                                equal(List.of(), calls.calls(), "calls of the driver");
                                insert(tx, table, 2);
                            });
                            db.withConnection(lent -> {
                                refused(lent);
                                return null;
                            });
                            equal(List.of(1, 2), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of("SVP-09", "TX-217", "a scope of one transactor is none of another's", run -> {
                    ScriptedDataSource calls = run.closing(NestingCases.scripted(run));
                    Transactor one = run.transactor(EngineSetup.on(calls));
                    Transactor other = run.transactor();
                    List<String> ran = new ArrayList<>();
                    calls.play(null);
                    try (UnmanagedTx theirs = one.begin()) {
                        other.execute(tx -> throwing(
                                IllegalArgumentException.class,
                                () -> other.executeWithin(theirs, () -> ran.add("ran"))));
                        holds(theirs::isActive, "the other's transaction is as it was");
                    }
                    equal(List.of(), ran, "what ran");
                    equal(List.of(), calls.calls(), "calls of the driver");
                }));
    }

    private static void keptHandle(CaseRun run, boolean undone) throws Exception {
        String table = run.table();
        ScriptedDataSource calls = run.closing(NestingCases.scripted(run));
        Transactor db = run.transactor(EngineSetup.on(calls));
        db.execute(tx -> {
            insert(tx, table, 1);
            AtomicReference<@Nullable Tx> kept = new AtomicReference<>();
            thrownBy(() -> tx.executeNested(outer -> {
                outer.executeNested(inner -> {
                    insert(inner, table, 2);
                    kept.set(inner);
                });
                if (undone) {
                    throw planned();
                }
            }));
            Tx handle = Objects.requireNonNull(kept.get());
            calls.play(null);
            throwing(TxStateException.class, () -> insert(handle, table, 3));
            throwing(TxStateException.class, () -> handle.executeNested(inner -> {}));
            throwing(TxStateException.class, () -> handle.setRollbackOnly("too late"));
            equal(List.of(), calls.calls(), "calls of the driver");
            equal(false, tx.isRollbackOnly(), "whether the unit is rollback-only");
            insert(tx, table, 4);
        });
        equal(undone ? List.of(1, 4) : List.of(1, 2, 4), run.ids(table), "committed rows");
    }

    private static void refused(Connection connection) {
        Savepoint foreign = new Savepoint() {
            @Override
            public int getSavepointId() {
                return 1;
            }

            @Override
            public String getSavepointName() {
                return "hf_1";
            }
        };
        for (Facts.Attempt attempt : List.<Facts.Attempt>of(
                connection::setSavepoint,
                () -> connection.setSavepoint("mine"),
                () -> connection.rollback(foreign),
                () -> connection.releaseSavepoint(foreign))) {
            Throwable cause = throwing(SQLException.class, attempt).getCause();
            equal(TxStateException.class, cause == null ? null : cause.getClass(), "the cause of the refusal");
        }
    }

    // ---- DDL

    private static List<ConformanceCase> ddl() {
        return List.of(
                ConformanceCase.of(
                        "SVP-11",
                        "TX-312",
                        "DDL in a nested scope is undone with it, or is told to have ended the transaction",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            String made = made(run);
                            Transactor db = run.transactor();
                            List<String> log = new ArrayList<>();
                            AtomicReference<@Nullable Throwable> next = new AtomicReference<>();
                            Throwable told = thrownBy(() -> db.execute(tx -> {
                                HookCases.registerAll(tx, log);
                                insert(tx, table, 1);
                                thrownBy(() -> tx.executeNested(inner -> {
                                    insert(inner, table, 2);
                                    update(inner, "create table " + made + " (id int)");
                                    throw planned();
                                }));
                                next.set(thrownBy(() -> insert(tx, table, 3)));
                            }));
                            if (run.has(Feature.TRANSACTIONAL_DDL)) {
                                equal(null, told, "what the caller is told");
                                equal(List.of(1, 3), run.ids(table), "committed rows");
                                throwing(SQLException.class, () -> run.observe("drop table " + made));
                            } else {
                                ended(told, next.get(), log);
                                equal(false, run.ids(table).contains(3), "whether what came later is there");
                                run.observe("drop table " + made);
                            }
                        }),
                ConformanceCase.of(
                        "SVP-11b",
                        "TX-312",
                        "a transaction that DDL has ended is not told as rolled back when its body throws",
                        run -> {
                            String table = run.table();
                            String made = made(run);
                            Transactor db = run.transactor();
                            List<String> log = new ArrayList<>();
                            AtomicInteger runs = new AtomicInteger();
                            IllegalStateException undo = planned();
                            TxOptions retried = TxOptions.none()
                                    .retry(RetryPolicy.attempts(3).on(FailureKind.OTHER, FailureKind.values()));
                            Throwable told = thrownBy(() -> db.execute(retried, tx -> {
                                runs.incrementAndGet();
                                HookCases.registerAll(tx, log);
                                insert(tx, table, 1);
                                update(tx, "create table " + made + " (id int)");
                                throw undo;
                            }));
                            equal(undo, told, "what the caller is told");
                            equal(1, runs.get(), "runs of the body");
                            boolean undone = run.ids(table).isEmpty();
                            equal(run.has(Feature.TRANSACTIONAL_DDL), undone, "whether the work from before is undone");
                            equal(
                                    undone ? List.of("RolledBack", "after rollback") : List.of("Unknown"),
                                    log,
                                    "hooks that fired");
                            if (!undone) {
                                holds(
                                        () -> Stream.of(undo.getSuppressed())
                                                .anyMatch(TxStateException.class::isInstance),
                                        "what the body threw tells, suppressed, that the transaction was ended");
                                run.observe("drop table " + made);
                            }
                        }));
    }

    /** The name of a table that is not there. */
    private static String made(CaseRun run) throws SQLException {
        String made = run.table() + "d";
        thrownBy(() -> run.observe("drop table " + made)); // of a run that was cut short
        return made;
    }

    private static void ended(@Nullable Throwable told, @Nullable Throwable next, List<String> log) {
        equal(TxOutcomeUnknownException.class, told == null ? null : told.getClass(), "what the caller is told");
        String message = String.valueOf(told == null ? null : told.getMessage()).toLowerCase(Locale.ROOT);
        holds(() -> message.contains("create table"), "the statement that ended the transaction is named: " + message);
        Throwable cause = next == null ? null : next.getCause();
        equal(TxStateException.class, cause == null ? null : cause.getClass(), "the cause of what came next");
        equal(List.of("Unknown"), log, "hooks that fired");
    }
}
