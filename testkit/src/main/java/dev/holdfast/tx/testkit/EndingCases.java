package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;
import static dev.holdfast.tx.testkit.Sql.update;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Outcome.Reason;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.UnmanagedTx;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.testkit.fault.Fault;
import dev.holdfast.tx.testkit.fault.JdbcCall;
import dev.holdfast.tx.testkit.fault.Lent;
import dev.holdfast.tx.testkit.fault.ScriptedDataSource;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Transactions that something goes wrong with: at their beginning, under way, and at their end (LIF). */
final class EndingCases {
    private static final Duration SHORT = Duration.ofMillis(200);

    private EndingCases() {}

    static List<ConformanceCase> all() {
        List<ConformanceCase> all = new ArrayList<>();
        all.addAll(underWay());
        all.addAll(atCommit());
        all.addAll(atRollback());
        all.addAll(atBegin());
        return all;
    }

    private static IllegalStateException planned() {
        return new IllegalStateException("planned by the case");
    }

    // ---- under way

    /** What is done in a transaction between its first write and its last. */
    @FunctionalInterface
    private interface Trouble {
        void in(Tx tx) throws Exception;
    }

    /**
     * What was seen of a transaction that writes a row, gets an error, catches it, and writes another.
     *
     * @param error that was caught; null if none came
     * @param next what the next statement threw; null if it did well
     * @param end what the caller was told; null if it returned
     */
    private record Seen(
            int early,
            int late,
            @Nullable Throwable error,
            @Nullable Throwable next,
            @Nullable Throwable end) {
        static Seen of(Transactor db, TxOptions options, String table, int early, int late, Trouble trouble) {
            AtomicReference<@Nullable Throwable> error = new AtomicReference<>();
            AtomicReference<@Nullable Throwable> next = new AtomicReference<>();
            Throwable end = thrownBy(() -> db.execute(options, tx -> {
                insert(tx, table, early);
                error.set(thrownBy(() -> trouble.in(tx)));
                next.set(thrownBy(() -> insert(tx, table, late)));
            }));
            return new Seen(early, late, error.get(), next.get(), end);
        }

        /** All that was reported as committed is there, and of all else nothing. */
        void holdsFor(Transactor db, List<Integer> rows) {
            String what = "of " + early + " and " + late + " among the committed rows " + rows;
            List<Integer> mine =
                    rows.stream().filter(id -> id == early || id == late).toList();
            if (end == null) {
                equal(next == null ? List.of(early, late) : List.of(early), mine, what + ", reported as committed");
            } else {
                equal(TxRolledBackException.class, end.getClass(), "what the caller is told");
                equal(List.of(), mine, what + ", reported as rolled back");
                equal(kind(db, error), kind(db, end), "the kind of the error behind the rollback");
            }
            Failure failure = error == null ? null : db.classify(error);
            if (failure != null && failure.effect() != FailureEffect.NONE) {
                holds(
                        () -> next != null,
                        "after an error that ends the transaction (" + failure.effect()
                                + ") the next statement is refused");
            }
        }
    }

    private static @Nullable FailureKind kind(Transactor db, @Nullable Throwable error) {
        Failure failure = error == null ? null : db.classify(error);
        return failure == null ? null : failure.kind();
    }

    private static List<ConformanceCase> underWay() {
        return List.of(
                ConformanceCase.of(
                        "LIF-07",
                        "TX-307",
                        "the victim of a deadlock writes nothing in a transaction that it does not know of",
                        Needs.of(Means.CONCURRENT_WRITERS),
                        EndingCases::deadlock),
                ConformanceCase.of(
                        "LIF-07b",
                        "TX-307",
                        "after a lock that was not had in time the transaction is whole or gone",
                        Needs.of(Feature.LOCK_TIMEOUT).and(Means.CONCURRENT_WRITERS),
                        run -> {
                            String table = run.table();
                            run.observe("insert into " + table + " (id, v) values (1, 0)");
                            Transactor db = run.transactor();
                            Seen seen;
                            try (UnmanagedTx holder = db.begin()) {
                                update(holder, "update " + table + " set v = 1 where id = 1");
                                seen = Seen.of(
                                        db,
                                        TxOptions.none().lockTimeout(SHORT),
                                        table,
                                        11,
                                        12,
                                        tx -> update(tx, "update " + table + " set v = 2 where id = 1"));
                            }
                            equal(FailureKind.LOCK_TIMEOUT, kind(db, seen.error()), "the kind of the error caught");
                            seen.holdsFor(db, run.ids(table));
                        }),
                ConformanceCase.of(
                        "LIF-07c",
                        "TX-307",
                        "after a conflict that dooms the transaction no statement of it is sent",
                        EndingCases::conflict),
                ConformanceCase.of(
                        "LIF-21",
                        "TX-306",
                        "a nested scope that caught an error which aborts it is rolled back, and says so",
                        Feature.SAVEPOINTS,
                        EndingCases::caughtInside));
    }

    /** Each has a row of its own and then wants the other's: at least one of them must fail. */
    private static void deadlock(CaseRun run) throws Exception {
        String table = run.table();
        run.observe("insert into " + table + " (id, v) values (1, 0)");
        run.observe("insert into " + table + " (id, v) values (2, 0)");
        Transactor db = run.transactor();
        CyclicBarrier bothHold = new CyclicBarrier(2);
        List<CompletableFuture<Seen>> both = new ArrayList<>();
        for (int own : List.of(1, 2)) {
            both.add(Threads.supply(() -> Seen.of(db, TxOptions.none(), table, 10 * own, 10 * own + 1, tx -> {
                update(tx, "update " + table + " set v = ? where id = ?", own, own);
                bothHold.await(Patience.step().toSeconds(), TimeUnit.SECONDS);
                update(tx, "update " + table + " set v = ? where id = ?", own, 3 - own);
            })));
        }
        List<Seen> seen = new ArrayList<>();
        for (CompletableFuture<Seen> one : both) {
            seen.add(one.get(Patience.step().multipliedBy(2).toSeconds(), TimeUnit.SECONDS));
        }
        if (seen.stream().allMatch(one -> one.error() == null)) {
            throw new Inconclusive("two that waited for each other both went on");
        }
        List<Integer> rows = run.ids(table);
        for (Seen one : seen) {
            one.holdsFor(db, rows);
        }
    }

    /** Where a transaction reads from a snapshot, a write to what was changed since fails for certain. */
    private static void conflict(CaseRun run) throws Exception {
        TxOptions snapshot = SavepointCases.snapshot(run.profile());
        String table = run.table();
        run.observe("insert into " + table + " (id, v) values (1, 0)");
        Transactor db = run.transactor();
        AtomicReference<@Nullable Throwable> error = new AtomicReference<>();
        TxRolledBackException told = throwing(
                TxRolledBackException.class,
                () -> db.execute(snapshot, tx -> {
                    ints(tx, "select v from " + table);
                    run.observe("update " + table + " set v = 1");
                    error.set(thrownBy(() -> update(tx, "update " + table + " set v = 2 where id = 1")));
                    SQLException next = throwing(SQLException.class, () -> insert(tx, table, 2));
                    equal(TxStateException.class, causeOf(next), "the cause of what the next statement throws");
                }));
        equal(FailureKind.SERIALIZATION, kind(db, error.get()), "the kind of the error caught");
        equal(error.get(), told.getCause(), "the cause told");
        equal(List.of(1), run.ids(table), "committed rows");
        equal(List.of(1), run.observed("select v from " + table), "the value");
    }

    private static void caughtInside(CaseRun run) throws Exception {
        String table = run.table();
        Transactor db = run.transactor();
        AtomicReference<@Nullable Throwable> error = new AtomicReference<>();
        AtomicReference<@Nullable Throwable> nested = new AtomicReference<>();
        db.execute(tx -> {
            insert(tx, table, 1);
            nested.set(thrownBy(() -> tx.executeNested(inner -> {
                insert(inner, table, 2);
                error.set(thrownBy(() -> insert(inner, table, 1))); // and swallowed
            })));
            insert(tx, table, 3);
        });
        if (nested.get() == null) { // the error undid its statement alone
            equal(List.of(1, 2, 3), run.ids(table), "committed rows");
        } else {
            TxRolledBackException told = throwing(TxRolledBackException.class, () -> {
                throw Objects.requireNonNull(nested.get());
            });
            equal(error.get(), told.getCause(), "the cause told");
            equal(List.of(1, 3), run.ids(table), "committed rows");
        }
    }

    private static @Nullable Class<?> causeOf(Throwable seen) {
        Throwable cause = seen.getCause();
        return cause == null ? null : cause.getClass();
    }

    // ---- at COMMIT

    private static List<ConformanceCase> atCommit() {
        return List.of(
                ConformanceCase.of(
                        "LIF-08",
                        "TX-308",
                        "a commit that the server refuses is told as a rollback, and nothing of it is there",
                        Feature.DEFERRED_CONSTRAINTS,
                        run -> {
                            String parents = run.table();
                            String children = run.table("id int primary key, v int references " + parents
                                    + " (id) deferrable initially immediate");
                            ScriptedDataSource calls = run.closing(scripted(run));
                            Transactor db = run.transactor(EngineSetup.on(calls));
                            calls.play(null);
                            TxRolledBackException told = throwing(
                                    TxRolledBackException.class,
                                    () -> db.execute(
                                            TxOptions.none().deferConstraints(), tx -> insert(tx, children, 1)));
                            equal(Reason.COMMIT_REFUSED, told.outcome().reason(), "the reason told");
                            equal(FailureKind.FOREIGN_KEY, kind(db, told), "the kind of the error");
                            equal(List.of(), run.ids(children), "committed rows");
                            isGivenBackAsFound(calls);
                            run.observe("insert into " + parents + " (id, v) values (0, 0)"); // no lock is left
                            db.execute(tx -> insert(tx, children, 2));
                            equal(List.of(2), run.ids(children), "committed rows of the next transaction");
                        }),
                ConformanceCase.of(
                        "LIF-08b",
                        "TX-308",
                        "of two that are not serializable together, what is told to have failed is not there",
                        Needs.of(Isolation.SERIALIZABLE).and(Means.CONCURRENT_WRITERS),
                        EndingCases::skew));
    }

    /** Each reads what the other writes; the second to end is told what became of it. */
    private static void skew(CaseRun run) throws Exception {
        String table = run.table();
        Transactor db = run.transactor();
        TxOptions serializable = TxOptions.of(Isolation.SERIALIZABLE);
        List<CompletableFuture<@Nullable Throwable>> rival = new ArrayList<>();
        Throwable told = thrownBy(() -> db.execute(serializable, tx -> {
            ints(tx, "select id from " + table);
            insert(tx, table, 1);
            rival.add(Threads.supply(() -> thrownBy(() -> db.execute(serializable, other -> {
                ints(other, "select id from " + table);
                insert(other, table, 2);
            }))));
            ended(rival.get(0)); // or it waits for this one: then it is what fails, or comes after it
        }));
        Throwable toldToRival = rival.get(0).get(Patience.step().toSeconds(), TimeUnit.SECONDS);
        List<Integer> rows = run.ids(table);
        equal(told == null, rows.contains(1), "whether what was told " + told + " is there");
        equal(toldToRival == null, rows.contains(2), "whether what was told " + toldToRival + " is there");
        if (told == null && toldToRival == null) {
            throw new Untested("nothing that ran together failed here");
        }
        Throwable failed = told != null ? told : toldToRival;
        equal(true, kind(db, failed) != null, "whether the error is a classified one: " + failed);
        run.note("fails", told == null ? "the rival" : told.getClass().getSimpleName());
    }

    /** Waits for it, but not for long: false if it waits too. */
    static boolean ended(CompletableFuture<?> work) throws Exception {
        try {
            work.get(Patience.of(Duration.ofSeconds(2)).toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException waits) {
            return false;
        }
    }

    private static ScriptedDataSource scripted(CaseRun run) throws SQLException {
        return new ScriptedDataSource(
                run.database().sessions(),
                Autocommit.ON,
                run.database().dialect().port(),
                run.database().sessionQueries());
    }

    private static void isGivenBackAsFound(ScriptedDataSource calls) {
        for (Lent lent : calls.ledger()) {
            equal(Lent.Fate.RETURNED, lent.fate(), "what became of " + lent);
            equal(List.of(), lent.complaints(), "complaints about " + lent);
        }
    }

    // ---- at ROLLBACK

    private static List<ConformanceCase> atRollback() {
        return List.of(ConformanceCase.of(
                "LIF-09",
                "TX-309",
                "a rollback that fails is suppressed in what was thrown, and its connection thrown away",
                run -> {
                    String table = run.table();
                    ScriptedDataSource calls = run.closing(scripted(run));
                    List<TxEvent> events = new ArrayList<>();
                    Transactor db = run.transactor(EngineSetup.on(calls).with(events::add));
                    calls.play(null);
                    thrownBy(() -> failing(db, table, planned()));
                    int rollback = calls.calls().stream()
                            .filter(call -> call.text().toLowerCase(Locale.ROOT).contains("rollback"))
                            .mapToInt(JdbcCall::number)
                            .findFirst()
                            .orElseThrow(() -> new Inconclusive("no call rolls back: " + calls.calls()));
                    IllegalStateException first = planned();
                    Fault fault = Fault.throwing(rollback, "HY000");
                    calls.play(fault);
                    equal(first, thrownBy(() -> failing(db, table, first)), "what the caller is told");
                    holds(calls::hasFired, "the rollback has failed");
                    equal(
                            List.of(fault.error()),
                            List.of(first.getSuppressed()),
                            "what is suppressed in what the body threw");
                    equal(
                            List.of(Lent.Fate.THROWN_AWAY),
                            calls.ledger().stream().map(Lent::fate).toList(),
                            "what became of the connections");
                    holds(
                            () -> events.stream().anyMatch(TxEvent.Evicted.class::isInstance),
                            "it is told that a connection was thrown away: " + events);
                    equal(List.of(), run.ids(table), "committed rows");
                    calls.play(null);
                    db.execute(tx -> insert(tx, table, 2));
                    equal(List.of(2), run.ids(table), "committed rows of the next transaction");
                }));
    }

    private static void failing(Transactor db, String table, RuntimeException thrown) {
        db.execute(tx -> {
            insert(tx, table, 1);
            throw thrown;
        });
    }

    // ---- at BEGIN

    private static List<ConformanceCase> atBegin() {
        return List.of(
                ConformanceCase.of(
                        "LIF-13",
                        "TX-311",
                        "a begin that finds the database busy fails as such, and none does where several can write",
                        Feature.LOCK_TIMEOUT,
                        run -> {
                            String table = run.table();
                            Transactor holders = run.transactor(EngineSetup.on(run.pool(1)));
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
                            Throwable told;
                            try (UnmanagedTx holder = holders.begin()) {
                                insert(holder, table, 1);
                                told = thrownBy(
                                        () -> db.execute(TxOptions.none().lockTimeout(SHORT), Tx::open));
                                holder.commit();
                            }
                            if (run.has(Feature.SINGLE_WRITER)) {
                                holds(() -> told instanceof TxException, "begin is refused: " + told);
                                equal(FailureKind.LOCK_TIMEOUT, kind(db, told), "the kind of the error");
                            } else {
                                equal(null, told, "what begin raises while another writes");
                            }
                            db.execute(tx -> insert(tx, table, 2));
                            equal(List.of(1, 2), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "LIF-13b",
                        "TX-311",
                        "after a begin that failed no statement of the transaction is sent",
                        run -> {
                            String table = run.table();
                            ScriptedDataSource calls = run.closing(scripted(run));
                            Transactor db = run.transactor(EngineSetup.on(calls));
                            Fault fault = Fault.throwing(2, "HY000"); // the first call after getConnection
                            calls.play(fault);
                            TxRolledBackException told = throwing(
                                    TxRolledBackException.class,
                                    () -> db.execute(tx -> {
                                        throwing(TxException.class, tx::open);
                                        holds(tx::isRollbackOnly, "the transaction is rollback-only");
                                        int sent = calls.calls().size();
                                        throwing(SQLException.class, () -> insert(tx, table, 1));
                                        equal(sent, calls.calls().size(), "calls of the driver");
                                    }));
                            holds(calls::hasFired, "the begin has failed");
                            equal(fault.error(), told.getCause(), "the cause told");
                            holds(
                                    () -> calls.ledger().stream().noneMatch(lent -> lent.fate() == Lent.Fate.OUT),
                                    "no connection is leaked: " + calls.ledger());
                            calls.play(null);
                            db.execute(tx -> insert(tx, table, 2));
                            equal(List.of(2), run.ids(table), "committed rows of the next transaction");
                        }));
    }
}
