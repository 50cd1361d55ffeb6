package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.interleaving.Act.commit;
import static dev.holdfast.tx.testkit.interleaving.Act.write;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.RowLock.Strength;
import dev.holdfast.tx.RowLock.Waiting;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.testkit.interleaving.Act;
import dev.holdfast.tx.testkit.interleaving.Conductor;
import dev.holdfast.tx.testkit.interleaving.Pace;
import dev.holdfast.tx.testkit.interleaving.Step;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The words of the lock cases, and what is shown of many a lock. Row A is {@code (1, 10, 0)}, row B {@code (2, 20, 0)}. */
final class Locks {
    static final String A = "id = 1";
    static final String B = "id = 2";
    static final Duration LIMIT = Duration.ofMillis(300);

    static final Set<FailureKind> KEPT_OUT = Set.of(
            FailureKind.LOCK_TIMEOUT, FailureKind.LOCK_NOT_AVAILABLE, FailureKind.SERIALIZATION, FailureKind.DEADLOCK);

    static final Needs UPDATE = Needs.of(Feature.LOCK_UPDATE);

    private Locks() {}

    // ---- the words

    static Act locked(RowLock lock, String where) {
        return Act.lock(lock, "select v from {t} {table-lock} where " + where + " {row-lock}");
    }

    static Act locked(String where) {
        return locked(RowLock.forUpdate(), where);
    }

    static Act set(String where, int v) {
        return write("update {t} set v = " + v + " where " + where);
    }

    static RowLock of(Strength strength) {
        return switch (strength) {
            case UPDATE -> RowLock.forUpdate();
            case NO_KEY_UPDATE -> RowLock.forNoKeyUpdate();
            case SHARE -> RowLock.forShare();
            case KEY_SHARE -> RowLock.forKeyShare();
        };
    }

    static Conductor conductor(CaseRun run, int size) throws SQLException {
        String table = Interleaving.table(run, Map.of());
        return Conductor.of(run, Pace.usual(), table, options(run), size);
    }

    static TxOptions options(CaseRun run) {
        return Interleaving.options(run, null, true);
    }

    /** What the dialect notes about a lock in a transaction with these options. */
    static List<String> notes(CaseRun run, RowLock lock, TxOptions options) {
        return run.database()
                .dialect()
                .lock(lock, Wish.of(options), run.profile())
                .notes();
    }

    /**
     * Whether what is declared must be given in this combination: UPDATE with each way of waiting and of some tables, SHARE
     * as it is. Any other combination may be refused.
     */
    static boolean mustBeGiven(RowLock lock) {
        return switch (lock.strength()) {
            case UPDATE -> lock.waiting() == Waiting.BLOCK || lock.tables().isEmpty();
            case SHARE -> lock.waiting() == Waiting.BLOCK && lock.tables().isEmpty();
            case NO_KEY_UPDATE, KEY_SHARE -> false;
        };
    }

    /** What the dialect notes about a lock; null if it refuses it, where it may. */
    static @Nullable List<String> given(CaseRun run, RowLock lock) {
        try {
            return notes(run, lock, options(run));
        } catch (TxUnsupportedException e) {
            if (mustBeGiven(lock) && (lock.strength() == Strength.UPDATE || run.has(Feature.LOCK_SHARE))) {
                throw new AssertionError("what is declared is refused: " + e.getMessage(), e);
            }
            run.note(lock.toString(), "refused");
            return null;
        }
    }

    // ---- what is shown of many a lock

    /**
     * The attempt was made while the lock was held, and did not succeed before its holder came to an end. Order alone
     * decides: a slow machine can make this inconclusive, never false.
     *
     * @return how it was kept out
     */
    static String keptOut(Conductor conductor, Step attempt, Step end) {
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
    static Step failed(Conductor conductor, Step attempt) {
        return conductor.play().failures().stream()
                .filter(step -> step.session().equals(attempt.session()))
                .findFirst()
                .orElseThrow(() -> new AssertionError("'" + attempt + "' neither was done nor failed"));
    }

    static @Nullable FailureKind kind(Step step) {
        Failure failure = step.failure();
        return failure == null ? null : failure.kind();
    }

    /** Has a session take a step that must fail when the limit is over: not before, and not long after. */
    static Step timed(Conductor conductor, String session, Act act, Duration limit) {
        long begun = System.nanoTime();
        Step step = conductor.step(session, act);
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

    /** With one writer at a time there is nobody left to wait for once a transaction has begun; that is noted. */
    static void givenByBegin(CaseRun run, RowLock lock) throws SQLException {
        List<String> notes = notes(run, lock, options(run));
        holds(() -> !notes.isEmpty(), "it is noted that nothing is left to wait for");
        run.note("given", notes);
        Conductor conductor = conductor(run, 2);
        conductor.done("S1", locked(lock, A));
        Step second = conductor.step("S2", locked(lock, A));
        run.note("kept out", keptOut(conductor, second, conductor.done("S1", commit())));
    }
}
