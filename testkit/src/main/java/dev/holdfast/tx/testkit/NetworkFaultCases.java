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
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Faults of the network (FLT, {@code .P}), made by a proxy. */
final class NetworkFaultCases {
    private static final Needs NETWORK = Needs.of(Means.NETWORK);

    private static final int MOST_ROUNDS = 5;

    private NetworkFaultCases() {}

    static List<ConformanceCase> all() {
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
                            FaultCases.isUnknown(told);
                            Await.met(
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
                            bed.db.execute(FaultCases.RETRIED, tx -> {
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
                            List<Integer> read = bed.db.transact(FaultCases.RETRIED, tx -> {
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
                            bed.db.execute(FaultCases.RETRIED, tx -> {
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
                                    .backoff(FaultCases.MOMENT, FaultCases.MOMENT)
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

    /**
     * Cuts at each packet of the commit message, the first to the last: what is told is true, and once it is unknown.
     *
     * <p>Where each statement of the message is answered by itself, what is lost may be an answer before COMMIT's: the server
     * commits a moment later then, or never. So it is done again until COMMIT's own was lost.
     */
    private static void cutCommit(CaseRun run, boolean reply) throws Exception {
        ProxiedBed bed = new ProxiedBed(run);
        List<String> seen = new ArrayList<>();
        boolean wasUnknown = false;
        for (int round = 1; round <= MOST_ROUNDS && !wasUnknown; round++) {
            wasUnknown = cutEachPacket(bed, reply, seen);
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

    /** Whether one of them was told as unknown, and the row was as it is to be then. */
    private static boolean cutEachPacket(ProxiedBed bed, boolean reply, List<String> seen) throws Exception {
        CaseRun run = bed.run;
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
        return wasUnknown;
    }

    private static @Nullable Limit limit(@Nullable Throwable told) {
        for (Throwable cause = told; cause != null; cause = cause.getCause()) {
            if (cause instanceof TxTimeoutException timeout) {
                return timeout.limit();
            }
        }
        return null;
    }
}
