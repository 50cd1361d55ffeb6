package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;

import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Outcome.Reason;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxOption;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRejectedException;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.testkit.fixture.HookMode;
import dev.holdfast.tx.testkit.fixture.RollbackFixture;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** What an application does inside a test fixture, and what is left of it (FIX). */
final class FixtureCases {
    static final TxOptions SEPARATE = TxOptions.none().propagation(Propagation.SEPARATE);

    private FixtureCases() {}

    static List<ConformanceCase> all() {
        List<ConformanceCase> all = new ArrayList<>();
        all.addAll(nothingIsCommitted());
        all.addAll(threads());
        all.addAll(roots());
        all.addAll(FixtureHookCases.all());
        return all;
    }

    static IllegalStateException planned() {
        return new IllegalStateException("planned by the case");
    }

    /** A fixture on a pool of one connection: whatever wanted a second one would wait in vain. */
    static RollbackFixture fixture(CaseRun run, HookMode mode) throws SQLException {
        return fixture(run, EngineSetup.on(run.pool(1)), mode);
    }

    static RollbackFixture fixture(CaseRun run, EngineSetup setup, HookMode mode) {
        return run.closing(RollbackFixture.open(run.transactor(setup), TxOptions.none(), mode));
    }

    static List<Integer> rows(RollbackFixture fixture, String table) throws SQLException {
        return ints(fixture.tx(), "select id from " + table + " order by id");
    }

    static <T extends @Nullable Object> T await(CompletableFuture<T> work) throws Exception {
        return work.get(Patience.step().toMillis(), TimeUnit.MILLISECONDS);
    }

    /** The fixture holds these rows now, and none of them is there after its end. */
    static void equalInsideOnly(CaseRun run, RollbackFixture fixture, String table, Integer... rows)
            throws SQLException {
        equal(List.of(rows), rows(fixture, table), "rows inside");
        fixture.close();
        equal(List.of(), run.ids(table), "committed rows");
    }

    private static void insertThrough(Connection lent, String table, int id) throws SQLException {
        try (lent;
                PreparedStatement statement =
                        lent.prepareStatement("insert into " + table + " (id, v) values (" + id + ", 0)")) {
            statement.executeUpdate();
        }
    }

    private static List<ConformanceCase> nothingIsCommitted() {
        return List.of(
                ConformanceCase.of(
                        "FIX-01",
                        "TX-330",
                        "nothing that an application does in a fixture is committed, whichever way it takes",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            RollbackFixture fixture = fixture(run, HookMode.FIRE);
                            Transactor app = fixture.transactor();
                            app.execute(tx -> insert(tx, table, 1));
                            insert(app, table, 2);
                            insertThrough(app.asDataSource().getConnection(), table, 3);
                            app.executeOutside(() -> insert(app, table, 4));
                            app.execute(SEPARATE, tx -> insert(tx, table, 5));
                            app.execute(tx -> {
                                insert(app, table, 6);
                                insertThrough(app.asDataSource().getConnection(), table, 7);
                                app.executeOutside(() -> app.execute(own -> insert(own, table, 8)));
                                app.execute(SEPARATE, own -> insert(own, table, 9));
                                tx.execute(SEPARATE, own -> insert(own, table, 10));
                                tx.executeNested(inner -> insert(inner, table, 11));
                            });
                            app.withOptions(defaults -> defaults.label("case")).execute(tx -> insert(tx, table, 12));
                            await(Threads.run(() -> app.execute(tx -> insert(tx, table, 13))));
                            await(Threads.run(() -> insert(app, table, 14)));
                            equalInsideOnly(run, fixture, table, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14);
                        }),
                ConformanceCase.of(
                        "FIX-02",
                        "TX-330",
                        "after the end of a fixture all work through it is refused, on every thread",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            RollbackFixture fixture = fixture(run, HookMode.KEEP);
                            Transactor app = fixture.transactor();
                            insert(app, table, 1);
                            fixture.close();
                            fixture.close();
                            holds(() -> !fixture.isOpen(), "the fixture is closed");
                            throwing(TxStateException.class, () -> app.execute(tx -> insert(tx, table, 2)));
                            throwing(TxStateException.class, () -> insert(app, table, 3));
                            throwing(TxStateException.class, () -> app.executeOutside(() -> insert(app, table, 4)));
                            throwing(TxStateException.class, app::begin);
                            throwing(
                                    SQLException.class,
                                    () -> app.asDataSource().getConnection().close());
                            throwing(TxStateException.class, fixture::runAfterCommitHooks);
                            throwing(TxStateException.class, () -> insert(fixture.tx(), table, 5));
                            await(Threads.run(() ->
                                    throwing(TxStateException.class, () -> app.execute(tx -> insert(tx, table, 6)))));
                            equal(List.of(), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "FIX-03",
                        "TX-331",
                        "what would be committed behind the back of a fixture is refused",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            RollbackFixture fixture =
                                    run.closing(RollbackFixture.open(db, TxOptions.none(), HookMode.FIRE));
                            Transactor app = fixture.transactor();
                            throwing(TxRejectedException.class, app::begin);
                            app.execute(tx -> throwing(TxRejectedException.class, app::begin));
                            db.execute(real -> {
                                throwing(
                                        TxRejectedException.class,
                                        () -> app.executeWithin(real, () -> insert(app, table, 1)));
                                app.execute(tx -> throwing(
                                        TxRejectedException.class,
                                        () -> app.executeWithin(real, () -> insert(app, table, 2))));
                            });
                            app.execute(tx -> {
                                throwing(TxStateException.class, fixture::close);
                                app.executeWithin(tx, () -> insert(app, table, 3));
                            });
                            equalInsideOnly(run, fixture, table, 3);
                        }),
                ConformanceCase.of(
                        "FIX-04",
                        "TX-331",
                        "inside a real transaction the application still works in the fixture",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            RollbackFixture fixture = run.closing(RollbackFixture.open(db));
                            Transactor app = fixture.transactor();
                            db.execute(real -> app.execute(tx -> insert(tx, table, 1)));
                            equalInsideOnly(run, fixture, table, 1);
                        }));
    }

    private static List<ConformanceCase> threads() {
        return List.of(
                ConformanceCase.of(
                        "FIX-05",
                        "TX-332",
                        "a transaction on another thread waits for the one that is running, and sees what that did",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            RollbackFixture fixture = fixture(run, HookMode.FIRE);
                            Transactor app = fixture.transactor();
                            List<String> log = new ArrayList<>();
                            CompletableFuture<@Nullable Void> asked = new CompletableFuture<>();
                            AtomicReference<@Nullable CompletableFuture<List<Integer>>> other = new AtomicReference<>();
                            app.execute(tx -> {
                                other.set(Threads.supply(() -> {
                                    asked.complete(null);
                                    return app.transact(own -> {
                                        log.add("other");
                                        return ints(own, "select id from " + table);
                                    });
                                }));
                                await(asked);
                                insert(tx, table, 1);
                                log.add("first");
                            });
                            CompletableFuture<List<Integer>> seen = other.get();
                            equal(List.of(1), seen == null ? null : await(seen), "rows the other thread sees");
                            equal(List.of("first", "other"), log, "who was at work, in order");
                            equalInsideOnly(run, fixture, table, 1);
                        }),
                ConformanceCase.of(
                        "FIX-06",
                        "TX-332",
                        "inside a fixture no transaction is running until the application starts one",
                        Feature.SAVEPOINTS,
                        run -> {
                            RollbackFixture fixture = fixture(run, HookMode.FIRE);
                            Transactor app = fixture.transactor();
                            equal(null, app.current(), "the current transaction");
                            throwing(
                                    TxRejectedException.class,
                                    () -> app.execute(TxOptions.none().propagation(Propagation.MANDATORY), tx -> {}));
                            app.execute(TxOptions.none().propagation(Propagation.ROOT_ONLY), tx -> {
                                equal(tx, app.current(), "the current transaction inside");
                                app.executeOutside(() -> equal(null, app.current(), "the current one outside"));
                                throwing(
                                        TxRejectedException.class,
                                        () -> app.execute(
                                                TxOptions.none().propagation(Propagation.ROOT_ONLY), inner -> {}));
                            });
                        }));
    }

    private static List<ConformanceCase> roots() {
        return List.of(
                ConformanceCase.of(
                        "FIX-07",
                        "TX-333",
                        "a transaction of the application is rolled back by itself, for each reason there is",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            RollbackFixture fixture = fixture(run, HookMode.FIRE);
                            Transactor app = fixture.transactor();
                            app.execute(tx -> insert(tx, table, 1));
                            IllegalStateException failure = planned();
                            equal(
                                    failure,
                                    thrownBy(() -> app.execute(tx -> {
                                        insert(tx, table, 2);
                                        throw failure;
                                    })),
                                    "what the body threw");
                            app.execute(tx -> {
                                insert(tx, table, 3);
                                tx.setRollbackOnly("planned by the case");
                            });
                            app.execute(TxOptions.none().forceRollback(), tx -> insert(tx, table, 4));
                            TxRolledBackException told = throwing(
                                    TxRolledBackException.class,
                                    () -> app.execute(tx -> {
                                        insert(tx, table, 5);
                                        thrownBy(() -> app.execute(inner -> {
                                            throw failure;
                                        }));
                                    }));
                            equal(Reason.JOINED_SCOPE_FAILED, told.outcome().reason(), "the reason told");
                            app.execute(tx -> {
                                thrownBy(() -> tx.executeNested(inner -> {
                                    insert(inner, table, 6);
                                    throw failure;
                                }));
                                insert(tx, table, 7);
                            });
                            equalInsideOnly(run, fixture, table, 1, 7);
                        }),
                ConformanceCase.of(
                        "FIX-08",
                        "TX-333",
                        "a statement outside of a transaction that fails leaves the fixture usable",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            RollbackFixture fixture = fixture(run, HookMode.FIRE);
                            Transactor app = fixture.transactor();
                            insert(app, table, 1);
                            SQLException told = throwing(SQLException.class, () -> insert(app, table, 1));
                            holds(() -> app.classify(told) != null, "the error is the database's");
                            insert(app, table, 2);
                            app.execute(tx -> insert(tx, table, 3));
                            equalInsideOnly(run, fixture, table, 1, 2, 3);
                        }),
                ConformanceCase.of(
                        "FIX-09",
                        "TX-334",
                        "a retry policy, the transactor's default too, runs a transaction again from its start",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            RetryPolicy policy = RetryPolicy.attempts(3)
                                    .on(FailureKind.UNIQUE)
                                    .backoff(Duration.ofNanos(1), Duration.ofNanos(1));
                            EngineSetup setup = EngineSetup.on(run.pool(1));
                            retried(run, table, setup, TxOptions.none().retry(policy));
                            retried(run, table, setup.with(TxOptions.none().retry(policy)), TxOptions.none());
                        }),
                ConformanceCase.of(
                        "FIX-10",
                        "TX-334",
                        "what the transaction of a fixture cannot give is noted, and what no transaction could is refused",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            List<String> notes = new ArrayList<>();
                            EngineSetup setup = EngineSetup.on(run.pool(1)).with((TxEvent event) -> {
                                if (event instanceof TxEvent.Noted noted) {
                                    notes.add(noted.note());
                                }
                            });
                            RollbackFixture fixture = fixture(run, setup, HookMode.FIRE);
                            Transactor app = fixture.transactor();
                            app.execute(tx -> insert(tx, table, 1));
                            equal(List.of(), notes, "notes of what is given");
                            app.execute(SEPARATE, tx -> insert(tx, table, 2));
                            app.executeOutside(() -> insert(app, table, 3));
                            app.execute(
                                    TxOptions.none().acquireTimeout(Duration.ofDays(1)), tx -> insert(tx, table, 4));
                            equal(3, notes.size(), "notes, of which there are " + notes);
                            TxOption<String> unknown = TxOption.of("nobody.knows", String.class);
                            throwing(
                                    TxUnsupportedException.class,
                                    () -> app.execute(
                                            TxOptions.none().with(unknown, "it"), tx -> insert(tx, table, 5)));
                            app.execute(tx -> throwing(
                                    TxRejectedException.class,
                                    () -> tx.execute(
                                            TxOptions.none()
                                                    .propagation(Propagation.SAVEPOINT)
                                                    .retry(RetryPolicy.attempts(2)),
                                            inner -> insert(inner, table, 6))));
                            equalInsideOnly(run, fixture, table, 1, 2, 3, 4);
                        }));
    }

    private static void retried(CaseRun run, String table, EngineSetup setup, TxOptions options) throws Exception {
        RollbackFixture fixture = fixture(run, setup, HookMode.FIRE);
        Transactor app = fixture.transactor();
        List<String> log = new ArrayList<>();
        AtomicInteger attempts = new AtomicInteger();
        app.execute(options, tx -> {
            int attempt = attempts.incrementAndGet();
            tx.afterCommit(() -> log.add("commit of " + attempt));
            tx.afterRollback(() -> log.add("rollback of " + attempt));
            insert(tx, table, attempt);
            insert(tx, table, attempt < 3 ? attempt : 4);
        });
        equal(List.of("rollback of 1", "rollback of 2", "commit of 3"), log, "hooks that fired, after their attempt");
        equalInsideOnly(run, fixture, table, 3, 4);
    }

    static void registerAll(Tx tx, List<String> log) {
        tx.afterCompletion(outcome -> log.add(outcome.getClass().getSimpleName()));
        tx.afterRollback(() -> log.add("after rollback"));
        tx.afterCommit(() -> log.add("after commit"));
        tx.beforeCommit(() -> log.add("before commit"));
    }
}
