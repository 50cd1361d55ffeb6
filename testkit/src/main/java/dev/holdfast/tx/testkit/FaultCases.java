package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.testkit.fault.Fault;
import dev.holdfast.tx.testkit.fault.JdbcCall;
import dev.holdfast.tx.testkit.fault.Lent;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Faults of the driver and of the network (FLT). The cases on {@code .W} break calls of the driver and run everywhere; those on
 * {@code .P} break the network through a proxy, and are those of {@link NetworkFaultCases}.
 */
final class FaultCases {
    static final Duration MOMENT = Duration.ofMillis(1);
    static final TxOptions RETRIED =
            TxOptions.none().retry(RetryPolicy.attempts(3).backoff(MOMENT, MOMENT));

    private FaultCases() {}

    static List<ConformanceCase> all() {
        List<ConformanceCase> all = new ArrayList<>(driver());
        all.addAll(NetworkFaultCases.all());
        all.addAll(tables());
        return all;
    }

    // ---- calls of the driver that fail

    private static List<ConformanceCase> driver() {
        return List.of(
                ConformanceCase.of(
                        "FLT-01.W",
                        "TX-504",
                        "a COMMIT whose answer is lost is told as unknown, and its row is there",
                        run -> lostCommit(run, Fault::losingAnswer, List.of(1))),
                ConformanceCase.of(
                        "FLT-02.W",
                        "TX-504",
                        "a COMMIT that is lost is told as unknown, and its row is not there",
                        run -> lostCommit(run, Fault::dying, List.of())),
                ConformanceCase.of(
                        "FLT-04.W",
                        "TX-430",
                        "the error of the body is told though the answer to ROLLBACK is lost, and nothing is there",
                        run -> {
                            FaultBed bed = new FaultBed(run);
                            IllegalStateException planned = new IllegalStateException("planned");
                            Throwable told = bed.played(
                                    db -> db.execute(tx -> {
                                        insert(tx, bed.table, 1);
                                        throw planned;
                                    }),
                                    FaultBed.rollback(),
                                    Fault::losingAnswer);
                            equal(planned, told, "what the caller is told");
                            equal(List.of(), run.ids(bed.table), "committed rows");
                            bed.thrownAwayAndServing();
                        }),
                ConformanceCase.of(
                        "FLT-05.W",
                        "TX-430",
                        "a connection that dies at the first statement is a lost transaction, and the next attempt works",
                        run -> {
                            FaultBed bed = new FaultBed(run);
                            AtomicInteger attempts = new AtomicInteger();
                            Throwable told = bed.played(
                                    db -> {
                                        attempts.set(0);
                                        db.execute(RETRIED, tx -> {
                                            attempts.incrementAndGet();
                                            insert(tx, bed.table, 1);
                                        });
                                    },
                                    call -> call.text().startsWith("execute")
                                            && call.text().contains("insert into"),
                                    Fault::dying);
                            equal(null, told, "what the caller is told");
                            equal(2, attempts.get(), "attempts");
                            equal(List.of(1), run.ids(bed.table), "committed rows");
                            equal(List.of(Lent.Fate.THROWN_AWAY, Lent.Fate.RETURNED), bed.fates(), "the connections");
                        }),
                ConformanceCase.of(
                        "FLT-08.W",
                        "TX-430",
                        "a connection that dies at a savepoint takes the whole transaction with it",
                        Feature.SAVEPOINTS,
                        FaultCases::lostSavepoints),
                ConformanceCase.of(
                        "FLT-10.W",
                        "TX-431",
                        "a connection that cannot be had is asked for again by the next attempt, and only then",
                        FaultCases::noConnection),
                ConformanceCase.of(
                        "FLT-11.W",
                        "TX-432",
                        "a driver that throws what no driver may throw loses no row, no connection and no error",
                        FaultCases::strangeErrors),
                ConformanceCase.of(
                        "FLT-12.W",
                        "TX-432",
                        "a close that fails changes nothing of what became of the transaction",
                        run -> {
                            FaultBed bed = new FaultBed(run);
                            Predicate<JdbcCall> last = call -> call.text().equals("close");
                            IllegalStateException planned = new IllegalStateException("planned");
                            Throwable told = atLastClose(bed, db -> db.execute(tx -> insert(tx, bed.table, 1)), last);
                            equal(null, told, "what is told of a commit");
                            holds(() -> bed.outcome() instanceof Outcome.Committed, "committed: " + bed.outcome());
                            equal(List.of(1), run.ids(bed.table), "committed rows");
                            told = atLastClose(
                                    bed,
                                    db -> db.execute(tx -> {
                                        insert(tx, bed.table, 1);
                                        throw planned;
                                    }),
                                    last);
                            equal(planned, told, "what is told of a rollback");
                            equal(List.of(), run.ids(bed.table), "committed rows");
                            bed.serving();
                        }));
    }

    private static void lostCommit(CaseRun run, IntFunction<Fault> fault, List<Integer> rows) throws Exception {
        FaultBed bed = new FaultBed(run);
        AtomicInteger attempts = new AtomicInteger();
        Throwable told = bed.played(
                db -> {
                    attempts.set(0);
                    db.execute(RETRIED, tx -> {
                        attempts.incrementAndGet();
                        insert(tx, bed.table, 1);
                    });
                },
                FaultBed.commit(),
                fault);
        isUnknown(told);
        holds(() -> bed.outcome() instanceof Outcome.Unknown, "listeners are told unknown: " + bed.outcome());
        equal(1, attempts.get(), "attempts");
        equal(rows, run.ids(bed.table), "committed rows");
        bed.thrownAwayAndServing();
    }

    static void isUnknown(@Nullable Throwable told) {
        if (!(told instanceof TxOutcomeUnknownException)) {
            throw new AssertionError("the answer to COMMIT was lost, and the caller is told " + told, told);
        }
    }

    private static void lostSavepoints(CaseRun run) throws Exception {
        FaultBed bed = new FaultBed(run);
        FaultBed.Work released = db -> db.execute(tx -> {
            insert(tx, bed.table, 1);
            tx.executeNested(nested -> insert(nested, bed.table, 2));
            insert(tx, bed.table, 3);
        });
        FaultBed.Work undone = db -> db.execute(tx -> {
            insert(tx, bed.table, 1);
            thrownBy(() -> tx.executeNested(nested -> {
                insert(nested, bed.table, 2);
                throw new IllegalStateException("planned");
            }));
            insert(tx, bed.table, 3);
        });
        Predicate<JdbcCall> release = FaultBed.saying("release");
        Predicate<JdbcCall> rollback = FaultBed.saying("rollback");
        lostAt(run, bed, released, settingSavepoint(run));
        if (run.has(Feature.SAVEPOINT_RELEASE)) {
            lostAt(run, bed, released, release);
        }
        lostAt(run, bed, undone, rollback);
    }

    /** By the text that the dialect has for it, up to the name; or the call of the driver. */
    private static Predicate<JdbcCall> settingSavepoint(CaseRun run) {
        String name = "hf_4711";
        return run.database().dialect().savepoints(run.profile()).set(name).statements().stream()
                .filter(text -> text.contains(name))
                .map(text -> text.substring(0, text.indexOf(name)).toLowerCase(Locale.ROOT))
                .findFirst()
                .map(FaultBed::saying)
                .orElseGet(() -> FaultBed.saying("setsavepoint"));
    }

    private static void lostAt(CaseRun run, FaultBed bed, FaultBed.Work work, Predicate<JdbcCall> call)
            throws Exception {
        for (IntFunction<Fault> fault : List.<IntFunction<Fault>>of(Fault::dying, Fault::losingAnswer)) {
            Throwable told = bed.played(work, call, fault);
            holds(() -> told != null, "the caller is told that it failed");
            holds(() -> bed.outcome() instanceof Outcome.RolledBack, "listeners are told so: " + bed.outcome());
            equal(List.of(), run.ids(bed.table), "committed rows");
            bed.thrownAwayAndServing();
        }
    }

    private static void noConnection(CaseRun run) throws Exception {
        FaultBed bed = new FaultBed(run);
        AtomicInteger attempts = new AtomicInteger();
        FaultBed.Work work = db -> {
            attempts.set(0);
            db.execute(RETRIED, tx -> {
                attempts.incrementAndGet();
                insert(tx, bed.table, 1);
            });
        };
        // an attempt that gets no connection makes that one call
        equal(null, bed.played(work, List.of(refused(1), refused(2))), "what is told when the third is had");
        equal(3, attempts.get(), "attempts");
        equal(List.of(1), run.ids(bed.table), "committed rows");
        Throwable told = bed.played(work, List.of(refused(1), refused(2), refused(3)));
        Failure failure = Failing.told(bed.db, told);
        holds(() -> failure.kind().isTransient(), failure + " may be run again");
        equal(3, attempts.get(), "attempts");
        equal(List.of(), run.ids(bed.table), "committed rows");
        equal(List.of(), bed.fates(), "connections lent");
        bed.serving();
    }

    private static Fault refused(int call) {
        return Fault.throwing(call, new SQLTransientConnectionException("scripted: nobody answers", "08001"));
    }

    private static void strangeErrors(CaseRun run) throws Exception {
        FaultBed bed = new FaultBed(run);
        FaultBed.Work work = db -> db.execute(tx -> insert(tx, bed.table, 1));
        for (Throwable strange : List.of(new IllegalStateException("scripted"), new StackOverflowError("scripted"))) {
            Throwable told = bed.played(work, FaultBed.saying("insert into"), call -> Fault.throwing(call, strange));
            holds(() -> told != null && Failing.isBehind(strange, told), "at a statement it is told: " + told);
            holds(() -> bed.outcome() instanceof Outcome.RolledBack, "and as rolled back: " + bed.outcome());
            equal(List.of(), run.ids(bed.table), "committed rows");
            holds(() -> !bed.fates().contains(Lent.Fate.OUT), "no connection is out: " + bed.fates());
            equal(List.of(), bed.complaints(), "complaints of the pool");
            bed.serving();
            Throwable atCommit = bed.played(work, FaultBed.commit(), call -> Fault.throwing(call, strange));
            isUnknown(atCommit);
            holds(() -> atCommit != null && Failing.isBehind(strange, atCommit), "at COMMIT it is told: " + atCommit);
            bed.thrownAwayAndServing();
        }
    }

    private static @Nullable Throwable atLastClose(FaultBed bed, FaultBed.Work work, Predicate<JdbcCall> which)
            throws Exception {
        List<JdbcCall> made = bed.well(work);
        int close = made.stream()
                .filter(which)
                .mapToInt(JdbcCall::number)
                .max()
                .orElseThrow(() -> new AssertionError("the connection is not given back: " + made));
        return bed.played(work, List.of(Fault.throwing(close, "HY000")));
    }

    // ---- every call, one after the other

    private static List<ConformanceCase> tables() {
        return List.of(
                ConformanceCase.of(
                        "FLT-07",
                        "TX-402",
                        "a begin that fails at any step leaves the session as found, or its connection is thrown away",
                        run -> run.note("fault table", FaultTable.play(run, FaultScenarios.begins()))),
                ConformanceCase.of(
                        "FLT-20",
                        "TX-406",
                        "whichever call fails, nothing leaks, no session goes back dirty, and the caller is told the truth",
                        run -> {
                            List<FaultScenario> all = new ArrayList<>(FaultScenarios.common());
                            all.addAll(run.database().faultScenarios());
                            run.note("fault table", FaultTable.play(run, all));
                        }));
    }
}
