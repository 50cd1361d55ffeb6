package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Locks.A;
import static dev.holdfast.tx.testkit.Locks.B;
import static dev.holdfast.tx.testkit.Locks.LIMIT;
import static dev.holdfast.tx.testkit.Locks.conductor;
import static dev.holdfast.tx.testkit.Locks.kind;
import static dev.holdfast.tx.testkit.Locks.options;
import static dev.holdfast.tx.testkit.Locks.set;
import static dev.holdfast.tx.testkit.interleaving.Act.commit;
import static dev.holdfast.tx.testkit.interleaving.Act.write;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.testkit.interleaving.Act;
import dev.holdfast.tx.testkit.interleaving.Conductor;
import dev.holdfast.tx.testkit.interleaving.Pace;
import dev.holdfast.tx.testkit.interleaving.Step;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** What a lock that was not had does to the transaction that asked for it, by the lock timeout or by a deadlock (LCK). */
final class LockFailureCases {
    /** Long after a server has found a deadlock, if it looks for any. */
    private static final Duration LONG = Duration.ofSeconds(20);

    private LockFailureCases() {}

    static List<ConformanceCase> all() {
        return List.of(
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
                        LockFailureCases::deadlock),
                ConformanceCase.of(
                        "LCK-09",
                        "TX-707",
                        "the victim of a deadlock, run again by its retry policy, commits",
                        Needs.of(Means.CONCURRENT_WRITERS),
                        LockFailureCases::deadlockRetried));
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
}
