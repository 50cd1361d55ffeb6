package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Locks.A;
import static dev.holdfast.tx.testkit.Locks.LIMIT;
import static dev.holdfast.tx.testkit.Locks.UPDATE;
import static dev.holdfast.tx.testkit.Locks.conductor;
import static dev.holdfast.tx.testkit.Locks.failed;
import static dev.holdfast.tx.testkit.Locks.givenByBegin;
import static dev.holdfast.tx.testkit.Locks.kind;
import static dev.holdfast.tx.testkit.Locks.locked;
import static dev.holdfast.tx.testkit.Locks.set;
import static dev.holdfast.tx.testkit.Locks.timed;
import static dev.holdfast.tx.testkit.interleaving.Act.commit;

import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.testkit.interleaving.Act;
import dev.holdfast.tx.testkit.interleaving.Conductor;
import dev.holdfast.tx.testkit.interleaving.Step;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;

/** How waiting for row locks ends (LCK). */
final class LockWaitCases {
    private LockWaitCases() {}

    static List<ConformanceCase> all() {
        return List.of(
                ConformanceCase.of(
                        "LCK-04",
                        "TX-703",
                        "a lock that must not wait fails at once, as LOCK_NOT_AVAILABLE",
                        UPDATE.and(Feature.LOCK_NO_WAIT),
                        LockWaitCases::noWait),
                ConformanceCase.of(
                        "LCK-05a",
                        "TX-704",
                        "a lock that skips what is locked returns the rest, and waits for nobody",
                        UPDATE.and(Feature.LOCK_SKIP_LOCKED),
                        LockWaitCases::skipLocked),
                ConformanceCase.of(
                        "LCK-05b",
                        "TX-704",
                        "two workers that skip each other's rows take every row once",
                        UPDATE.and(Feature.LOCK_SKIP_LOCKED).and(Means.CONCURRENT_WRITERS),
                        LockWaitCases::workers),
                ConformanceCase.of(
                        "LCK-06",
                        "TX-705",
                        "the lock timeout ends a wait when it is over, and holds for its own transaction only",
                        Feature.LOCK_TIMEOUT,
                        LockWaitCases::lockTimeout),
                ConformanceCase.of(
                        "LCK-15",
                        "TX-705",
                        "a lock that waits for a limited time fails when it is over, as LOCK_TIMEOUT",
                        UPDATE.and(Feature.LOCK_WAIT_AT_MOST),
                        LockWaitCases::waitAtMost));
    }

    private static void noWait(CaseRun run) throws SQLException {
        if (run.has(Feature.SINGLE_WRITER)) {
            givenByBegin(run, RowLock.forUpdate().noWait());
            return;
        }
        Conductor conductor = conductor(run, 2);
        conductor.done("S1", locked(A));
        Step second =
                conductor.atOnce("S2", locked(RowLock.forUpdate().noWait(), A), "NOWAIT never waits for a row lock");
        if (second.isDone()) {
            throw new AssertionError("'" + second + "' was done while S1 held the lock");
        }
        equal(FailureKind.LOCK_NOT_AVAILABLE, kind(second), "the kind of the failure: " + second.thrown());
        conductor.done("S1", commit());
        conductor.done("S3", locked(RowLock.forUpdate().noWait(), A)); // free again
    }

    private static void skipLocked(CaseRun run) throws SQLException {
        Conductor conductor = conductor(run, 3);
        Act all = Act.lock(
                RowLock.forUpdate().skipLocked(),
                "select id from {t} {table-lock} where id < 9 order by id {row-lock}");
        conductor.done("S1", locked(A));
        Step rest = conductor.unhindered("S2", all, "a lock that skips waits for nobody");
        equal(List.of(2), rest.values(), "the rows that are not locked");
        Step none = conductor.unhindered("S3", all, "a lock that skips waits for nobody");
        equal(List.of(), none.values(), "the rows, when both are locked");
    }

    private static void workers(CaseRun run) throws Exception {
        String table = run.table();
        for (int id = 1; id <= 200; id++) {
            run.observe("insert into " + table + " (id, v) values (" + id + ", 0)");
        }
        Transactor db = run.transactor();
        CyclicBarrier bothRead = new CyclicBarrier(2);
        CompletableFuture<List<Integer>> first = Threads.supply(() -> taken(db, table, bothRead));
        CompletableFuture<List<Integer>> second = Threads.supply(() -> taken(db, table, bothRead));
        List<Integer> all = new ArrayList<>(first.get(Patience.step().toMillis(), TimeUnit.MILLISECONDS));
        all.addAll(second.get(Patience.step().toMillis(), TimeUnit.MILLISECONDS));
        run.note("taken by the first", first.join().size());
        equal(List.of(0), run.observed("select count(*) from " + table + " where v = 0"), "rows that nobody has taken");
        equal(List.of(0), run.observed("select count(*) from " + table + " where v > 1"), "rows that both have taken");
        equal(200, all.size(), "rows that were told as taken");
    }

    /** Takes what is free of each ten rows, while the other worker does the same. */
    private static List<Integer> taken(Transactor db, String table, CyclicBarrier bothRead) {
        List<Integer> mine = new ArrayList<>();
        for (int from = 1; from < 200; from += 10) {
            String window = "v = 0 and id between " + from + " and " + (from + 9);
            mine.addAll(db.transact(tx -> {
                String sql = tx.lock(
                        RowLock.forUpdate().skipLocked(),
                        "select id from " + table + " {table-lock} where " + window + " order by id {row-lock}");
                List<Integer> ids = Sql.ints(tx, sql);
                bothRead.await(Patience.step().toMillis(), TimeUnit.MILLISECONDS);
                if (!ids.isEmpty()) {
                    String in = ids.toString().replace('[', '(').replace(']', ')');
                    Sql.update(tx, "update " + table + " set v = v + 1 where id in " + in);
                }
                return ids;
            }));
        }
        return mine;
    }

    private static void lockTimeout(CaseRun run) throws SQLException {
        Conductor conductor = conductor(run, 2);
        Duration limit = Patience.of(LIMIT);
        conductor.options("S2", TxOptions.none().lockTimeout(limit));
        conductor.options("S3", TxOptions.none());
        conductor.done("S1", set(A, 11));
        Step second = timed(conductor, "S2", set(A, 12), limit);
        equal(FailureKind.LOCK_TIMEOUT, kind(second), "the kind of the failure: " + second.thrown());
        // The pool has two connections: the next one gets that of S2.
        Step third = conductor.step("S3", set(A, 13));
        conductor.isDoneWithin(third, limit.multipliedBy(2));
        Step end = conductor.done("S1", commit());
        conductor.drain();
        if (!third.isDone()) {
            Step failed = failed(conductor, third);
            throw new AssertionError(
                    "the next transaction on the connection, which has no limit, failed: " + failed.failure(),
                    failed.thrown());
        }
        holds(() -> third.finishedAt() > end.startedAt(), "the next transaction waited for S1");
    }

    private static void waitAtMost(CaseRun run) throws SQLException {
        Duration limit = Patience.of(LIMIT);
        if (run.has(Feature.SINGLE_WRITER)) {
            givenByBegin(run, RowLock.forUpdate().waitAtMost(limit));
            return;
        }
        Conductor conductor = conductor(run, 2);
        conductor.done("S1", locked(A));
        Step second = timed(conductor, "S2", locked(RowLock.forUpdate().waitAtMost(limit), A), limit);
        equal(FailureKind.LOCK_TIMEOUT, kind(second), "the kind of the failure: " + second.thrown());
    }
}
