package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Locks.A;
import static dev.holdfast.tx.testkit.Locks.LIMIT;
import static dev.holdfast.tx.testkit.Locks.UPDATE;
import static dev.holdfast.tx.testkit.Locks.conductor;
import static dev.holdfast.tx.testkit.Locks.failed;
import static dev.holdfast.tx.testkit.Locks.given;
import static dev.holdfast.tx.testkit.Locks.keptOut;
import static dev.holdfast.tx.testkit.Locks.kind;
import static dev.holdfast.tx.testkit.Locks.locked;
import static dev.holdfast.tx.testkit.Locks.notes;
import static dev.holdfast.tx.testkit.Locks.options;
import static dev.holdfast.tx.testkit.Locks.set;
import static dev.holdfast.tx.testkit.interleaving.Act.commit;
import static dev.holdfast.tx.testkit.interleaving.Act.rollback;
import static dev.holdfast.tx.testkit.interleaving.Act.write;

import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.RowLock.Strength;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.testkit.interleaving.Act;
import dev.holdfast.tx.testkit.interleaving.Conductor;
import dev.holdfast.tx.testkit.interleaving.Step;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** What locks of each strength keep others from, and that one which is given stronger is told (LCK). */
final class LockStrengthCases {
    private LockStrengthCases() {}

    static List<ConformanceCase> all() {
        return List.of(
                ConformanceCase.of(
                        "LCK-10",
                        "TX-708",
                        "a lock of strength SHARE is shared, and keeps a writer out",
                        Needs.of(Feature.LOCK_SHARE),
                        LockStrengthCases::share),
                ConformanceCase.of(
                        "LCK-17",
                        "TX-708",
                        "a lock of any strength keeps out who deletes the row; one that is given stronger is noted",
                        UPDATE,
                        LockStrengthCases::strengths),
                ConformanceCase.of(
                        "LCK-19",
                        "TX-708",
                        "a strength that is given as another is noted by its name, and the note is told to listeners",
                        UPDATE,
                        LockStrengthCases::notesAreTold),
                ConformanceCase.of(
                        "LCK-20",
                        "TX-708",
                        "whatever strength is held, a lock that must not wait fails where it is kept out, and only there",
                        UPDATE.and(Feature.LOCK_NO_WAIT).and(Means.CONCURRENT_WRITERS),
                        run -> pairs(run, RowLock::noWait, LockStrengthCases::atOnce)),
                ConformanceCase.of(
                        "LCK-21",
                        "TX-708",
                        "whatever strength is held, a lock that skips leaves out the rows that it is kept from, and only those",
                        UPDATE.and(Feature.LOCK_SKIP_LOCKED).and(Means.CONCURRENT_WRITERS),
                        run -> pairs(run, RowLock::skipLocked, LockStrengthCases::skipping)),
                ConformanceCase.of(
                        "LCK-22",
                        "TX-705",
                        "a lock of any strength that waits for a limited time fails when it is over, as LOCK_TIMEOUT",
                        UPDATE.and(Feature.LOCK_WAIT_AT_MOST).and(Means.CONCURRENT_WRITERS),
                        LockStrengthCases::waitAtMost),
                ConformanceCase.of(
                        "LCK-23",
                        "TX-708",
                        "a lock of any strength but KEY_SHARE keeps out who changes the row",
                        UPDATE,
                        LockStrengthCases::writer),
                ConformanceCase.of(
                        "LCK-24",
                        "TX-708",
                        "a lock of strength UPDATE keeps out who asks for any other, until it is released",
                        UPDATE,
                        LockStrengthCases::underUpdate));
    }

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
            RowLock lock = Locks.of(strength);
            List<String> notes = given(run, lock);
            if (notes == null) {
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

    /** What a lock of just this strength keeps nobody from; null if it keeps others from all that can be asked for here. */
    private static @Nullable Act mayBeDoneUnder(Strength strength) {
        return switch (strength) {
            case UPDATE -> null;
            case NO_KEY_UPDATE -> locked(RowLock.forKeyShare(), A);
            case SHARE -> locked(RowLock.forShare(), A);
            case KEY_SHARE -> set(A, 13);
        };
    }

    private static void notesAreTold(CaseRun run) throws SQLException {
        String table = Interleaving.table(run, Map.of());
        List<TxEvent> events = Collections.synchronizedList(new ArrayList<>());
        Transactor db = run.transactor(EngineSetup.on(run.pool(1)).with(events::add));
        for (Strength strength : Strength.values()) {
            RowLock lock = Locks.of(strength);
            List<String> notes = given(run, lock);
            if (notes == null) {
                continue;
            }
            holds(
                    () -> notes.isEmpty() || notes.stream().anyMatch(note -> note.contains(strength.name())),
                    "a note names " + strength + ": " + notes);
            run.note(strength.name(), notes.isEmpty() ? "as asked for" : notes);
            events.clear();
            List<Integer> rows = db.transact(
                    options(run),
                    tx -> Sql.ints(
                            tx, tx.lock(lock, "select v from " + table + " {table-lock} where id = 1 {row-lock}")));
            equal(List.of(10), rows, "what was read under the lock");
            equal(notes, noted(events), "what listeners were told about " + strength);
        }
    }

    private static List<String> noted(List<TxEvent> events) {
        return List.copyOf(events).stream()
                .filter(TxEvent.Noted.class::isInstance)
                .map(event -> ((TxEvent.Noted) event).note())
                .toList();
    }

    // ---- who keeps out whom

    /** Two locks of which one keeps out the other, in either order. */
    private static boolean excludeEachOther(Strength one, Strength other) {
        return switch (one) {
            case UPDATE -> true;
            case NO_KEY_UPDATE -> other != Strength.KEY_SHARE;
            case SHARE -> other == Strength.UPDATE || other == Strength.NO_KEY_UPDATE;
            case KEY_SHARE -> other == Strength.UPDATE;
        };
    }

    /** Asks for a lock of row A that does not wait; answers whether it was given. */
    @FunctionalInterface
    private interface Attempt {
        boolean isGiven(Conductor conductor, String session, RowLock lock);
    }

    /** Each strength, asked for while each is held: what must be kept out is, and what nothing is noted of is not. */
    private static void pairs(CaseRun run, UnaryOperator<RowLock> waiting, Attempt attempt) throws SQLException {
        for (Strength held : Strength.values()) {
            List<String> noted = given(run, Locks.of(held));
            if (noted == null) {
                continue;
            }
            List<Strength> room = new ArrayList<>();
            try (Conductor conductor = conductor(run, 5)) {
                conductor.done("S1", locked(Locks.of(held), A));
                for (Strength asked : Strength.values()) {
                    RowLock lock = waiting.apply(Locks.of(asked));
                    List<String> notes = given(run, lock);
                    if (notes == null) {
                        continue;
                    }
                    String session = "S for " + asked;
                    boolean isGiven = attempt.isGiven(conductor, session, lock);
                    conductor.step(session, rollback()); // what it got may be in the way of the next one
                    if (isGiven) {
                        room.add(asked);
                    }
                    if (excludeEachOther(held, asked)) {
                        equal(false, isGiven, "whether " + asked + " is given beside " + held);
                    } else if (notes.isEmpty() && noted.isEmpty()) {
                        equal(
                                true,
                                isGiven,
                                "whether " + asked + " is given beside " + held + ", with no note on either");
                    }
                }
            }
            run.note("beside " + held, room);
        }
    }

    private static boolean atOnce(Conductor conductor, String session, RowLock lock) {
        Step step = conductor.atOnce(session, locked(lock, A), lock + " never waits for a row lock");
        if (!step.isDone()) {
            equal(FailureKind.LOCK_NOT_AVAILABLE, kind(step), "the kind of the failure: " + step.thrown());
        }
        return step.isDone();
    }

    private static boolean skipping(Conductor conductor, String session, RowLock lock) {
        Act all = Act.lock(lock, "select id from {t} {table-lock} where id < 9 order by id {row-lock}");
        Step step = conductor.unhindered(session, all, lock + " waits for nobody");
        boolean isGiven = step.values().contains(1);
        equal(isGiven ? List.of(1, 2) : List.of(2), step.values(), "the rows that " + lock + " got");
        return isGiven;
    }

    /** Those that wait do so at the same time. */
    private static void waitAtMost(CaseRun run) throws SQLException {
        Duration limit = Patience.of(LIMIT);
        Conductor conductor = conductor(run, 5);
        conductor.done("S1", locked(A));
        List<Step> waiting = new ArrayList<>();
        for (Strength strength : Strength.values()) {
            RowLock lock = Locks.of(strength).waitAtMost(limit);
            if (given(run, lock) != null) {
                waiting.add(conductor.step("S for " + strength, locked(lock, A)));
            }
        }
        for (Step step : waiting) {
            Duration bound = limit.plus(Patience.of(Duration.ofSeconds(5)));
            holds(() -> conductor.isDoneWithin(step, bound), "'" + step + "' has ended after " + bound);
            equal(false, step.isDone(), "whether '" + step + "' was done while S1 held the lock");
            equal(FailureKind.LOCK_TIMEOUT, kind(failed(conductor, step)), "the kind of the failure: " + step.thrown());
        }
    }

    private static void writer(CaseRun run) throws SQLException {
        for (Strength strength : Strength.values()) {
            if (strength == Strength.KEY_SHARE || given(run, Locks.of(strength)) == null) {
                continue;
            }
            try (Conductor conductor = conductor(run, 2)) {
                conductor.done("S1", locked(Locks.of(strength), A));
                Step change = conductor.step("S2", set(A, 13));
                run.note(strength.name(), keptOut(conductor, change, conductor.done("S1", commit())));
            }
        }
    }

    private static void underUpdate(CaseRun run) throws SQLException {
        for (Strength strength : Strength.values()) {
            if (given(run, Locks.of(strength)) == null) {
                continue;
            }
            try (Conductor conductor = conductor(run, 2)) {
                conductor.done("S1", locked(A));
                Step second = conductor.step("S2", locked(Locks.of(strength), A));
                conductor.done("S1", set(A, 11));
                run.note(strength.name(), keptOut(conductor, second, conductor.done("S1", commit())));
                if (second.isDone()) {
                    equal(List.of(11), second.values(), "what was read under the lock, after the other's commit");
                }
            }
        }
    }
}
