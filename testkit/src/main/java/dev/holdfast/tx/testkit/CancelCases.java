package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;

import dev.holdfast.tx.ConnectionScope;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.UnmanagedTx;
import dev.holdfast.tx.spi.DriverPort;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity.Autocommit;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Cancelling, interrupting and killing (CAN): what is hit, what is not, and what is told. */
final class CancelCases {
    /** Often enough for a cancel to come at the wrong moment. */
    private static final int OFTEN = 200;

    private CancelCases() {}

    static List<ConformanceCase> all() {
        return List.of(
                ConformanceCase.of(
                        "CAN-03",
                        "TX-420",
                        "a statement that another thread cancels ends, and its transaction is rolled back",
                        Needs.of(Means.SLOW_QUERY),
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
                            Failure failure = Failing.of(
                                    db,
                                    () -> db.execute(tx -> {
                                        insert(tx, table, 1);
                                        runAndCancel(tx, slow(run));
                                    }));
                            Failing.is(FailureKind.CANCELLED, false, failure);
                            equal(List.of(), run.ids(table), "committed rows");
                            db.execute(tx -> insert(tx, table, 2)); // on the pool's only connection
                            equal(List.of(2), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "CAN-03b",
                        "TX-420",
                        "a statement that is answered well after its cancel counts as cancelled, and is rolled back",
                        run -> {
                            String table = run.table();
                            String second = "insert into " + table + " (id, v) values (2, 0)";
                            LateCancel late = new LateCancel(second, null);
                            Transactor db =
                                    run.transactor(EngineSetup.on(run.pool(late.of(run.sessions()), 1, Autocommit.ON)));
                            Throwable told = thrownBy(() -> db.execute(tx -> {
                                insert(tx, table, 1);
                                Failure failure = Failing.of(tx, () -> updateAndCancel(tx, second));
                                Failing.is(FailureKind.CANCELLED, false, failure);
                            }));
                            equal(
                                    TxRolledBackException.class,
                                    told == null ? null : told.getClass(),
                                    "what the caller is told");
                            equal(List.of(), run.ids(table), "committed rows");
                            db.execute(tx -> insert(tx, table, 3));
                            equal(List.of(3), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "CAN-04",
                        "TX-421",
                        "a cancel of a statement that has ended hits no other statement of the connection",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
                            AtomicInteger cancels = new AtomicInteger();
                            db.execute(tx -> {
                                Connection connection = tx.connection();
                                try (Statement ended = connection.createStatement()) {
                                    ended.executeUpdate("insert into " + table + " (id, v) values (1, 0)");
                                    cancelAllTheTime(ended, cancels, () -> {
                                        for (int id = 2; id <= OFTEN || cancels.get() < OFTEN; id++) {
                                            insert(tx, table, id);
                                        }
                                    });
                                }
                            });
                            run.note("cancels of what had ended", cancels);
                            holds(() -> cancels.get() >= OFTEN, "enough cancels: " + cancels);
                        }),
                ConformanceCase.of(
                        "CAN-04b",
                        "TX-421",
                        "a cancel that comes as its statement ends hits that statement or nothing",
                        CancelCases::cancelledInTime),
                ConformanceCase.of(
                        "CAN-04c",
                        "TX-421",
                        "a limit that passes as its statement ends hits that statement or nothing",
                        Feature.STATEMENT_TIMEOUT,
                        CancelCases::limitedInTime),
                ConformanceCase.of(
                        "CAN-05",
                        "TX-420",
                        "after a cancel that is caught the transaction goes on, or is refused to, as its effect says",
                        Needs.of(Means.SLOW_QUERY),
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
                            Failure[] raised = new Failure[1];
                            @Nullable Throwable[] next = new @Nullable Throwable[1];
                            Throwable told = thrownBy(() -> db.execute(tx -> {
                                insert(tx, table, 1);
                                raised[0] = Failing.of(tx, () -> runAndCancel(tx, slow(run)));
                                next[0] = thrownBy(() -> insert(tx, table, 2));
                            }));
                            FailureEffect effect = raised[0].effect();
                            run.note("effect of a cancel", effect);
                            if (effect == FailureEffect.NONE) {
                                equal(null, next[0], "what the next statement raised");
                                equal(null, told, "what the caller is told");
                                equal(List.of(1, 2), run.ids(table), "committed rows");
                            } else {
                                holds(
                                        () -> next[0] != null,
                                        "the next statement is refused after the effect " + effect);
                                equal(
                                        TxRolledBackException.class,
                                        told == null ? null : told.getClass(),
                                        "what the caller is told");
                                equal(List.of(), run.ids(table), "committed rows");
                            }
                        }),
                ConformanceCase.of(
                        "CAN-06",
                        "TX-423",
                        "an interrupt ends the wait for a connection, is kept, and nothing is lost of the pool",
                        CancelCases::interruptedWaiting),
                ConformanceCase.of(
                        "CAN-06b",
                        "TX-423",
                        "an interrupt of the body is kept, and what is told of the transaction is true",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
                            AtomicBoolean kept = new AtomicBoolean();
                            Throwable told = Threads.supply(() -> {
                                        Throwable thrown = thrownBy(() -> db.execute(tx -> {
                                            insert(tx, table, 1);
                                            Thread.currentThread().interrupt();
                                        }));
                                        kept.set(Thread.interrupted());
                                        return thrown;
                                    })
                                    .get(Patience.step().toMillis(), TimeUnit.MILLISECONDS);
                            run.note("an interrupted thread's commit", told == null ? "stands" : told);
                            isTrue(told, run.ids(table), List.of(1));
                            equal(true, kept.get(), "the thread is still interrupted");
                            db.execute(tx -> insert(tx, table, 2));
                        }),
                ConformanceCase.of(
                        "CAN-08",
                        "TX-422",
                        "a cancel that comes during COMMIT never makes committed rows look rolled back",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
                            AtomicInteger cancels = new AtomicInteger();
                            AtomicInteger hits = new AtomicInteger();
                            for (int id = 1; id <= OFTEN / 4; id++) {
                                int row = id;
                                AtomicBoolean over = new AtomicBoolean();
                                CompletableFuture<?>[] canceller = new CompletableFuture<?>[1];
                                Throwable told = thrownBy(() -> db.execute(tx -> {
                                    PreparedStatement statement =
                                            tx.connection().prepareStatement("insert into " + table + " values (?, 0)");
                                    statement.setInt(1, row);
                                    statement.executeUpdate();
                                    tx.beforeCommit(() -> canceller[0] = cancelUntil(over, statement, cancels));
                                }));
                                over.set(true);
                                ended(canceller[0]);
                                hits.addAndGet(told == null ? 0 : 1);
                                isTrue(
                                        told,
                                        run.observed("select id from " + table + " where id = " + row),
                                        List.of(row));
                            }
                            run.note("cancels, and commits that failed of them", cancels + ", " + hits);
                            if (cancels.get() < OFTEN / 4) {
                                throw new Inconclusive("only " + cancels + " cancels came");
                            }
                        }),
                ConformanceCase.of(
                        "CAN-09",
                        "TX-508",
                        "a session that is killed takes its transaction with it, may be run again, and is replaced",
                        Needs.of(Means.KILL),
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
                            Failure failure = Failing.of(
                                    db,
                                    () -> db.execute(tx -> {
                                        insert(tx, table, 1);
                                        kill(run, tx);
                                        Await.met("the session is gone", () -> {
                                            insert(tx, table, (int) (System.nanoTime() & 0xfffffff));
                                            return false;
                                        });
                                    }));
                            Failing.isGone(failure);
                            equal(List.of(), run.ids(table), "committed rows");
                            db.execute(tx -> insert(tx, table, 2));
                            equal(List.of(2), run.ids(table), "committed rows");
                        }));
    }

    /** Ends the session of a transaction from outside. */
    static void kill(CaseRun run, ConnectionScope tx) throws SQLException {
        String ask = run.hooks().sessionId();
        String kill = run.hooks().kill();
        if (ask == null || kill == null) {
            throw new Untested(Means.KILL.whyNot());
        }
        run.observe(kill.replace("{session}", String.valueOf(ints(tx, ask).get(0))));
    }

    static String slow(CaseRun run) {
        String slow = run.hooks().slow();
        if (slow == null) {
            throw new Untested(Means.SLOW_QUERY.whyNot());
        }
        return slow;
    }

    /** Runs a query that another thread cancels, as often as it takes. */
    static void runAndCancel(ConnectionScope scope, String query) throws SQLException {
        scope.withConnection(connection -> {
            try (Statement statement = connection.createStatement()) {
                return cancelled(statement, () -> {
                    try (ResultSet rows = statement.executeQuery(query)) {
                        return rows.next();
                    }
                });
            }
        });
    }

    private static void updateAndCancel(ConnectionScope scope, String update) throws SQLException {
        scope.withConnection(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(update)) {
                return cancelled(statement, statement::executeUpdate);
            }
        });
    }

    private static <T> T cancelled(Statement statement, DriverPort.Sending<T> executing) throws SQLException {
        CountDownLatch over = new CountDownLatch(1);
        CompletableFuture<?> canceller = Threads.run(() -> {
            while (!over.await(20, TimeUnit.MILLISECONDS)) { // nobody tells when the server has begun
                statement.cancel();
            }
        });
        try {
            return executing.send();
        } finally {
            over.countDown();
            ended(canceller);
        }
    }

    private static void ended(@Nullable CompletableFuture<?> work) {
        if (work == null) {
            return;
        }
        try {
            work.get(Patience.step().toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof SQLFeatureNotSupportedException) {
                throw new Untested("the driver cannot cancel: " + e.getCause().getMessage());
            }
            throw new AssertionError("cancelling failed: " + e, e);
        } catch (TimeoutException e) {
            throw new AssertionError("cancelling does not come back: " + e, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static CompletableFuture<?> cancelUntil(AtomicBoolean over, Statement statement, AtomicInteger cancels) {
        return Threads.run(() -> {
            while (!over.get()) {
                try {
                    statement.cancel();
                } catch (SQLException closed) {
                    return; // with its transaction
                }
                cancels.incrementAndGet();
            }
        });
    }

    private static void cancelAllTheTime(Statement statement, AtomicInteger cancels, Facts.Attempt meanwhile)
            throws Exception {
        AtomicBoolean over = new AtomicBoolean();
        CompletableFuture<?> canceller = cancelUntil(over, statement, cancels);
        try {
            meanwhile.run();
        } catch (Throwable e) {
            throw Facts.sneaky(e);
        } finally {
            over.set(true);
            ended(canceller);
        }
    }

    /** A table, and a query over it that takes a few milliseconds. */
    private static String query(CaseRun run) throws SQLException {
        String table = run.table();
        for (int id = 1; id <= 50; id++) {
            run.observe("insert into " + table + " (id, v) values (" + id + ", 0)");
        }
        return "select count(*) from " + table + " a, " + table + " b, " + table + " c where a.id <= b.id + c.id";
    }

    private static void cancelledInTime(CaseRun run) throws Exception {
        String query = query(run);
        Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
        List<Integer> answer = db.transact(tx -> ints(tx, query));
        int hit = 0;
        for (int i = 0; i < OFTEN / 4; i++) {
            CountDownLatch running = new CountDownLatch(1);
            Throwable told = thrownBy(() -> db.execute(tx -> {
                try (Statement statement = tx.connection().createStatement()) {
                    CompletableFuture<?> canceller = Threads.run(() -> {
                        running.await();
                        statement.cancel();
                    });
                    running.countDown();
                    try (ResultSet rows = statement.executeQuery(query)) {
                        equal(true, rows.next(), "whether there is a row");
                    } finally {
                        ended(canceller);
                    }
                }
            }));
            if (told instanceof SQLFeatureNotSupportedException) {
                throw new Untested("the driver cannot cancel: " + told.getMessage());
            }
            if (told != null) {
                hit++;
                Failing.is(FailureKind.CANCELLED, false, Failing.told(db, told));
            }
            equal(answer, db.transact(tx -> ints(tx, query)), "what the next one reads");
        }
        run.note("cancels that hit their statement", hit + " of " + OFTEN / 4);
    }

    private static void limitedInTime(CaseRun run) throws Exception {
        String query = query(run);
        Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
        TxOptions limited = TxOptions.none().statementTimeout(Patience.step());
        List<Integer> answer = db.transact(limited, tx -> ints(tx, query));
        long from = System.nanoTime();
        db.execute(limited, tx -> ints(tx, query));
        long lasts = System.nanoTime() - from;
        int hit = 0;
        int tries = 0;
        // a query that is over in no time is rarely hit
        while (tries < OFTEN / 4 || (hit == 0 && tries < 10 * OFTEN)) {
            Duration limit = Duration.ofNanos(lasts * (tries++ % (OFTEN / 4) + 1) / (OFTEN / 4) + 1);
            Throwable told =
                    thrownBy(() -> db.execute(TxOptions.none().statementTimeout(limit), tx -> ints(tx, query)));
            if (told != null) {
                hit++;
                Failing.is(FailureKind.STATEMENT_TIMEOUT, false, Failing.told(db, told));
            }
            equal(answer, db.transact(tx -> ints(tx, query)), "what the next one reads");
        }
        run.note("limits that hit their statement", hit + " of " + tries);
        if (hit == 0) {
            throw new Inconclusive("no limit passed in time");
        }
    }

    private static void interruptedWaiting(CaseRun run) throws Exception {
        String table = run.table();
        Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
        AtomicBoolean kept = new AtomicBoolean();
        CompletableFuture<Thread> waiter = new CompletableFuture<>();
        try (UnmanagedTx holder = db.begin()) {
            insert(holder, table, 1);
            CompletableFuture<Throwable> waiting = Threads.supply(() -> {
                waiter.complete(Thread.currentThread());
                Throwable thrown = thrownBy(() ->
                        db.execute(TxOptions.none().acquireTimeout(Patience.wholeCase()), tx -> insert(tx, table, 2)));
                kept.set(Thread.interrupted());
                return thrown == null ? new AssertionError("it did not fail") : thrown;
            });
            Thread thread = waiter.get();
            Await.met("the other waits for a connection", () -> Await.waits(thread));
            thread.interrupt();
            Throwable told = waiting.get(Patience.step().toMillis(), TimeUnit.MILLISECONDS);
            holds(
                    () -> told instanceof SQLException || told instanceof TxException,
                    "it is told as an error of the database: " + told);
            equal(true, kept.get(), "the thread is still interrupted");
            holder.commit();
        }
        equal(List.of(1), run.ids(table), "committed rows");
        db.execute(tx -> insert(tx, table, 3)); // the pool's only connection is there
    }

    /** What the caller is told is true of the rows. */
    private static void isTrue(@Nullable Throwable told, List<Integer> rows, List<Integer> written) {
        if (told == null) {
            equal(written, rows, "the rows of what was told as committed");
        } else if (!(told instanceof TxOutcomeUnknownException)) {
            equal(List.of(), rows, "the rows of what was told as rolled back by " + told);
        }
    }
}
