package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Locks.A;
import static dev.holdfast.tx.testkit.Locks.B;
import static dev.holdfast.tx.testkit.Locks.KEPT_OUT;
import static dev.holdfast.tx.testkit.Locks.UPDATE;
import static dev.holdfast.tx.testkit.Locks.conductor;
import static dev.holdfast.tx.testkit.Locks.failed;
import static dev.holdfast.tx.testkit.Locks.keptOut;
import static dev.holdfast.tx.testkit.Locks.kind;
import static dev.holdfast.tx.testkit.Locks.locked;
import static dev.holdfast.tx.testkit.Locks.options;
import static dev.holdfast.tx.testkit.Locks.set;
import static dev.holdfast.tx.testkit.interleaving.Act.commit;
import static dev.holdfast.tx.testkit.interleaving.Act.read;
import static dev.holdfast.tx.testkit.interleaving.Act.rollback;
import static dev.holdfast.tx.testkit.interleaving.Act.write;

import dev.holdfast.tx.BeginMode;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.LockPlan;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.testkit.interleaving.Conductor;
import dev.holdfast.tx.testkit.interleaving.Step;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** That row locks lock, for how long, and where there are none (LCK). */
final class LockCases {
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
                        "LCK-18",
                        "TX-711",
                        "in every begin mode a row lock is refused, or kept",
                        UPDATE,
                        LockCases::beginModes));
    }

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
