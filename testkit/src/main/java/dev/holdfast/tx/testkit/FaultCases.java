package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.TxTimeoutException;
import dev.holdfast.tx.TxTimeoutException.Limit;
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
 * {@code .P} break the network through a proxy.
 */
final class FaultCases {
    private static final Needs NETWORK = Needs.of(Means.NETWORK);
    private static final Duration MOMENT = Duration.ofMillis(1);
    private static final TxOptions RETRIED =
            TxOptions.none().retry(RetryPolicy.attempts(3).backoff(MOMENT, MOMENT));

    private FaultCases() {}

    static List<ConformanceCase> all() {
        List<ConformanceCase> all = new ArrayList<>(driver());
        all.addAll(network());
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

    private static void isUnknown(@Nullable Throwable told) {
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

    // ---- a network that fails

    private static List<ConformanceCase> network() {
        return List.of(
                ConformanceCase.of(
                        "FLT-01.P",
                        "TX-504",
                        "a COMMIT whose answer the network loses is told as unknown, and its row is there",
                        NETWORK,
                        run -> cutCommit(run, true)),
                ConformanceCase.of(
                        "FLT-02.P",
                        "TX-504",
                        "a COMMIT that the network loses is told as unknown, and its row is not there",
                        NETWORK,
                        run -> cutCommit(run, false)),
                ConformanceCase.of(
                        "FLT-03.P",
                        "TX-504",
                        "a COMMIT whose answer does not come in time is told as unknown, and its row is there",
                        NETWORK,
                        run -> {
                            ProxiedBed bed = new ProxiedBed(run, Patience.of(Duration.ofMillis(500)));
                            Throwable told = thrownBy(() -> bed.db.execute(tx -> {
                                insert(tx, bed.table, 1);
                                tx.beforeCommit(bed.proxy::freezeReplies);
                            }));
                            bed.proxy.thaw();
                            isUnknown(told);
                            CancelCases.until(
                                    "the row is there", () -> run.ids(bed.table).equals(List.of(1)));
                            bed.serving();
                        }),
                ConformanceCase.of(
                        "FLT-04.P",
                        "TX-430",
                        "the error of the body is told though the network loses the answer to ROLLBACK",
                        NETWORK,
                        run -> {
                            ProxiedBed bed = new ProxiedBed(run);
                            IllegalStateException planned = new IllegalStateException("planned");
                            Throwable told = thrownBy(() -> bed.db.execute(tx -> {
                                insert(tx, bed.table, 1);
                                bed.proxy.dropReply();
                                throw planned;
                            }));
                            equal(planned, told, "what the caller is told");
                            bed.fired();
                            equal(List.of(), run.ids(bed.table), "committed rows");
                            bed.serving();
                        }),
                ConformanceCase.of(
                        "FLT-05.P",
                        "TX-430",
                        "a network that fails at the first statement costs one attempt",
                        NETWORK,
                        run -> {
                            ProxiedBed bed = new ProxiedBed(run);
                            bed.db.execute(RETRIED, tx -> {
                                if (bed.attempts.incrementAndGet() == 1) {
                                    bed.proxy.dropRequest();
                                }
                                insert(tx, bed.table, 1);
                            });
                            bed.fired();
                            equal(2, bed.attempts.get(), "attempts");
                            equal(List.of(1), run.ids(bed.table), "committed rows");
                        }),
                ConformanceCase.of(
                        "FLT-06.P",
                        "TX-430",
                        "of a large result that the network cuts no part is taken for the whole",
                        NETWORK,
                        run -> {
                            ProxiedBed bed = new ProxiedBed(run);
                            run.observe("insert into " + bed.table + " (id, v) values (0, 0)");
                            int rows = 1;
                            for (; rows < 4_096; rows *= 2) {
                                run.observe("insert into " + bed.table + " (id, v) select id + " + rows + ", v from "
                                        + bed.table);
                            }
                            List<Integer> read = bed.db.transact(RETRIED, tx -> {
                                if (bed.attempts.incrementAndGet() == 1) {
                                    ints(tx, "select id from " + bed.table + " where id = 0");
                                    bed.proxy.cutReplyAfter(8_000);
                                }
                                return ints(tx, "select id from " + bed.table);
                            });
                            bed.fired();
                            equal(2, bed.attempts.get(), "attempts");
                            equal(rows, read.size(), "rows read");
                        }),
                ConformanceCase.of(
                        "FLT-08.P",
                        "TX-430",
                        "a network that fails at a savepoint takes the whole transaction with it",
                        NETWORK.and(Feature.SAVEPOINTS),
                        run -> {
                            ProxiedBed bed = new ProxiedBed(run);
                            Throwable told = thrownBy(() -> bed.db.execute(tx -> {
                                insert(tx, bed.table, 1);
                                bed.proxy.dropReply();
                                thrownBy(() -> tx.executeNested(nested -> insert(nested, bed.table, 2)));
                            }));
                            bed.fired();
                            holds(() -> told != null, "the caller is told that it failed");
                            equal(List.of(), run.ids(bed.table), "committed rows");
                            bed.serving();
                        }),
                ConformanceCase.of(
                        "FLT-09.P",
                        "TX-430",
                        "a connection that died while it was idle is found at its first use, before anything ran",
                        NETWORK,
                        run -> {
                            ProxiedBed bed = new ProxiedBed(run);
                            bed.proxy.cutAll();
                            Failure failure = Failing.of(bed.db, () -> bed.db.execute(tx -> insert(tx, bed.table, 1)));
                            holds(() -> failure.kind().isTransient(), failure + " may be run again");
                            equal(List.of(), run.ids(bed.table), "committed rows");
                            bed.db.execute(tx -> insert(tx, bed.table, 2));
                            bed.proxy.cutAll();
                            bed.db.execute(RETRIED, tx -> {
                                bed.attempts.incrementAndGet();
                                insert(tx, bed.table, 3);
                            });
                            equal(2, bed.attempts.get(), "attempts");
                            equal(List.of(2, 3), run.ids(bed.table), "committed rows");
                        }),
                ConformanceCase.of(
                        "FLT-13.P",
                        "TX-433",
                        "a slow network ends nothing too early, and its time counts",
                        NETWORK,
                        run -> {
                            ProxiedBed bed = new ProxiedBed(run);
                            bed.proxy.delay(Duration.ofMillis(50));
                            bed.db.execute(
                                    TxOptions.none().wholeTimeout(Patience.step()), tx -> insert(tx, bed.table, 1));
                            equal(List.of(1), run.ids(bed.table), "committed rows");
                            Throwable told = thrownBy(() ->
                                    bed.db.execute(TxOptions.none().wholeTimeout(Duration.ofMillis(250)), tx -> {
                                        for (int id = 2; id < 12; id++) { // a second at least
                                            insert(tx, bed.table, id);
                                        }
                                    }));
                            bed.proxy.delay(Duration.ZERO);
                            equal(Limit.WHOLE, limit(told), "the limit named by " + told);
                            equal(List.of(1), run.ids(bed.table), "committed rows");
                            bed.serving();
                        }),
                ConformanceCase.of(
                        "FLT-14.P",
                        "TX-431",
                        "a server that was away between two attempts is found again by the second",
                        NETWORK,
                        run -> {
                            ProxiedBed bed = new ProxiedBed(run);
                            RetryPolicy untilItIsBack = RetryPolicy.attempts(3)
                                    .backoff(MOMENT, MOMENT)
                                    .onAttempt((attempt, failure, delay) -> {
                                        if (attempt >= 2) {
                                            bed.proxy.comeUp();
                                        }
                                    });
                            bed.db.execute(TxOptions.none().retry(untilItIsBack), tx -> {
                                insert(tx, bed.table, 1);
                                if (bed.attempts.incrementAndGet() == 1) {
                                    bed.proxy.goDown();
                                }
                                insert(tx, bed.table, 2);
                            });
                            run.note("attempts that began", bed.attempts);
                            equal(2, bed.attempts.get(), "attempts that had a connection");
                            equal(List.of(1, 2), run.ids(bed.table), "committed rows");
                        }));
    }

    /** Cuts at each packet of the commit message, the first to the last: what is told is true, and once it is unknown. */
    private static void cutCommit(CaseRun run, boolean reply) throws Exception {
        ProxiedBed bed = new ProxiedBed(run);
        List<String> seen = new ArrayList<>();
        boolean wasUnknown = false;
        for (int packet = 1; packet <= 9; packet++) {
            int n = packet;
            int before = bed.proxy.losses();
            run.observe("delete from " + bed.table);
            Throwable told = thrownBy(() -> bed.db.execute(tx -> {
                insert(tx, bed.table, 1);
                tx.beforeCommit(() -> {
                    if (reply) {
                        bed.proxy.cutAtReply(n);
                    } else {
                        bed.proxy.cutAtPacket(n);
                    }
                });
            }));
            bed.proxy.disarm();
            List<Integer> rows = run.ids(bed.table);
            if (bed.proxy.losses() == before) {
                equal(null, told, "what is told when nothing was lost");
                break;
            }
            seen.add(n + ": " + (told == null ? "committed" : told.getClass().getSimpleName()) + ", rows " + rows);
            if (told instanceof TxOutcomeUnknownException) {
                wasUnknown |= rows.equals(reply ? List.of(1) : List.of());
                holds(() -> bed.outcome() instanceof Outcome.Unknown, "listeners are told: " + bed.outcome());
            } else {
                equal(told == null ? List.of(1) : List.of(), rows, "committed rows when the caller is told " + told);
            }
        }
        run.note("packet of the commit message that was lost", seen);
        if (seen.isEmpty()) {
            throw new Inconclusive("nothing was lost");
        }
        equal(
                true,
                wasUnknown,
                "whether one of them was told as unknown " + (reply ? "with" : "without") + " the row: " + seen);
        bed.serving();
    }

    private static @Nullable Limit limit(@Nullable Throwable told) {
        for (Throwable cause = told; cause != null; cause = cause.getCause()) {
            if (cause instanceof TxTimeoutException timeout) {
                return timeout.limit();
            }
        }
        return null;
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
