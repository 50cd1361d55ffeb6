package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;
import static dev.holdfast.tx.testkit.Sql.update;

import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.TxTimeoutException;
import dev.holdfast.tx.TxTimeoutException.Limit;
import dev.holdfast.tx.UnmanagedTx;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity.Autocommit;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** The four limits (TMO): each fires, names itself, and leaves nothing behind. */
final class TimeoutCases {
    private static final Duration SHORT = Duration.ofMillis(200);
    /** Of one late statement among others, which must be answered within it: a late answer fails by itself. */
    private static final Duration OF_LATE = Duration.ofSeconds(1);

    private TimeoutCases() {}

    static List<ConformanceCase> all() {
        return List.of(
                ConformanceCase.of(
                        "TMO-01",
                        "TX-410",
                        "a statement that runs too long is cancelled, and the limit is named",
                        Needs.of(Feature.STATEMENT_TIMEOUT).and(Means.SLOW_QUERY),
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
                            Throwable told =
                                    thrownBy(() -> db.execute(TxOptions.none().statementTimeout(SHORT), tx -> {
                                        insert(tx, table, 1);
                                        ints(tx, CancelCases.slow(run));
                                    }));
                            named(Limit.STATEMENT, db, told);
                            equal(List.of(), run.ids(table), "committed rows");
                            // with the limit gone, the same connection serves the next
                            db.execute(tx -> insert(tx, table, 2));
                            equal(List.of(2), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "TMO-02",
                        "TX-410",
                        "the whole timeout cancels the statement that outlives it, and the limit is named",
                        Needs.of(Feature.STATEMENT_TIMEOUT).and(Means.SLOW_QUERY),
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
                            Throwable told =
                                    thrownBy(() -> db.execute(TxOptions.none().wholeTimeout(SHORT), tx -> {
                                        insert(tx, table, 1);
                                        ints(tx, CancelCases.slow(run));
                                    }));
                            named(Limit.WHOLE, db, told);
                            equal(List.of(), run.ids(table), "committed rows");
                            db.execute(tx -> insert(tx, table, 2));
                            equal(List.of(2), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "TMO-03",
                        "TX-411",
                        "a body that outlives the whole timeout is not committed, though no statement does",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            Throwable told =
                                    thrownBy(() -> db.execute(TxOptions.none().wholeTimeout(SHORT), tx -> {
                                        insert(tx, table, 1);
                                        long until = System.nanoTime() + SHORT.toNanos();
                                        while (System.nanoTime() - until < 0) {
                                            Thread.onSpinWait();
                                        }
                                    }));
                            holds(
                                    () -> told instanceof TxTimeoutException timeout && timeout.limit() == Limit.WHOLE,
                                    "a TxTimeoutException that names WHOLE: " + told);
                            equal(List.of(), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "TMO-04",
                        "TX-410",
                        "a connection that is not had in time is told as the acquire timeout",
                        run -> {
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
                            try (UnmanagedTx holder = db.begin()) {
                                holder.open();
                                Throwable told = thrownBy(
                                        () -> db.execute(TxOptions.none().acquireTimeout(SHORT), tx -> tx.open()));
                                named(Limit.ACQUIRE, db, told);
                                holder.rollback();
                            }
                            db.execute(tx -> tx.open()); // a connection that came late was given back
                        }),
                ConformanceCase.of(
                        "TMO-05",
                        "TX-410",
                        "a lock that is not had in time is told as LOCK_TIMEOUT, and the limit is put back",
                        Feature.LOCK_TIMEOUT,
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor(EngineSetup.on(run.pool(2)));
                            db.execute(tx -> insert(tx, table, 1));
                            try (UnmanagedTx holder = db.begin()) {
                                update(holder, "update " + table + " set v = 1 where id = 1");
                                Throwable told = thrownBy(() -> db.execute(
                                        TxOptions.none().lockTimeout(SHORT),
                                        tx -> update(tx, "update " + table + " set v = 2 where id = 1")));
                                var failure = told == null ? null : db.classify(told);
                                equal(FailureKind.LOCK_TIMEOUT, failure == null ? null : failure.kind(), "the kind");
                                named(Limit.LOCK, db, told);
                                holder.commit();
                            }
                            db.execute(tx -> update(tx, "update " + table + " set v = 3 where id = 1"));
                            equal(List.of(3), run.observed("select v from " + table), "the value");
                        }),
                ConformanceCase.of(
                        "TMO-06",
                        "TX-411",
                        "the whole timeout covers all attempts, not each",
                        Feature.LOCK_TIMEOUT,
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor(EngineSetup.on(run.pool(2)));
                            db.execute(tx -> insert(tx, table, 1));
                            AtomicInteger attempts = new AtomicInteger();
                            try (UnmanagedTx holder = db.begin()) {
                                update(holder, "update " + table + " set v = 1 where id = 1");
                                thrownBy(() -> db.execute(
                                        TxOptions.none()
                                                .lockTimeout(SHORT)
                                                .wholeTimeout(Duration.ofSeconds(1))
                                                .retry(RetryPolicy.attempts(1_000)),
                                        tx -> {
                                            attempts.incrementAndGet();
                                            update(tx, "update " + table + " set v = 2 where id = 1");
                                        }));
                                holder.rollback();
                            }
                            holds(
                                    () -> attempts.get() <= 6,
                                    "a second ends the attempts, not their number: " + attempts);
                        }),
                ConformanceCase.of(
                        "TMO-07",
                        "TX-414",
                        "a statement that is answered after its limit is told as ended by it, and the transaction is rolled back",
                        Feature.STATEMENT_TIMEOUT,
                        run -> {
                            String table = run.table();
                            String second = "insert into " + table + " (id, v) values (2, 0)";
                            Transactor db = late(run, second);
                            @Nullable Throwable[] raised = new @Nullable Throwable[2];
                            Throwable told =
                                    thrownBy(() -> db.execute(TxOptions.none().statementTimeout(OF_LATE), tx -> {
                                        insert(tx, table, 1);
                                        raised[0] = thrownBy(() -> update(tx, second));
                                        raised[1] = thrownBy(() -> insert(tx, table, 3));
                                    }));
                            named(Limit.STATEMENT, db, raised[0]);
                            holds(() -> raised[1] != null, "the statement after it is refused");
                            equal(
                                    TxRolledBackException.class,
                                    told == null ? null : told.getClass(),
                                    "what the caller is told");
                            equal(List.of(), run.ids(table), "committed rows");
                            db.execute(tx -> insert(tx, table, 4));
                            equal(List.of(4), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "TMO-07b",
                        "TX-414",
                        "a statement of a nested scope that is answered after its limit is undone with that scope alone",
                        Needs.of(Feature.STATEMENT_TIMEOUT).and(Feature.SAVEPOINTS),
                        run -> {
                            String table = run.table();
                            String second = "insert into " + table + " (id, v) values (2, 0)";
                            Transactor db = late(run, second);
                            db.execute(TxOptions.none().statementTimeout(OF_LATE), tx -> {
                                insert(tx, table, 1);
                                named(Limit.STATEMENT, db, thrownBy(() -> tx.nested(in -> update(in, second))));
                                insert(tx, table, 3);
                            });
                            equal(List.of(1, 3), run.ids(table), "committed rows");
                        }));
    }

    /** A pool of one connection, on which this statement is answered when it was cancelled, and not by that. */
    private static Transactor late(CaseRun run, String text) throws SQLException {
        LateCancel late = new LateCancel(text, null);
        return run.transactor(EngineSetup.on(run.pool(late.of(run.sessions()), 1, Autocommit.ON)));
    }

    /** The limit is in the error itself, or in the causes of what JDBC threw. */
    static void named(Limit limit, Transactor db, @Nullable Throwable told) {
        for (Throwable cause = told; cause != null; cause = cause.getCause()) {
            if (cause instanceof TxTimeoutException timeout) {
                equal(limit, timeout.limit(), "the limit named");
                String text = String.valueOf(timeout.getMessage());
                holds(() -> text.contains(timeout.length().toString()), "the message tells how long it was: " + text);
                return;
            }
        }
        var failure = told == null ? null : db.classify(told);
        AssertionError unnamed = new AssertionError("no limit is named by " + told + ", classified " + failure);
        unnamed.initCause(told);
        throw unnamed;
    }
}
