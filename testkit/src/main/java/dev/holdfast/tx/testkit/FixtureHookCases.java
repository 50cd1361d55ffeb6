package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.FixtureCases.await;
import static dev.holdfast.tx.testkit.FixtureCases.equalInsideOnly;
import static dev.holdfast.tx.testkit.FixtureCases.fixture;
import static dev.holdfast.tx.testkit.FixtureCases.planned;
import static dev.holdfast.tx.testkit.FixtureCases.registerAll;
import static dev.holdfast.tx.testkit.FixtureCases.rows;
import static dev.holdfast.tx.testkit.Sql.insert;

import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxHookException;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.FixtureHooks;
import dev.holdfast.tx.testkit.fixture.FixtureHook;
import dev.holdfast.tx.testkit.fixture.HookMode;
import dev.holdfast.tx.testkit.fixture.RollbackFixture;
import java.util.ArrayList;
import java.util.List;

/** What becomes of hooks in a test fixture (FIX). */
final class FixtureHookCases {
    private FixtureHookCases() {}

    static List<ConformanceCase> all() {
        List<ConformanceCase> all = new ArrayList<>(hooks());
        all.addAll(keptHooks());
        return all;
    }

    private static List<ConformanceCase> hooks() {
        return List.of(
                ConformanceCase.of(
                        "FIX-11",
                        "TX-335",
                        "hooks of a transaction of the application fire at its end, and know how it ended",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            RollbackFixture fixture = fixture(run, HookMode.FIRE);
                            Transactor app = fixture.transactor();
                            List<String> log = new ArrayList<>();
                            app.execute(tx -> {
                                insert(tx, table, 1);
                                tx.executeNested(inner -> registerAll(inner, log));
                                log.add("end of the body");
                            });
                            equal(
                                    List.of("end of the body", "before commit", "Committed", "after commit"),
                                    log,
                                    "hooks of one that did well");
                            log.clear();
                            thrownBy(() -> app.execute(tx -> {
                                registerAll(tx, log);
                                insert(tx, table, 2);
                                throw planned();
                            }));
                            equal(List.of("RolledBack", "after rollback"), log, "hooks of one that failed");
                            log.clear();
                            app.execute(tx -> {
                                app.execute(FixtureCases.SEPARATE, own -> registerAll(own, log));
                                log.add("end of the body");
                            });
                            equal(
                                    List.of("before commit", "Committed", "after commit", "end of the body"),
                                    log,
                                    "hooks of one inside another");
                            log.clear();
                            equalInsideOnly(run, fixture, table, 1);
                            equal(List.of(), log, "hooks at the end of the fixture");
                        }),
                ConformanceCase.of(
                        "FIX-12",
                        "TX-335",
                        "what a hook before the commit does is part of it, and what it throws rolls that back",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            RollbackFixture fixture = fixture(run, HookMode.FIRE);
                            Transactor app = fixture.transactor();
                            app.execute(tx -> tx.beforeCommit(() -> insert(app, table, 1)));
                            equal(List.of(1), rows(fixture, table), "rows after one that did well");
                            IllegalStateException failure = planned();
                            equal(
                                    failure,
                                    thrownBy(() -> app.execute(tx -> {
                                        insert(tx, table, 2);
                                        tx.beforeCommit(() -> {
                                            throw failure;
                                        });
                                    })),
                                    "the very object");
                            equalInsideOnly(run, fixture, table, 1);
                        }),
                ConformanceCase.of(
                        "FIX-13",
                        "TX-335",
                        "what a hook does with the database is in the fixture, outside of the transaction before it",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            RollbackFixture fixture = fixture(run, HookMode.FIRE);
                            Transactor app = fixture.transactor();
                            List<String> log = new ArrayList<>();
                            app.execute(tx -> {
                                insert(tx, table, 1);
                                tx.afterCommit(() -> {
                                    equal(null, app.current(), "the current transaction");
                                    throwing(TxStateException.class, () -> insert(tx, table, 2));
                                    app.execute(again -> {
                                        insert(again, table, 3);
                                        again.afterCommit(() -> log.add("of the one that a hook started"));
                                    });
                                    tx.afterCommit(() -> log.add("registered by a hook"));
                                    throwing(TxStateException.class, () -> tx.beforeCommit(() -> {}));
                                });
                                tx.afterCommit(() -> await(Threads.run(() -> insert(app, table, 4))));
                            });
                            equal(
                                    List.of("of the one that a hook started", "registered by a hook"),
                                    log,
                                    "hooks that fired because of a hook");
                            equalInsideOnly(run, fixture, table, 1, 3, 4);
                        }),
                ConformanceCase.of(
                        "FIX-14",
                        "TX-335",
                        "a hook that fails after the commit is told like any, and leaves the work in the fixture",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            RollbackFixture fixture = fixture(run, HookMode.FIRE);
                            Transactor app = fixture.transactor();
                            IllegalStateException failure = planned();
                            List<String> log = new ArrayList<>();
                            TxHookException told = throwing(
                                    TxHookException.class,
                                    () -> app.transact(tx -> {
                                        insert(tx, table, 1);
                                        tx.afterCommit(() -> {
                                            throw failure;
                                        });
                                        tx.afterCommit(() -> log.add("the next one"));
                                        return "result";
                                    }));
                            equal(new Outcome.Committed(), told.outcome(), "the outcome told");
                            equal("result", told.result(), "the result told");
                            equal(failure, told.getCause(), "the cause told");
                            equal(List.of("the next one"), log, "hooks that fired");
                            equal(
                                    List.of(FixtureHook.State.FAILED, FixtureHook.State.RETURNED),
                                    fixture.hooks().stream()
                                            .map(FixtureHook::state)
                                            .toList(),
                                    "what became of the hooks");
                            equalInsideOnly(run, fixture, table, 1);
                        }),
                ConformanceCase.of(
                        "FIX-15",
                        "TX-335",
                        "a hook registered after the end is refused in a fixture too",
                        Feature.SAVEPOINTS,
                        run -> {
                            RollbackFixture fixture = fixture(run, HookMode.FIRE);
                            Transactor app = fixture.transactor();
                            Tx ended = app.transact(tx -> tx);
                            app.execute(tx -> tx.afterCommit(
                                    () -> throwing(TxStateException.class, () -> ended.afterCommit(() -> {}))));
                            throwing(TxStateException.class, () -> ended.beforeCommit(() -> {}));
                            throwing(TxStateException.class, () -> ended.afterRollback(() -> {}));
                            throwing(TxStateException.class, () -> ended.afterCompletion(outcome -> {}));
                            equal(1, fixture.hooks().size(), "hooks that came due");
                        }));
    }

    private static List<ConformanceCase> keptHooks() {
        return List.of(
                ConformanceCase.of(
                        "FIX-16",
                        "TX-336",
                        "kept hooks fire when they are asked to, in order, with those that come of them",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            RollbackFixture fixture = fixture(run, HookMode.KEEP);
                            Transactor app = fixture.transactor();
                            List<String> log = new ArrayList<>();
                            app.execute(TxOptions.none().label("first"), tx -> {
                                insert(tx, table, 1);
                                tx.afterCommit(() -> {
                                    log.add("first");
                                    tx.afterCommit(() -> log.add("registered by a hook"));
                                    app.execute(again -> {
                                        insert(again, table, 2);
                                        again.afterCommit(() -> log.add("of the one that a hook started"));
                                    });
                                });
                            });
                            app.execute(tx -> tx.afterCompletion(
                                    outcome -> log.add(outcome.getClass().getSimpleName())));
                            equal(List.of(), log, "hooks that fired by themselves");
                            List<FixtureHook> kept = fixture.hooks();
                            equal(
                                    List.of(FixtureHooks.Point.AFTER_COMMIT, FixtureHooks.Point.AFTER_COMPLETION),
                                    kept.stream().map(FixtureHook::point).toList(),
                                    "hooks that are kept");
                            equal("first", kept.get(0).label(), "the label told");
                            equal(FixtureHook.State.KEPT, kept.get(0).state(), "its state");
                            fixture.runAfterCommitHooks();
                            equal(
                                    List.of(
                                            "first",
                                            "Committed",
                                            "of the one that a hook started",
                                            "registered by a hook"),
                                    log,
                                    "hooks that fired");
                            fixture.runAfterCommitHooks();
                            equal(4, log.size(), "hooks that fired, each once");
                            equalInsideOnly(run, fixture, table, 1, 2);
                        }),
                ConformanceCase.of(
                        "FIX-17",
                        "TX-336",
                        "of kept hooks that fail all are told, and hooks after a rollback are not kept",
                        Feature.SAVEPOINTS,
                        run -> {
                            RollbackFixture fixture = fixture(run, HookMode.KEEP);
                            Transactor app = fixture.transactor();
                            List<String> log = new ArrayList<>();
                            IllegalStateException first = planned();
                            IllegalStateException second = planned();
                            app.execute(tx -> {
                                tx.afterCommit(() -> {
                                    throw first;
                                });
                                tx.afterCommit(() -> log.add("after commit"));
                                tx.afterCommit(() -> {
                                    throw second;
                                });
                            });
                            thrownBy(() -> app.execute(tx -> {
                                tx.afterRollback(() -> log.add("after rollback"));
                                throw planned();
                            }));
                            equal(List.of("after rollback"), log, "hooks that fired by themselves");
                            TxHookException told = throwing(TxHookException.class, fixture::runAfterCommitHooks);
                            equal(first, told.getCause(), "the cause told");
                            equal(List.of(second), List.of(told.getSuppressed()), "what is suppressed");
                            equal(List.of("after rollback", "after commit"), log, "hooks that fired");
                            RollbackFixture firing = fixture(run, HookMode.FIRE);
                            throwing(TxStateException.class, firing::runAfterCommitHooks);
                        }));
    }
}
