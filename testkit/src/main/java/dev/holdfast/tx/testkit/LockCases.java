package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.interleaving.Act.commit;
import static dev.holdfast.tx.testkit.interleaving.Act.read;
import static dev.holdfast.tx.testkit.interleaving.Act.rollback;
import static dev.holdfast.tx.testkit.interleaving.Act.write;

import dev.holdfast.tx.BeginMode;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.RowLock.Strength;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.LockPlan;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.testkit.interleaving.Act;
import dev.holdfast.tx.testkit.interleaving.Conductor;
import dev.holdfast.tx.testkit.interleaving.Pace;
import dev.holdfast.tx.testkit.interleaving.Step;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** What row locks keep others from, and how waiting for them ends (LCK). Row A is {@code (1, 10, 0)}, row B {@code (2, 20, 0)}. */
final class LockCases {
    private static final String A = "id = 1";
    private static final String B = "id = 2";
    private static final Duration LIMIT = Duration.ofMillis(300);
    /** Long after a server has found a deadlock, if it looks for any. */
    private static final Duration LONG = Duration.ofSeconds(20);

    private static final Set<FailureKind> KEPT_OUT = Set.of(
            FailureKind.LOCK_TIMEOUT, FailureKind.LOCK_NOT_AVAILABLE, FailureKind.SERIALIZATION, FailureKind.DEADLOCK);

    private static final Needs UPDATE = Needs.of(Feature.LOCK_UPDATE);

    private LockCases() {}

    static List<ConformanceCase> all() {
        return List.of(
                ConformanceCase.of(
                        "LCK-01",
                        "TX-701",
                        "a row lock keeps out who locks the same row, until it is released",
                        UPDATE,
                        LockCases::lockLocks),
                ConformanceCase.of(
                        "LCK-02", "TX-702", "a row lock leaves the other rows alone", UPDATE, LockCases::otherRows),
                ConformanceCase.of(
                        "LCK-03", "TX-713", "whether a plain read waits for a row lock", UPDATE, LockCases::plainRead),
                ConformanceCase.of(
                        "LCK-04",
                        "TX-703",
                        "a lock that must not wait fails at once, as LOCK_NOT_AVAILABLE",
                        UPDATE.and(Feature.LOCK_NO_WAIT),
                        LockCases::noWait),
                ConformanceCase.of(
                        "LCK-05a",
                        "TX-704",
                        "a lock that skips what is locked returns the rest, and waits for nobody",
                        UPDATE.and(Feature.LOCK_SKIP_LOCKED),
                        LockCases::skipLocked),
                ConformanceCase.of(
                        "LCK-05b",
                        "TX-704",
                        "two workers that skip each other's rows take every row once",
                        UPDATE.and(Feature.LOCK_SKIP_LOCKED).and(Means.CONCURRENT_WRITERS),
                        LockCases::workers),
                ConformanceCase.of(
                        "LCK-06",
                        "TX-705",
                        "the lock timeout ends a wait when it is over, and holds for its own transaction only",
                        Feature.LOCK_TIMEOUT,
                        LockCases::lockTimeout),
                ConformanceCase.of(
                        "LCK-07a",
                        "TX-706",
                        "what a lock timeout is said to do to its transaction is what it does",
                        Needs.of(Feature.LOCK_TIMEOUT).and(Means.CONCURRENT_WRITERS),
                        run -> effect(run, false)),
                ConformanceCase.of(
                        "LCK-07b",
                        "TX-706",
                        "a lock timeout is survived by a savepoint, if that is what it is said to do",
                        Needs.of(Feature.LOCK_TIMEOUT, Feature.SAVEPOINTS).and(Means.CONCURRENT_WRITERS),
                        run -> effect(run, true)),
                ConformanceCase.of(
                        "LCK-08",
                        "TX-707",
                        "of two in a deadlock one is the victim, told as DEADLOCK, and the other commits",
                        Needs.of(Means.CONCURRENT_WRITERS),
                        LockCases::deadlock),
                ConformanceCase.of(
                        "LCK-09",
                        "TX-707",
                        "the victim of a deadlock, run again by its retry policy, commits",
                        Needs.of(Means.CONCURRENT_WRITERS),
                        LockCases::deadlockRetried),
                ConformanceCase.of(
                        "LCK-10",
                        "TX-708",
                        "a lock of strength SHARE is shared, and keeps a writer out",
                        Needs.of(Feature.LOCK_SHARE),
                        LockCases::share),
                ConformanceCase.of(
                        "LCK-11a",
                        "TX-709",
                        "a row lock is released by a commit",
                        UPDATE,
                        run -> released(run, conductor -> conductor.done("S1", commit()))),
                ConformanceCase.of(
                        "LCK-11b",
                        "TX-709",
                        "a row lock is released by a rollback",
                        UPDATE,
                        run -> released(run, conductor -> conductor.done("S1", rollback()))),
                ConformanceCase.of(
                        "LCK-11c",
                        "TX-709",
                        "a row lock is released when its session is killed",
                        UPDATE.and(Means.KILL),
                        run -> released(run, conductor -> kill(run, conductor.sessionId("S1")))),
                ConformanceCase.of(
                        "LCK-12",
                        "TX-713",
                        "whether a lock of a row that is not there keeps others from inserting it",
                        UPDATE,
                        LockCases::nobody),
                ConformanceCase.of(
                        "LCK-14",
                        "TX-711",
                        "in a read-only transaction a row lock is refused, or kept",
                        UPDATE.and(Feature.READ_ONLY),
                        LockCases::readOnly),
                ConformanceCase.of(
                        "LCK-15",
                        "TX-705",
                        "a lock that waits for a limited time fails when it is over, as LOCK_TIMEOUT",
                        UPDATE.and(Feature.LOCK_WAIT_AT_MOST),
                        LockCases::waitAtMost),
                ConformanceCase.of(
                        "LCK-16",
                        "TX-712",
                        "a lock of one table of a join leaves the other table alone, or says that it does not",
                        UPDATE.and(Feature.LOCK_OF),
                        LockCases::ofTable),
                ConformanceCase.of(
                        "LCK-17",
                        "TX-708",
                        "a lock of any strength keeps out who deletes the row; one that is given stronger is noted",
                        UPDATE,
                        LockCases::strengths),
                ConformanceCase.of(
                        "LCK-18",
                        "TX-711",
                        "in every begin mode a row lock is refused, or kept",
                        UPDATE,
                        LockCases::beginModes));
    }

    // ---- the words

    private static Act locked(RowLock lock, String where) {
        return Act.lock(lock, "select v from {t} {table-lock} where " + where + " {row-lock}");
    }

    private static Act locked(String where) {
        return locked(RowLock.forUpdate(), where);
    }

    private static Act set(String where, int v) {
        return write("update {t} set v = " + v + " where " + where);
    }

    private static Conductor conductor(CaseRun run, int size) throws SQLException {
        String table = Interleaving.table(run, Map.of());
        return Conductor.of(run, Pace.usual(), table, options(run), size);
    }

    private static TxOptions options(CaseRun run) {
        return Interleaving.options(run, null, true);
    }

    /** What the dialect notes about a lock in a transaction with these options. */
    private static List<String> notes(CaseRun run, RowLock lock, TxOptions options) {
        return run.database()
                .dialect()
                .lock(lock, Wish.of(options), run.profile())
                .notes();
    }

    // ---- what is shown of many a lock

    /**
     * The attempt was made while the lock was held, and did not succeed before its holder came to an end. Order alone
     * decides: a slow machine can make this inconclusive, never false.
     *
     * @return how it was kept out
     */
    private static String keptOut(Conductor conductor, Step attempt, Step end) {
        conductor.drain();
        if (attempt.isDone()) {
            if (attempt.finishedAt() < end.startedAt()) {
                throw new AssertionError("'" + attempt + "' was done while S1 held the lock");
            }
            if (attempt.startedAt() > end.startedAt()) {
                throw new Inconclusive("'" + attempt + "' began when the lock was released already");
            }
            return "wait";
        }
        Step failed = failed(conductor, attempt);
        Failure failure = failed.failure();
        if (failure == null || !KEPT_OUT.contains(failure.kind())) {
            throw new AssertionError(
                    "'" + failed + "' failed with " + (failure == null ? failed.thrown() : failure)
                            + ": not for the lock",
                    failed.thrown());
        }
        return "refused, as " + failure.kind();
    }

    /** The step in which the session of the attempt failed: itself, or the begin before it. */
    private static Step failed(Conductor conductor, Step attempt) {
        return conductor.play().failures().stream()
                .filter(step -> step.session().equals(attempt.session()))
                .findFirst()
                .orElseThrow(() -> new AssertionError("'" + attempt + "' neither was done nor failed"));
    }

    // ---- the cases

    private static void lockLocks(CaseRun run) throws SQLException {
        Conductor conductor = conductor(run, 3);
        conductor.done("S1", locked(A));
        Step second = conductor.step("S2", locked(A));
        conductor.done("S1", set(A, 11));
        Step end = conductor.done("S1", commit());
        run.note("kept out", keptOut(conductor, second, end));
        Step seen = second.isDone() ? second : conductor.done("S3", locked(A));
        equal(List.of(11), seen.values(), "what was read under the lock, after the other's commit");
    }

    private static void otherRows(CaseRun run) throws SQLException {
        Conductor conductor = conductor(run, 2);
        conductor.done("S1", locked(A));
        if (run.has(Feature.SINGLE_WRITER)) {
            Step second = conductor.step("S2", locked(B));
            run.note("granularity", "database, " + keptOut(conductor, second, conductor.done("S1", commit())));
            run.characterised();
            return;
        }
        conductor.unhindered("S2", locked(B), "a lock of A keeps nobody from B");
    }

    private static void plainRead(CaseRun run) throws SQLException {
        Conductor conductor = conductor(run, 2);
        if (run.has(Feature.SINGLE_WRITER) && run.has(Feature.READ_ONLY)) {
            conductor.options("S2", options(run).readOnly());
        }
        conductor.done("S1", locked(A));
        Step plain = conductor.step("S2", read("select v from {t} where " + A));
        Step end = conductor.done("S1", commit());
        conductor.drain();
        boolean free = plain.isDone() && plain.finishedAt() < end.startedAt();
        run.note("a plain read of a locked row", free ? "does not wait" : keptOut(conductor, plain, end));
        run.characterised();
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

    /** With one writer at a time there is nobody left to wait for once a transaction has begun; that is noted. */
    private static void givenByBegin(CaseRun run, RowLock lock) throws SQLException {
        List<String> notes = notes(run, lock, options(run));
        holds(() -> !notes.isEmpty(), "it is noted that nothing is left to wait for");
        run.note("given", notes);
        Conductor conductor = conductor(run, 2);
        conductor.done("S1", locked(lock, A));
        Step second = conductor.step("S2", locked(lock, A));
        run.note("kept out", keptOut(conductor, second, conductor.done("S1", commit())));
    }

    private static @Nullable FailureKind kind(Step step) {
        Failure failure = step.failure();
        return failure == null ? null : failure.kind();
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
        Step second = timed(conductor, set(A, 12), limit);
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

    /** Has S2 take a step that must fail when the limit is over: not before, and not long after. */
    private static Step timed(Conductor conductor, Act act, Duration limit) {
        long begun = System.nanoTime();
        Step step = conductor.step("S2", act);
        Duration bound = limit.plus(Patience.of(Duration.ofSeconds(5)));
        if (!conductor.isDoneWithin(step, bound)) {
            throw new AssertionError("'" + step + "' still waits after " + bound + ", at a limit of " + limit);
        }
        if (step.isDone()) {
            throw new AssertionError("'" + step + "' was done while S1 held the lock");
        }
        Duration lasted = Duration.ofNanos(System.nanoTime() - begun);
        if (lasted.compareTo(limit.multipliedBy(9).dividedBy(10)) < 0) {
            throw new AssertionError("'" + step + "' failed after " + lasted + ", at a limit of " + limit + ": "
                    + failed(conductor, step).failure());
        }
        return failed(conductor, step);
    }

    private static void waitAtMost(CaseRun run) throws SQLException {
        Duration limit = Patience.of(LIMIT);
        if (run.has(Feature.SINGLE_WRITER)) {
            givenByBegin(run, RowLock.forUpdate().waitAtMost(limit));
            return;
        }
        Conductor conductor = conductor(run, 2);
        conductor.done("S1", locked(A));
        Step second = timed(conductor, locked(RowLock.forUpdate().waitAtMost(limit), A), limit);
        equal(FailureKind.LOCK_TIMEOUT, kind(second), "the kind of the failure: " + second.thrown());
    }

    // ---- the effect of a failed lock

    /** What is left on the server of what a transaction did before it failed. */
    private enum Left {
        /** The transaction is open, and its rows are there. */
        THERE,
        /** The transaction is open, and takes no statement. */
        REFUSED,
        /** The transaction is gone. */
        GONE
    }

    private static void effect(CaseRun run, boolean inSavepoint) throws SQLException {
        Conductor conductor = conductor(run, 2);
        conductor.options("S2", TxOptions.none().lockTimeout(Patience.of(LIMIT)));
        conductor.done("S1", set(A, 11));
        conductor.done("S2", write("insert into {t} (id, v, n) values (9, 90, 0)"));
        String sql = "update " + conductor.table() + " set v = 12 where id = 1";
        AtomicReference<@Nullable Failure> told = new AtomicReference<>();
        AtomicReference<@Nullable Left> left = new AtomicReference<>();
        AtomicReference<@Nullable Throwable> next = new AtomicReference<>();
        Step work = conductor.step("S2", Act.of("update A for too long, and look for row 9", tx -> {
            Throwable thrown = Facts.thrownBy(() -> {
                if (inSavepoint) {
                    tx.executeNested(inner -> Sql.update(inner, sql));
                } else {
                    Sql.update(tx, sql);
                }
            });
            told.set(thrown == null ? null : conductor.db().classify(thrown));
            left.set(left(conductor));
            next.set(Facts.thrownBy(() -> Sql.ints(tx, "select v from " + conductor.table() + " where id = 2")));
            return List.of();
        }));
        if (!conductor.isDoneWithin(work, Patience.step()) || !work.isDone()) {
            throw new AssertionError("the limit on waiting did not end the wait: " + work.thrown(), work.thrown());
        }
        conductor.done("S1", commit());
        Step end = conductor.step("S2", commit());
        conductor.drain();
        boolean isKept = run.ids(conductor.table()).contains(9);
        judge(run, told.get(), left.get(), next.get(), end, isKept, inSavepoint);
    }

    /** What the server tells on the driver's own connection, past the engine. */
    private static @Nullable Left left(Conductor conductor) {
        Connection connection = conductor.physical("S2");
        if (connection == null) {
            return null;
        }
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("select count(*) from " + conductor.table() + " where id = 9")) {
            return row.next() && row.getInt(1) == 1 ? Left.THERE : Left.GONE;
        } catch (SQLException e) {
            return Left.REFUSED;
        }
    }

    private static void judge(
            CaseRun run,
            @Nullable Failure told,
            @Nullable Left left,
            @Nullable Throwable next,
            Step end,
            boolean isKept,
            boolean inSavepoint) {
        if (told == null) {
            throw new AssertionError("'update A' was done while S1 held the lock, or failed with no database error");
        }
        equal(FailureKind.LOCK_TIMEOUT, told.kind(), "the kind of the failure");
        FailureEffect effect = told.effect();
        run.note("effect", effect);
        run.note("left on the server", String.valueOf(left));
        if (left != null && !inSavepoint) {
            boolean isTrue = switch (effect) {
                case NONE -> left == Left.THERE;
                case SCOPE -> left == Left.REFUSED;
                case DOOMED -> left != Left.GONE;
                case ENDED -> left == Left.GONE;
                case LOST -> false;
                case ASK -> true;
            };
            holds(() -> isTrue, "the effect is " + effect + ", and on the server what was done before is " + left);
        }
        boolean goesOn = effect == FailureEffect.NONE
                || (effect == FailureEffect.SCOPE && inSavepoint)
                || (effect == FailureEffect.ASK && isKept);
        equal(goesOn, next == null, "whether the next statement is done, after " + effect + " (" + next + ")");
        equal(goesOn, end.isDone(), "whether it commits, after " + effect + " (" + end.thrown() + ")");
        equal(goesOn, isKept, "whether the insert before is committed, after " + effect);
        if (!goesOn) {
            holds(
                    () -> end.thrown() instanceof TxRolledBackException,
                    "the commit says that it was rolled back: " + end.thrown());
        }
    }

    // ---- deadlocks

    private static void deadlock(CaseRun run) throws SQLException {
        String table = Interleaving.table(run, Map.of());
        boolean limited = run.has(Feature.LOCK_TIMEOUT);
        TxOptions options = limited ? options(run).lockTimeout(Patience.of(LONG)) : options(run);
        Conductor conductor = Conductor.of(run, Pace.usual(), table, options, 2);
        conductor.done("S1", set(A, 11));
        conductor.done("S2", set(B, 22));
        long begun = System.nanoTime();
        conductor.step("S1", set(B, 21));
        conductor.step("S2", set(A, 12));
        conductor.step("S1", commit());
        conductor.step("S2", commit());
        conductor.drain();
        Duration lasted = Duration.ofNanos(System.nanoTime() - begun);
        List<Step> victims = conductor.play().failures();
        if (victims.isEmpty()) {
            throw new Inconclusive("no deadlock arose");
        }
        boolean byTimeout = victims.stream().allMatch(victim -> kind(victim) == FailureKind.LOCK_TIMEOUT)
                && (!limited || lasted.compareTo(Patience.of(LONG)) >= 0);
        run.note("ended by", byTimeout ? "the lock timeout" : "the server, in " + lasted.toMillis() + " ms");
        for (Step victim : victims) {
            if (!byTimeout) {
                equal(FailureKind.DEADLOCK, kind(victim), "the kind of the failure: " + victim.thrown());
            }
        }
        equal(1, victims.size(), "the victims: " + victims);
        String survivor = victims.get(0).session().equals("S1") ? "S2" : "S1";
        holds(() -> conductor.play().committed(survivor), survivor + " commits");
        equal(
                survivor.equals("S1") ? List.of(11, 21) : List.of(12, 22),
                run.observed("select v from " + table + " order by id"),
                "the values that are committed, those of " + survivor);
    }

    private static void deadlockRetried(CaseRun run) throws Exception {
        String table = Interleaving.table(run, Map.of());
        Transactor db = run.transactor();
        CyclicBarrier bothHold = new CyclicBarrier(2);
        CompletableFuture<Integer> first = Threads.supply(() -> crosswise(db, table, 1, 2, bothHold));
        CompletableFuture<Integer> second = Threads.supply(() -> crosswise(db, table, 2, 1, bothHold));
        int attempts = first.get(Patience.step().toMillis(), TimeUnit.MILLISECONDS)
                + second.get(Patience.step().toMillis(), TimeUnit.MILLISECONDS);
        equal(List.of(12, 22), run.observed("select v from " + table + " order by id"), "the values, after both");
        if (attempts == 2) {
            throw new Inconclusive("no deadlock arose");
        }
        run.note("attempts of both", attempts);
    }

    /** Adds one to both rows, in this order; the first attempt meets the other when each holds a row. */
    private static int crosswise(Transactor db, String table, int one, int other, CyclicBarrier bothHold) {
        AtomicInteger attempts = new AtomicInteger();
        db.execute(TxOptions.none().retry(RetryPolicy.attempts(5)), tx -> {
            Sql.update(tx, "update " + table + " set v = v + 1 where id = ?", one);
            if (attempts.incrementAndGet() == 1) {
                bothHold.await(Patience.step().toMillis(), TimeUnit.MILLISECONDS);
            }
            Sql.update(tx, "update " + table + " set v = v + 1 where id = ?", other);
        });
        return attempts.get();
    }

    // ---- strengths

    private static void share(CaseRun run) throws SQLException {
        Conductor conductor = conductor(run, 3);
        List<String> notes = notes(run, RowLock.forShare(), options(run));
        conductor.done("S1", locked(RowLock.forShare(), A));
        if (notes.isEmpty()) {
            conductor.unhindered("S2", locked(RowLock.forShare(), A), "two share the lock");
            conductor.done("S2", commit());
        } else {
            run.note("given", notes);
        }
        Step writer = conductor.step("S3", set(A, 13));
        run.note("a writer is kept out", keptOut(conductor, writer, conductor.done("S1", commit())));
    }

    private static void strengths(CaseRun run) throws SQLException {
        for (Strength strength : Strength.values()) {
            RowLock lock = lock(strength);
            List<String> notes;
            try {
                notes = notes(run, lock, options(run));
            } catch (TxUnsupportedException e) {
                run.note(strength.name(), "refused");
                continue;
            }
            try (Conductor conductor = conductor(run, 2)) {
                conductor.done("S1", locked(lock, A));
                Step delete = conductor.step("S2", write("delete from {t} where " + A));
                String how = keptOut(conductor, delete, conductor.done("S1", commit()));
                run.note(strength.name(), how + (notes.isEmpty() ? "" : ", with a note"));
            }
            Act mayBeDone = mayBeDoneUnder(strength);
            if (!notes.isEmpty() || mayBeDone == null) {
                continue;
            }
            try (Conductor conductor = conductor(run, 2)) {
                conductor.done("S1", locked(lock, A));
                conductor.unhindered("S2", mayBeDone, strength + ", of which nothing is noted, leaves room for this");
            }
        }
    }

    private static RowLock lock(Strength strength) {
        return switch (strength) {
            case UPDATE -> RowLock.forUpdate();
            case NO_KEY_UPDATE -> RowLock.forNoKeyUpdate();
            case SHARE -> RowLock.forShare();
            case KEY_SHARE -> RowLock.forKeyShare();
        };
    }

    /** What a lock of just this strength keeps nobody from; null if it keeps others from all that can be asked for here. */
    private static @Nullable Act mayBeDoneUnder(Strength strength) {
        return switch (strength) {
            case UPDATE -> null;
            case NO_KEY_UPDATE -> locked(RowLock.forKeyShare(), A);
            case SHARE -> locked(RowLock.forShare(), A);
            case KEY_SHARE -> set(A, 13);
        };
    }

    private static void ofTable(CaseRun run) throws SQLException {
        String other = run.table(); // before the sessions: what is made first is dropped last
        run.observe("insert into " + other + " (id, v) values (1, 10)");
        Conductor conductor = conductor(run, 3);
        RowLock lock = RowLock.forUpdate().of("a");
        List<String> notes = notes(run, lock, options(run));
        conductor.done(
                "S1",
                Act.lock(
                        lock,
                        "select a.id from {t} a {table-lock:a} join " + other
                                + " b on b.id = a.id where a.id = 1 {row-lock}"));
        if (notes.isEmpty()) {
            conductor.unhindered(
                    "S2",
                    write("update " + other + " set v = 11 where id = 1"),
                    "only rows of the named table are locked");
            conductor.done("S2", commit());
        } else {
            run.note("given", notes);
        }
        Step named = conductor.step("S3", set(A, 13));
        run.note("kept out of the named table", keptOut(conductor, named, conductor.done("S1", commit())));
    }

    // ---- when locks end, and where there are none

    private interface Release {
        void of(Conductor conductor) throws SQLException;
    }

    private static void released(CaseRun run, Release release) throws SQLException {
        Conductor conductor = conductor(run, 3);
        conductor.done("S1", locked(A));
        Step second = conductor.step("S2", locked(A));
        if (second.isDone()) {
            throw new AssertionError("'" + second + "' was done while S1 held the lock");
        }
        release.of(conductor);
        conductor.drain();
        if (second.isDone()) {
            conductor.done("S2", commit());
        } else {
            Failure failure = failed(conductor, second).failure();
            holds(() -> failure != null && KEPT_OUT.contains(failure.kind()), "S2 failed for the lock: " + failure);
        }
        conductor.done("S3", locked(A));
    }

    private static void kill(CaseRun run, @Nullable String session) throws SQLException {
        String kill = run.hooks().kill();
        if (kill == null || session == null) {
            throw new Untested("The session has no id, or there is no way to kill it");
        }
        run.observe(kill.replace("{session}", session));
    }

    private static void nobody(CaseRun run) throws SQLException {
        Conductor conductor = conductor(run, 2);
        Step none = conductor.done("S1", locked("id = 7"));
        equal(List.of(), none.values(), "the rows that were locked");
        Step insert = conductor.step("S2", write("insert into {t} (id, v, n) values (7, 70, 0)"));
        Step end = conductor.done("S1", commit());
        conductor.drain();
        boolean free = insert.isDone() && insert.finishedAt() < end.startedAt();
        run.note("an insert of the row that is not there", free ? "does not wait" : keptOut(conductor, insert, end));
        run.characterised();
    }

    private static void readOnly(CaseRun run) throws SQLException {
        refusedOrKept(run, options(run).readOnly(), "read-only");
    }

    private static void beginModes(CaseRun run) throws SQLException {
        refusedOrKept(run, options(run), "no mode asked for");
        for (BeginMode mode : run.has(Feature.BEGIN_MODE) ? BeginMode.values() : new BeginMode[0]) {
            refusedOrKept(run, options(run).beginMode(mode), mode.name());
        }
    }

    private static void refusedOrKept(CaseRun run, TxOptions options, String what) throws SQLException {
        try (Conductor conductor = conductor(run, 2)) {
            conductor.options("S1", options);
            Step first = conductor.step("S1", locked(A));
            if (!first.isDone()) {
                Throwable thrown = failed(conductor, first).thrown();
                boolean refused = thrown instanceof TxUnsupportedException
                        || kind(failed(conductor, first)) == FailureKind.READ_ONLY;
                holds(() -> refused, "the lock is refused for what it is: " + thrown);
                run.note(what, "refused");
                return;
            }
            Step writer = conductor.step("S2", set(A, 12));
            run.note(what, "kept, others: " + keptOut(conductor, writer, conductor.done("S1", commit())));
        }
        LockPlan plan = run.database().dialect().lock(RowLock.forUpdate(), Wish.of(options), run.profile());
        if (plan.tail().isEmpty() && plan.tableHint().isEmpty()) {
            holds(() -> !plan.notes().isEmpty(), "a lock that adds nothing to the select is noted");
        }
    }
}
