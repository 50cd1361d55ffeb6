package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.ClassifyCases.atCommit;
import static dev.holdfast.tx.testkit.ClassifyCases.classified;
import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;
import static dev.holdfast.tx.testkit.Sql.update;

import dev.holdfast.tx.BeginMode;
import dev.holdfast.tx.CommitFate;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.UnmanagedTx;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.testkit.fault.Fault;
import dev.holdfast.tx.testkit.fault.JdbcCall;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** What an error is, what it did to the transaction, and whether the transaction may be run again (ERR). */
final class ErrorCases {
    private static final Duration SHORT = Duration.ofMillis(200);
    private static final Duration MOMENT = Duration.ofMillis(1);
    private static final RetryPolicy THRICE = RetryPolicy.attempts(3).backoff(MOMENT, MOMENT);
    private static final Wish PLAIN = Wish.of(TxOptions.none());

    private ErrorCases() {}

    static List<ConformanceCase> all() {
        List<ConformanceCase> all = new ArrayList<>(raised());
        all.addAll(ClassifyCases.all());
        all.addAll(aftermath());
        return all;
    }

    private static List<ConformanceCase> raised() {
        return List.of(
                ConformanceCase.of(
                        "ERR-01",
                        "TX-501",
                        "a write to a row that changed since it was read is a serialization failure, and may be run again",
                        ErrorCases::serialization),
                ConformanceCase.of(
                        "ERR-03",
                        "TX-501",
                        "a lock that is not had in time is a lock timeout, and may be run again",
                        Feature.LOCK_TIMEOUT,
                        run -> {
                            String table = withRow(run);
                            Transactor db = run.transactor(EngineSetup.on(run.pool(2)));
                            try (UnmanagedTx holder = db.begin()) {
                                update(holder, "update " + table + " set v = 1 where id = 1");
                                Failure failure = Failing.of(
                                        db,
                                        () -> db.execute(
                                                TxOptions.none().lockTimeout(SHORT),
                                                tx -> update(tx, "update " + table + " set v = 2 where id = 1")));
                                Failing.is(FailureKind.LOCK_TIMEOUT, true, failure);
                            }
                        }),
                ConformanceCase.of(
                        "ERR-04",
                        "TX-501",
                        "a row lock that is not free is told as such, and is not run again by itself",
                        Needs.of(Feature.LOCK_NO_WAIT).and(Means.CONCURRENT_WRITERS),
                        run -> {
                            String table = withRow(run);
                            Transactor db = run.transactor(EngineSetup.on(run.pool(2)));
                            try (UnmanagedTx holder = db.begin()) {
                                update(holder, "update " + table + " set v = 1 where id = 1");
                                Failure failure = Failing.of(
                                        db,
                                        () -> db.execute(tx -> ints(
                                                tx,
                                                tx.lock(
                                                        RowLock.forUpdate().noWait(),
                                                        "select id from " + table
                                                                + " {table-lock} where id = 1 {row-lock}"))));
                                Failing.is(FailureKind.LOCK_NOT_AVAILABLE, false, failure);
                            }
                        }),
                ConformanceCase.of(
                        "ERR-05",
                        "TX-507",
                        "a statement that outlives its limit is a statement timeout, and not a cancel by somebody",
                        Needs.of(Feature.STATEMENT_TIMEOUT).and(Means.SLOW_QUERY),
                        run -> {
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
                            Failure failure = Failing.of(
                                    db,
                                    () -> db.execute(
                                            TxOptions.none().statementTimeout(SHORT),
                                            tx -> ints(tx, CancelCases.slow(run))));
                            Failing.is(FailureKind.STATEMENT_TIMEOUT, false, failure);
                        }),
                ConformanceCase.of(
                        "ERR-06",
                        "TX-507",
                        "a statement that its caller cancels is cancelled, though a limit was set too",
                        Needs.of(Feature.STATEMENT_TIMEOUT).and(Means.SLOW_QUERY),
                        run -> {
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
                            Failure failure = Failing.of(
                                    db,
                                    () -> db.execute(
                                            TxOptions.none().statementTimeout(Patience.wholeCase()),
                                            tx -> CancelCases.runAndCancel(tx, CancelCases.slow(run))));
                            Failing.is(FailureKind.CANCELLED, false, failure);
                        }),
                ConformanceCase.of(
                        "ERR-06b",
                        "TX-507",
                        "an error that no cancel has caused is told as it is, though the limit has passed",
                        Feature.STATEMENT_TIMEOUT,
                        ErrorCases::afterLateCancel),
                ConformanceCase.of(
                        "ERR-07",
                        "TX-508",
                        "a connection that is lost in the middle takes the transaction with it, which may be run again",
                        run -> {
                            FaultBed bed = new FaultBed(run);
                            FaultBed.Work work = db -> db.execute(tx -> {
                                insert(tx, bed.table, 1);
                                insert(tx, bed.table, 2);
                            });
                            Throwable told = bed.played(work, insertNumber(2), Fault::dying);
                            Failure failure = Failing.told(bed.db, told);
                            Failing.isGone(failure);
                            holds(
                                    () -> bed.outcome() instanceof Outcome.RolledBack,
                                    "it is told as rolled back: " + bed.outcome());
                            equal(List.of(), run.ids(bed.table), "committed rows");
                            bed.thrownAwayAndServing();
                        }),
                ConformanceCase.of(
                        "ERR-08",
                        "TX-504",
                        "a connection that is lost during commit leaves an unknown outcome, which is not run again",
                        run -> {
                            FaultBed bed = new FaultBed(run);
                            AtomicInteger attempts = new AtomicInteger();
                            FaultBed.Work work = db -> {
                                attempts.set(0);
                                db.execute(TxOptions.none().retry(THRICE), tx -> {
                                    attempts.incrementAndGet();
                                    insert(tx, bed.table, 1);
                                });
                            };
                            Throwable told = bed.played(work, FaultBed.commit(), Fault::dying);
                            equal(TxOutcomeUnknownException.class, classOf(told), "what the caller is told");
                            Failure failure = Failing.told(bed.db, told);
                            Failing.isGone(failure);
                            equal(CommitFate.UNKNOWN, failure.atCommit(), "what it means as the answer to COMMIT");
                            equal(1, attempts.get(), "attempts");
                            bed.thrownAwayAndServing();
                        }),
                ConformanceCase.of(
                        "ERR-09", "TX-501", "an error of the caller's own making is not run again by itself", run -> {
                            String table = withRow(run);
                            Transactor db = run.transactor();
                            for (Failing one : Failing.values()) {
                                AtomicInteger attempts = new AtomicInteger();
                                Failure failure = Failing.of(
                                        db,
                                        () -> db.execute(TxOptions.none().retry(THRICE), tx -> {
                                            attempts.incrementAndGet();
                                            one.raise(tx, table);
                                        }));
                                Failing.is(one.kind, false, failure);
                                equal(1, attempts.get(), "attempts for " + one);
                            }
                        }),
                ConformanceCase.of(
                        "ERR-10",
                        "TX-501",
                        "a login that is refused and an error nobody knows are not run again",
                        run -> {
                            for (SQLException error : List.of(
                                    new SQLException("who are you?", "28000", 0),
                                    new SQLException("what?", "QQ123", 9_928))) {
                                for (Phase phase : Phase.values()) {
                                    Failure failure = classified(run, error, Moment.of(phase, PLAIN));
                                    holds(
                                            () -> !failure.kind().isTransient(),
                                            failure + " at " + phase + " is not run again");
                                }
                            }
                        }),
                ConformanceCase.of(
                        "ERR-11", "TX-501", "a server that cannot be reached may be there a moment later", run -> {
                            for (SQLException error : List.of(
                                    new SQLException("no", "08001"),
                                    new SQLException("no", "08006"),
                                    new SQLTransientConnectionException("no", "08001"),
                                    new SQLNonTransientConnectionException("no", "08003"))) {
                                Failure failure = classified(run, error, Moment.of(Phase.ACQUIRE, PLAIN));
                                holds(() -> failure.kind().isTransient(), failure + " may be run again");
                            }
                        }),
                ConformanceCase.of(
                        "ERR-12",
                        "TX-501",
                        "a pool that has no connection to give is not a server that is down, and may be asked again",
                        run -> {
                            FaultBed bed = new FaultBed(run);
                            SQLTransientConnectionException exhausted =
                                    new SQLTransientConnectionException("no connection came free in time");
                            FaultBed.Work work = db -> db.execute(tx -> insert(tx, bed.table, 1));
                            Throwable told = bed.played(work, List.of(Fault.throwing(1, exhausted)));
                            Failure failure = Failing.told(bed.db, told);
                            Failing.is(FailureKind.TOO_MANY_CONNECTIONS, true, failure);
                            equal(List.of(), run.ids(bed.table), "committed rows");
                        }),
                ConformanceCase.of(
                        "ERR-13",
                        "TX-501",
                        "an error nobody knows is of kind OTHER, and is told with its codes",
                        run -> {
                            SQLException error = new SQLException("what?", "QQ123", 9_928);
                            Failure failure = classified(run, error, Moment.of(Phase.STATEMENT, PLAIN));
                            Failing.is(FailureKind.OTHER, false, failure);
                            holds(
                                    () -> failure.toString().contains("QQ123")
                                            && failure.toString().contains("9928"),
                                    "SQLState and code are in '" + failure + "'");
                            equal(
                                    CommitFate.UNKNOWN,
                                    classified(run, error, atCommit()).atCommit(),
                                    "its fate at COMMIT");
                        }));
    }

    private static List<ConformanceCase> aftermath() {
        return List.of(
                ConformanceCase.of(
                        "ERR-20",
                        "TX-502",
                        "after an error that is caught the transaction goes on, or is refused to, as its effect says",
                        ErrorCases::effects),
                ConformanceCase.of(
                        "ERR-20b",
                        "TX-502",
                        "an error is survived by a nested scope where its effect ends no more than that",
                        Feature.SAVEPOINTS,
                        ErrorCases::survived),
                ConformanceCase.of(
                        "ERR-21",
                        "TX-503",
                        "of several errors behind a rollback the first is the cause",
                        ErrorCases::first));
    }

    private static void afterLateCancel(CaseRun run) throws SQLException {
        String table = withRow(run);
        SQLException duplicate =
                throwing(SQLException.class, () -> run.observe("insert into " + table + " (id, v) values (1, 0)"));
        String query = "select id from " + table;
        LateCancel late = new LateCancel(query, duplicate);
        Transactor db = run.transactor(EngineSetup.on(run.pool(late.of(run.sessions()), 1, Autocommit.ON)));
        Throwable told = thrownBy(() -> db.execute(TxOptions.none().statementTimeout(SHORT), tx -> ints(tx, query)));
        Failing.is(FailureKind.UNIQUE, false, Failing.told(db, told));
        equal(duplicate, told, "what the caller is told");
    }

    static String withRow(CaseRun run) throws SQLException {
        String table = run.table(Failing.COLUMNS);
        run.observe("insert into " + table + " (id, v) values (1, 0)");
        return table;
    }

    /** A level that refuses to overwrite what it has not seen; null if there is none. */
    private static @Nullable Isolation refusing(CaseRun run) {
        return run.profile().levels().entrySet().stream()
                .filter(level -> level.getValue().model() == IsolationModel.SI
                        || level.getValue().model() == IsolationModel.SER)
                .map(Map.Entry::getKey)
                .sorted()
                .findFirst()
                .orElse(null);
    }

    private static void serialization(CaseRun run) throws Exception {
        Isolation level = refusing(run);
        if (level == null) {
            throw new Untested("no level is declared at which a conflict is a serialization failure");
        }
        String table = withRow(run);
        Transactor db = run.transactor();
        TxOptions options = TxOptions.of(level);
        if (run.has(Feature.BEGIN_MODE)) {
            options = options.beginMode(BeginMode.DEFERRED); // else nobody else could write
        }
        TxOptions chosen = options;
        Failure failure = Failing.of(
                db,
                () -> db.execute(chosen, tx -> {
                    ints(tx, "select v from " + table + " where id = 1");
                    CompletableFuture<@Nullable Void> other =
                            Threads.run(() -> run.observe("update " + table + " set v = 1 where id = 1"));
                    try {
                        other.get(Patience.of(Duration.ofSeconds(1)).toMillis(), TimeUnit.MILLISECONDS);
                    } catch (TimeoutException waits) {
                        throw new Untested("readers keep writers waiting: a conflict is a deadlock or a lock timeout");
                    }
                    update(tx, "update " + table + " set v = v + 10 where id = 1");
                }));
        Failing.is(FailureKind.SERIALIZATION, true, failure);
        holds(() -> failure.effect() != FailureEffect.NONE, "it ends the transaction: " + failure.effect());
        equal(List.of(1), run.observed("select v from " + table), "the value that the other wrote");
    }

    private static void effects(CaseRun run) throws Exception {
        FaultBed bed = new FaultBed(run);
        for (Failing one : Failing.values()) {
            String table = withRow(run);
            AssertionError[] wrong = new AssertionError[1];
            Failure[] raised = new Failure[1];
            Throwable told = thrownBy(() -> bed.db.execute(tx -> {
                insert(tx, table, 3);
                raised[0] = Failing.of(tx, () -> one.raise(tx, table));
                bed.calls.play(null);
                Throwable next = thrownBy(() -> insert(tx, table, 4));
                boolean isSent = !HygieneCases.sent(bed.calls.calls()).isEmpty();
                boolean goesOn = raised[0].effect() == FailureEffect.NONE;
                if (goesOn != (next == null) || goesOn != isSent) {
                    wrong[0] = new AssertionError(
                            one + " has the effect " + raised[0].effect() + ", and the next statement was "
                                    + (isSent ? "sent" : "not sent") + " and raised " + next,
                            next);
                }
            }));
            if (wrong[0] != null) {
                throw wrong[0];
            }
            if (raised[0].effect() == FailureEffect.NONE) {
                equal(null, told, "what a transaction that goes on throws after " + one);
                equal(List.of(1, 3, 4), run.ids(table), "committed rows after " + one);
            } else {
                equal(TxRolledBackException.class, classOf(told), "what the caller is told after " + one);
                holds(
                        () -> told != null && Failing.isBehind(raised[0].error(), told),
                        "the cause is what was caught: " + raised[0].error());
                equal(List.of(1), run.ids(table), "committed rows after " + one);
            }
            run.note("effect of " + one, raised[0].effect());
        }
    }

    private static void survived(CaseRun run) throws Exception {
        for (Failing one : Failing.values()) {
            String table = withRow(run);
            Transactor db = run.transactor();
            Failure[] raised = new Failure[1];
            db.execute(tx -> {
                insert(tx, table, 3);
                raised[0] = Failing.of(
                        tx,
                        () -> tx.executeNested(nested -> {
                            insert(nested, table, 4);
                            one.raise(nested, table);
                        }));
                FailureEffect effect = raised[0].effect();
                if (effect != FailureEffect.NONE && effect != FailureEffect.SCOPE) {
                    throw new Inconclusive(one + " ends the whole transaction: " + effect);
                }
                insert(tx, table, 5);
            });
            equal(List.of(1, 3, 5), run.ids(table), "committed rows after " + one);
        }
    }

    private static void first(CaseRun run) throws Exception {
        String table = withRow(run);
        Transactor db = run.transactor();
        @Nullable Throwable[] caught = new @Nullable Throwable[2];
        TxRolledBackException told = throwing(
                TxRolledBackException.class,
                () -> db.execute(tx -> {
                    insert(tx, table, 3);
                    caught[0] = thrownBy(() -> tx.execute(joined -> Failing.DUPLICATE.raise(joined, table)));
                    caught[1] = thrownBy(() -> tx.execute(joined -> {
                        throw new IllegalStateException("second");
                    }));
                }));
        Failing.is(FailureKind.UNIQUE, false, Failing.told(db, told));
        equal(
                true,
                Failing.isBehind(Objects.requireNonNull(caught[0]), told),
                "the first error is in the causes of " + told);
        equal(false, Failing.isBehind(Objects.requireNonNull(caught[1]), told), "the second is in them");
        equal(List.of(1), run.ids(table), "committed rows");
    }

    private static Predicate<JdbcCall> insertNumber(int n) {
        AtomicInteger seen = new AtomicInteger();
        return call ->
                call.text().startsWith("execute") && call.text().contains("insert into") && seen.incrementAndGet() == n;
    }

    static @Nullable Class<?> classOf(@Nullable Throwable thrown) {
        return thrown == null ? null : thrown.getClass();
    }
}
