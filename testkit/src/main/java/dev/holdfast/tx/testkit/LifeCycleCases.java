package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;
import static dev.holdfast.tx.testkit.Sql.update;

import dev.holdfast.tx.BeginMode;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.Outcome.Reason;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.testkit.fault.Lent;
import dev.holdfast.tx.testkit.fault.ScriptedDataSource;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Beginning and ending (LIF). */
final class LifeCycleCases {
    private LifeCycleCases() {}

    static List<ConformanceCase> all() {
        List<ConformanceCase> all = new ArrayList<>();
        all.addAll(plain());
        all.addAll(beginnings());
        all.addAll(oneByOne());
        return all;
    }

    private static List<ConformanceCase> plain() {
        return List.of(
                ConformanceCase.of("LIF-01", "TX-301", "a body that returns is committed", run -> {
                    String table = run.table();
                    Transactor db = run.transactor();
                    db.execute(tx -> insert(tx, table, 1));
                    equal(List.of(1), run.ids(table), "rows the observer sees");
                }),
                ConformanceCase.of(
                        "LIF-02", "TX-303", "what the body throws rolls back and reaches the caller as it is", run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            for (Throwable thrown : List.of(
                                    new Exception("checked"),
                                    new IllegalStateException("unchecked"),
                                    new Error("error"))) {
                                Throwable seen = thrownBy(() -> db.execute(tx -> {
                                    insert(tx, table, 1);
                                    throw Facts.sneaky(thrown);
                                }));
                                equal(thrown, seen, "the very object");
                                equal(List.of(), run.ids(table), "rows the observer sees");
                            }
                        }),
                ConformanceCase.of("LIF-03", "TX-304", "the result reaches the caller, null included", run -> {
                    Transactor db = run.transactor();
                    equal("result", db.transact(tx -> "result"), "the result");
                    equal(null, db.<@Nullable String>transact(tx -> null), "the result");
                }),
                ConformanceCase.of(
                        "LIF-06", "TX-306", "a commit of what an error has aborted is never reported as done", run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            Throwable seen = thrownBy(() -> db.execute(tx -> {
                                insert(tx, table, 1);
                                throwing(SQLException.class, () -> insert(tx, table, 1)); // and swallowed
                            }));
                            if (seen == null) {
                                equal(List.of(1), run.ids(table), "rows after a commit that was reported as done");
                            } else {
                                equal(TxRolledBackException.class, seen.getClass(), "what the caller is told");
                                equal(List.of(), run.ids(table), "rows after a rollback");
                            }
                        }));
    }

    private static List<ConformanceCase> beginnings() {
        return List.of(
                ConformanceCase.of(
                        "LIF-02b", "TX-303", "what the body declares to throw is what its caller must expect", run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            IOException failure = new IOException("planned by the case");
                            try {
                                db.<String, IOException>transactChecked(tx -> {
                                    insertInPassing(tx, table);
                                    throw failure;
                                });
                                throw new AssertionError("it returned");
                            } catch (IOException e) {
                                equal(failure, e, "the very object");
                            }
                            equal(List.of(), run.ids(table), "rows the observer sees");
                        }),
                ConformanceCase.of(
                        "LIF-05",
                        "TX-302",
                        "what a transaction wrote it sees itself, and nobody else before its end",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            CompletableFuture<List<Integer>> reading = db.transact(tx -> {
                                insert(tx, table, 1);
                                equal(List.of(1), ints(tx, "select id from " + table), "rows that it sees itself");
                                CompletableFuture<List<Integer>> others = Threads.supply(() -> run.ids(table));
                                if (EndingCases.ended(others)) {
                                    equal(List.of(), others.join(), "rows that others see before the end");
                                    run.note("readers of what is not committed", "see what was before");
                                }
                                return others;
                            });
                            List<Integer> seen = reading.get(Patience.step().toSeconds(), TimeUnit.SECONDS);
                            if (!seen.isEmpty()) {
                                run.note("readers of what is not committed", "wait");
                            } else if (run.notes().isEmpty()) {
                                throw new Inconclusive("the reader was slow");
                            }
                            equal(List.of(1), run.ids(table), "rows that others see after the end");
                        }),
                ConformanceCase.of(
                        "LIF-17",
                        "TX-211",
                        "a transaction begins with its first statement, or at once when told to",
                        run -> {
                            String table = run.table();
                            ScriptedDataSource calls = run.closing(NestingCases.scripted(run));
                            Transactor db = run.transactor(EngineSetup.on(calls));
                            calls.play(null);
                            db.execute(tx -> {
                                equal(0, calls.ledger().size(), "connections taken before the first statement");
                                insert(tx, table, 1);
                                equal(1, calls.ledger().size(), "connections taken with it");
                            });
                            calls.play(null);
                            db.execute(tx -> {
                                equal(tx, tx.open(), "what opening answers");
                                equal(1, calls.ledger().size(), "connections taken by opening");
                                insert(tx, table, 2);
                                equal(1, calls.ledger().size(), "connections taken after all");
                            });
                            equal(List.of(1, 2), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "LIF-18",
                        "TX-313",
                        "a transaction that is forced to roll back returns its value, and leaves nothing",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            List<Outcome> told = new ArrayList<>();
                            int count = db.transact(TxOptions.none().forceRollback(), tx -> {
                                tx.afterCompletion(told::add);
                                insert(tx, table, 1);
                                return ints(tx, "select id from " + table).size();
                            });
                            equal(1, count, "what it returns");
                            equal(List.of(new Outcome.RolledBack(Reason.FORCED, null)), told, "the outcome told");
                            equal(List.of(), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "LIF-19", "TX-316", "an error names the server, the scope and what the database said", run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            AtomicReference<@Nullable SQLException> raised = new AtomicReference<>();
                            TxRolledBackException told = throwing(
                                    TxRolledBackException.class,
                                    () -> db.execute(TxOptions.none().label("shop"), tx -> {
                                        insert(tx, table, 1);
                                        thrownBy(() -> tx.execute(inner -> {
                                            raised.set(throwing(SQLException.class, () -> insert(inner, table, 1)));
                                            throw Objects.requireNonNull(raised.get());
                                        }));
                                    }));
                            SQLException error = Objects.requireNonNull(raised.get());
                            Failure failure = Objects.requireNonNull(told.failure(), "the failure is told");
                            equal(error, told.getCause(), "the cause");
                            equal(FailureKind.UNIQUE, failure.kind(), "the kind");
                            equal(error.getSQLState(), told.sqlState(), "the SQLState");
                            equal(error.getErrorCode(), told.vendorCode(), "the vendor's code");
                            equal("shop", told.label(), "the label");
                            String message = String.valueOf(told.getMessage());
                            String server = run.profile().server();
                            holds(() -> message.contains("shop"), "the message names the scope: " + message);
                            holds(() -> message.contains(server), "the message names " + server + ": " + message);
                        }));
    }

    private static void insertInPassing(Tx tx, String table) {
        try {
            insert(tx, table, 1);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<ConformanceCase> oneByOne() {
        return List.of(
                ConformanceCase.of(
                        "LIF-11",
                        "TX-1101",
                        "what another thread sends through the handle is not mixed into a nested scope",
                        Feature.SAVEPOINTS,
                        LifeCycleCases::anotherThread),
                ConformanceCase.of(
                        "LIF-14",
                        "TX-315",
                        "a transaction finds the session as if the one before had never been",
                        run -> {
                            String table = run.table();
                            ScriptedDataSource calls = run.closing(new ScriptedDataSource(
                                    run.database().sessions(),
                                    Autocommit.ON,
                                    run.database().dialect().port(),
                                    run.database().sessionQueries()));
                            Transactor db = run.transactor(EngineSetup.on(calls));
                            int before = db.transact(tx -> tx.connection().getTransactionIsolation());
                            for (TxOptions options : everything(run)) {
                                calls.play(null);
                                thrownBy(() -> db.execute(options, tx -> {
                                    ints(tx, "select id from " + table);
                                    throw new IllegalStateException("planned by the case");
                                }));
                                db.execute(options, tx -> ints(tx, "select id from " + table));
                                for (Lent lent : calls.ledger()) {
                                    equal(List.of(), lent.complaints(), "complaints after " + options);
                                }
                                db.execute(tx -> {
                                    equal(
                                            before,
                                            tx.connection().getTransactionIsolation(),
                                            "the level after " + options);
                                    insert(tx, table, 1);
                                    update(tx, "delete from " + table + " where id = 1");
                                });
                            }
                        }));
    }

    /** Whatever a transaction can be of what leaves a trace in a session. */
    private static List<TxOptions> everything(CaseRun run) {
        List<TxOptions> all = new ArrayList<>();
        run.profile().levels().keySet().forEach(level -> all.add(TxOptions.of(level)));
        if (run.has(Feature.READ_ONLY)) {
            all.add(TxOptions.none().readOnly());
        }
        if (run.has(Feature.LOCK_TIMEOUT)) {
            all.add(TxOptions.none().lockTimeout(Duration.ofSeconds(3)));
        }
        if (run.has(Feature.STATEMENT_TIMEOUT)) {
            all.add(TxOptions.none().statementTimeout(Duration.ofSeconds(20)));
        }
        if (run.has(Feature.DEFERRED_CONSTRAINTS)) {
            all.add(TxOptions.none().deferConstraints());
        }
        if (run.has(Feature.BEGIN_MODE)) {
            all.add(TxOptions.none().beginMode(BeginMode.EXCLUSIVE));
        }
        if (all.isEmpty()) {
            throw new Untested("no option of this database changes a session");
        }
        return all;
    }

    /** The nested scope keeps its turn: were the other's statement a part of it, it would be undone with it. */
    private static void anotherThread(CaseRun run) throws Exception {
        String table = run.table();
        Transactor db = run.transactor();
        db.execute(tx -> {
            insert(tx, table, 1);
            AtomicReference<@Nullable Thread> thread = new AtomicReference<>();
            AtomicReference<@Nullable CompletableFuture<@Nullable Void>> other = new AtomicReference<>();
            thrownBy(() -> tx.executeNested(inner -> {
                insert(inner, table, 2);
                other.set(Threads.run(() -> {
                    thread.set(Thread.currentThread());
                    insert(tx, table, 3);
                }));
                awaitWaiting(thread, Objects.requireNonNull(other.get()));
                insert(inner, table, 4);
                throw new IllegalStateException("planned by the case");
            }));
            Objects.requireNonNull(other.get()).get(Patience.step().toSeconds(), TimeUnit.SECONDS);
        });
        equal(List.of(1, 3), run.ids(table), "committed rows");
    }

    /** Until the thread waits, or has done its work. */
    private static void awaitWaiting(AtomicReference<@Nullable Thread> thread, CompletableFuture<?> work)
            throws Exception {
        Await.met("the other thread waits", () -> work.isDone() || Await.waits(thread.get()));
    }
}
