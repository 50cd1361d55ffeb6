package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;

import dev.holdfast.tx.Completion;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxHookException;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.testkit.fault.Fault;
import dev.holdfast.tx.testkit.fault.JdbcCall;
import dev.holdfast.tx.testkit.fault.ScriptedDataSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** What is called around the end of a transaction (HOK). */
final class HookCases {
    private HookCases() {}

    static List<ConformanceCase> all() {
        List<ConformanceCase> all = new ArrayList<>();
        all.addAll(order());
        all.addAll(failures());
        all.addAll(work());
        all.addAll(listeners());
        return all;
    }

    private static IllegalStateException planned() {
        return new IllegalStateException("planned by the case");
    }

    /** The engine logs what a listener throws. */
    private static Throwable quiet(Throwable thrown) {
        thrown.setStackTrace(new StackTraceElement[0]);
        return thrown;
    }

    /** Registers hooks of all four kinds; each logs its kind. */
    static void registerAll(Tx tx, List<String> log) {
        tx.afterCompletion(outcome -> log.add(outcome.getClass().getSimpleName()));
        tx.afterRollback(() -> log.add("after rollback"));
        tx.afterCommit(() -> log.add("after commit"));
        tx.beforeCommit(() -> log.add("before commit"));
    }

    private static List<ConformanceCase> order() {
        return List.of(
                ConformanceCase.of(
                        "HOK-01", "TX-901", "hooks fire once: before the commit, and once it can be seen", run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            List<String> log = new ArrayList<>();
                            db.execute(tx -> {
                                insert(tx, table, 1);
                                tx.afterCommit(() -> equal(List.of(1), run.ids(table), "rows seen after the commit"));
                                registerAll(tx, log);
                            });
                            equal(List.of("before commit", "Committed", "after commit"), log, "hooks that fired");
                        }),
                ConformanceCase.of("HOK-01b", "TX-901", "after a rollback those hooks fire that are for it", run -> {
                    String table = run.table();
                    Transactor db = run.transactor();
                    List<String> log = new ArrayList<>();
                    thrownBy(() -> db.execute(tx -> {
                        insert(tx, table, 1);
                        registerAll(tx, log);
                        throw planned();
                    }));
                    equal(List.of("RolledBack", "after rollback"), log, "hooks that fired");
                }),
                ConformanceCase.of(
                        "HOK-13", "TX-902", "hooks of a scope that sent nothing fire as after a commit", run -> {
                            Transactor db = run.transactor();
                            List<String> log = new ArrayList<>();
                            db.execute(tx -> registerAll(tx, log));
                            equal(List.of("before commit", "Committed", "after commit"), log, "hooks that fired");
                        }),
                ConformanceCase.of(
                        "HOK-15",
                        "TX-903",
                        "hooks before the commit fire before a forced rollback, and before no other",
                        run -> {
                            Transactor db = run.transactor();
                            List<String> log = new ArrayList<>();
                            db.execute(TxOptions.none().forceRollback(), tx -> registerAll(tx, log));
                            equal(List.of("before commit", "RolledBack", "after rollback"), log, "after a forced one");
                            log.clear();
                            db.execute(tx -> {
                                registerAll(tx, log);
                                tx.setRollbackOnly("planned by the case");
                            });
                            equal(List.of("RolledBack", "after rollback"), log, "after one that was asked for");
                        }),
                ConformanceCase.of(
                        "HOK-05",
                        "TX-906",
                        "hooks of a nested scope that was rolled back fire at the end of the root, as after a rollback",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            List<String> log = new ArrayList<>();
                            db.execute(tx -> {
                                thrownBy(() -> tx.executeNested(inner -> {
                                    insert(inner, table, 1);
                                    registerAll(inner, log);
                                    throw planned();
                                }));
                                log.add("end of the body");
                            });
                            equal(List.of("end of the body", "RolledBack", "after rollback"), log, "hooks that fired");
                        }),
                ConformanceCase.of(
                        "HOK-05b",
                        "TX-908",
                        "hooks of a nested scope that was released fire with those of the root",
                        Feature.SAVEPOINTS,
                        run -> {
                            Transactor db = run.transactor();
                            List<String> log = new ArrayList<>();
                            db.execute(tx -> {
                                tx.executeNested(inner -> registerAll(inner, log));
                                log.add("end of the body");
                            });
                            equal(
                                    List.of("end of the body", "before commit", "Committed", "after commit"),
                                    log,
                                    "hooks that fired");
                        }));
    }

    private static List<ConformanceCase> failures() {
        return List.of(
                ConformanceCase.of(
                        "HOK-02", "TX-904", "what a hook before the commit throws rolls back and passes", run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            IllegalStateException failure = planned();
                            List<String> log = new ArrayList<>();
                            Throwable told = thrownBy(() -> db.execute(tx -> {
                                insert(tx, table, 1);
                                tx.beforeCommit(() -> {
                                    throw failure;
                                });
                                registerAll(tx, log);
                            }));
                            equal(failure, told, "the very object");
                            equal(List.of("RolledBack", "after rollback"), log, "hooks that fired");
                            equal(List.of(), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "HOK-03",
                        "TX-905",
                        "a hook that fails after the commit leaves it committed, and the others fire",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            IllegalStateException first = planned();
                            IllegalStateException second = planned();
                            List<String> log = new ArrayList<>();
                            TxHookException told = throwing(
                                    TxHookException.class,
                                    () -> db.transact(tx -> {
                                        insert(tx, table, 1);
                                        tx.afterCommit(() -> {
                                            throw first;
                                        });
                                        tx.afterCompletion(outcome -> {
                                            throw second;
                                        });
                                        registerAll(tx, log);
                                        return "result";
                                    }));
                            equal(new Outcome.Committed(), told.outcome(), "the outcome told");
                            equal("result", told.result(), "the result told");
                            equal(first, told.getCause(), "the cause told");
                            equal(List.of(second), List.of(told.getSuppressed()), "what is suppressed");
                            equal(List.of("before commit", "Committed", "after commit"), log, "hooks that fired");
                            equal(List.of(1), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "HOK-06", "TX-909", "hooks of an attempt that failed never fire for a later one", run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            List<String> log = new ArrayList<>();
                            AtomicInteger attempts = new AtomicInteger();
                            db.execute(retryOnDuplicates(), tx -> {
                                int attempt = attempts.incrementAndGet();
                                tx.afterCommit(() -> log.add("commit of " + attempt));
                                tx.afterRollback(() -> log.add("rollback of " + attempt));
                                insert(tx, table, attempt);
                                insert(tx, table, attempt < 3 ? attempt : 4);
                            });
                            equal(
                                    List.of("rollback of 1", "rollback of 2", "commit of 3"),
                                    log,
                                    "hooks that fired, each after its attempt");
                            equal(List.of(3, 4), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of("HOK-14", "TX-910", "a hook registered after the end is refused, not lost", run -> {
                    Transactor db = run.transactor();
                    Tx ended = db.transact(tx -> tx);
                    throwing(TxStateException.class, () -> ended.beforeCommit(() -> {}));
                    throwing(TxStateException.class, () -> ended.afterCommit(() -> {}));
                    throwing(TxStateException.class, () -> ended.afterRollback(() -> {}));
                    throwing(TxStateException.class, () -> ended.afterCompletion(outcome -> {}));
                }));
    }

    private static TxOptions retryOnDuplicates() {
        Duration moment = Duration.ofNanos(1);
        return TxOptions.none()
                .retry(RetryPolicy.attempts(3).on(FailureKind.UNIQUE).backoff(moment, moment));
    }

    private static List<ConformanceCase> work() {
        return List.of(
                ConformanceCase.of("HOK-04", "TX-911", "after the commit a hook is outside of the transaction", run -> {
                    String table = run.table();
                    Transactor db = run.transactor();
                    db.execute(tx -> {
                        insert(tx, table, 1);
                        tx.afterCommit(() -> {
                            equal(null, db.current(), "the current transaction");
                            throwing(TxStateException.class, () -> insert(tx, table, 2));
                            equal(List.of(1), ints(db, "select id from " + table), "rows that new work sees");
                        });
                    });
                    equal(List.of(1), run.ids(table), "committed rows");
                }),
                ConformanceCase.of("HOK-07", "TX-913", "a hook that a hook registers fires in the same round", run -> {
                    Transactor db = run.transactor();
                    List<String> log = new ArrayList<>();
                    db.execute(tx -> {
                        tx.afterCommit(() -> tx.afterCommit(() -> log.add("from a hook")));
                        tx.beforeCommit(() -> tx.beforeCommit(() -> log.add("from a hook before")));
                        tx.afterCommit(() -> log.add("from the body"));
                    });
                    equal(List.of("from a hook before", "from the body", "from a hook"), log, "hooks that fired");
                }),
                ConformanceCase.of("HOK-08", "TX-914", "what a hook writes before the commit is part of it", run -> {
                    String table = run.table();
                    Transactor db = run.transactor();
                    db.execute(tx -> {
                        insert(tx, table, 1);
                        tx.beforeCommit(() -> insert(tx, table, 2));
                        tx.beforeCommit(() -> insert(db, table, 3));
                    });
                    equal(List.of(1, 2, 3), run.ids(table), "committed rows");
                    thrownBy(() -> db.execute(tx -> {
                        tx.beforeCommit(() -> insert(tx, table, 4));
                        tx.beforeCommit(() -> {
                            throw planned();
                        });
                    }));
                    equal(List.of(1, 2, 3), run.ids(table), "committed rows after one that failed");
                }),
                ConformanceCase.of(
                        "HOK-09",
                        "TX-912",
                        "on a pool of one a hook after the end can use the connection that is back",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
                            db.execute(tx -> {
                                insert(tx, table, 1);
                                tx.afterCommit(() -> db.execute(again -> insert(again, table, 2)));
                            });
                            thrownBy(() -> db.execute(tx -> {
                                insert(tx, table, 3);
                                tx.afterRollback(() -> db.execute(again -> insert(again, table, 4)));
                                throw planned();
                            }));
                            equal(List.of(1, 2, 4), run.ids(table), "committed rows");
                        }));
    }

    private static List<ConformanceCase> listeners() {
        return List.of(
                ConformanceCase.of(
                        "HOK-11", "TX-1201", "listeners are told of each beginning and end, and of no SQL", run -> {
                            String table = run.table();
                            List<TxEvent> events = new ArrayList<>();
                            Transactor db =
                                    run.transactor(EngineSetup.on(run.pool(2)).with(events::add));
                            db.execute(TxOptions.none().label("case"), tx -> insert(tx, table, 1));
                            thrownBy(() -> db.execute(tx -> {
                                insert(tx, table, 2);
                                throw planned();
                            }));
                            db.execute(tx -> {});
                            List<String> told = events.stream()
                                    .map(event -> event.getClass().getSimpleName() + " " + event.label()
                                            + (event instanceof TxEvent.Ended ended
                                                    ? " "
                                                            + ended.outcome()
                                                                    .getClass()
                                                                    .getSimpleName()
                                                    : ""))
                                    .toList();
                            equal(
                                    List.of(
                                            "Begun case",
                                            "Ended case Committed",
                                            "Begun null",
                                            "Ended null RolledBack",
                                            "Ended null Committed"),
                                    told,
                                    "events");
                            for (TxEvent event : events) {
                                equal(false, event.toString().contains(table), "whether an event holds SQL");
                            }
                        }),
                ConformanceCase.of(
                        "HOK-12", "TX-1202", "a listener that fails changes nothing, whatever it throws", run -> {
                            String table = run.table();
                            List<String> fired = new ArrayList<>();
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1))
                                    .with(event -> {
                                        throw Facts.sneaky(quiet(planned()));
                                    })
                                    .with(event -> {
                                        throw Facts.sneaky(quiet(new AssertionError("planned by the case")));
                                    }));
                            for (int id : List.of(1, 2)) {
                                db.execute(tx -> {
                                    insert(tx, table, id);
                                    tx.afterCommit(() -> fired.add("committed " + id));
                                });
                            }
                            equal(List.of(1, 2), run.ids(table), "committed rows");
                            equal(List.of("committed 1", "committed 2"), fired, "hooks that fired");
                        }),
                ConformanceCase.of(
                        "HOK-16", "TX-1203", "listeners are told of each attempt that is followed by another", run -> {
                            String table = run.table();
                            List<TxEvent> events = new ArrayList<>();
                            Transactor db =
                                    run.transactor(EngineSetup.on(run.pool(1)).with(events::add));
                            AtomicInteger attempts = new AtomicInteger();
                            db.execute(retryOnDuplicates().label("case"), tx -> {
                                insert(tx, table, 1);
                                if (attempts.incrementAndGet() < 3) {
                                    insert(tx, table, 1);
                                }
                            });
                            List<String> told = events.stream()
                                    .map(event -> event instanceof TxEvent.Retrying retrying
                                            ? "Retrying " + retrying.label() + " " + retrying.attempt() + " "
                                                    + retrying.failure().kind()
                                            : event instanceof TxEvent.Ended ended
                                                    ? "Ended " + ended.attempt() + " "
                                                            + ended.outcome()
                                                                    .getClass()
                                                                    .getSimpleName()
                                                    : event.getClass().getSimpleName())
                                    .toList();
                            equal(
                                    List.of(
                                            "Begun",
                                            "Ended 1 RolledBack",
                                            "Retrying case 1 UNIQUE",
                                            "Begun",
                                            "Ended 2 RolledBack",
                                            "Retrying case 2 UNIQUE",
                                            "Begun",
                                            "Ended 3 Committed"),
                                    told,
                                    "events");
                        }),
                ConformanceCase.of(
                        "HOK-17",
                        "TX-1204",
                        "listeners are told of a connection that was thrown away, and why",
                        run -> {
                            String table = run.table();
                            List<TxEvent> events = new ArrayList<>();
                            ScriptedDataSource calls = run.closing(NestingCases.scripted(run));
                            Transactor db = run.transactor(EngineSetup.on(calls).with(events::add));
                            calls.play(null);
                            db.execute(tx -> insert(tx, table, 0));
                            Fault fault = Fault.dying(calls.calls().stream()
                                    .filter(JdbcCall::isCommit)
                                    .mapToInt(JdbcCall::number)
                                    .findFirst()
                                    .orElseThrow(() -> new AssertionError("no call commits: " + calls.calls())));
                            events.clear();
                            calls.play(fault);
                            thrownBy(() -> db.execute(TxOptions.none().label("case"), tx -> insert(tx, table, 1)));
                            holds(calls::hasFired, "the commit was lost");
                            List<String> told = events.stream()
                                    .filter(TxEvent.Evicted.class::isInstance)
                                    .map(TxEvent.Evicted.class::cast)
                                    .map(evicted -> evicted.label() + " " + (evicted.cause() == fault.error()) + " "
                                            + !evicted.why().isBlank())
                                    .toList();
                            equal(List.of("case true true"), told, "connections told of, with their cause and why");
                        }),
                ConformanceCase.of(
                        "HOK-18",
                        "TX-1205",
                        "listeners are told when a scope is given something other than it asked for",
                        Feature.SAVEPOINTS,
                        run -> {
                            List<TxEvent> events = new ArrayList<>();
                            Transactor db =
                                    run.transactor(EngineSetup.on(run.pool(1)).with(events::add));
                            db.execute(
                                    TxOptions.none().completion(Completion.FIXTURE),
                                    fixture -> db.execute(
                                            TxOptions.none()
                                                    .propagation(Propagation.SEPARATE)
                                                    .label("own"),
                                            own -> {}));
                            List<String> told = events.stream()
                                    .filter(TxEvent.Noted.class::isInstance)
                                    .map(event -> String.valueOf(event.label()))
                                    .toList();
                            equal(List.of("own"), told, "scopes that a note was told of");
                        }));
    }
}
