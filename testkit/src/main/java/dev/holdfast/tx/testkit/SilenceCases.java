package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxAction;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.TxTimeoutException.Limit;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.testkit.fault.CountingProxy;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** Limits before a server that does not answer (TMO, on {@code .P}): the network is frozen until the caller was told. */
final class SilenceCases {
    private static final Needs NETWORK = Needs.of(Means.NETWORK);
    private static final Duration SHORT = Duration.ofMillis(300);
    private static final TxOptions WHOLE = TxOptions.none().wholeTimeout(SHORT);
    private static final TxOptions SECOND = TxOptions.none().wholeTimeout(Duration.ofSeconds(1));
    /** What the note of a plan says where the server has no part in it. */
    private static final String BY_CLIENT_ALONE = "wholeTimeout is kept by the client alone";

    private static final int POOL = 10;
    private static final int CALLERS = 200;
    private static final TxOptions LONG = TxOptions.none().wholeTimeout(Duration.ofHours(1));

    private SilenceCases() {}

    static List<ConformanceCase> all() {
        return List.of(
                ConformanceCase.of(
                        "TMO-10.P",
                        "TX-412",
                        "a statement that is not answered is told as the whole timeout",
                        NETWORK,
                        run -> {
                            ProxiedBed bed = bed(run);
                            Throwable told = toldWhileFrozen(bed, WHOLE, tx -> {
                                insert(tx, bed.table, 1);
                                bed.proxy.freeze();
                                insert(tx, bed.table, 2);
                            });
                            TimeoutCases.named(Limit.WHOLE, bed.db, told);
                            nothingThereAndServing(run, bed);
                        }),
                ConformanceCase.of(
                        "TMO-11.P",
                        "TX-412",
                        "a statement that is not answered is told as the statement timeout",
                        NETWORK.and(Feature.STATEMENT_TIMEOUT),
                        run -> {
                            ProxiedBed bed = bed(run);
                            Throwable told =
                                    toldWhileFrozen(bed, TxOptions.none().statementTimeout(SHORT), tx -> {
                                        insert(tx, bed.table, 1);
                                        bed.proxy.freeze();
                                        insert(tx, bed.table, 2);
                                    });
                            TimeoutCases.named(Limit.STATEMENT, bed.db, told);
                            nothingThereAndServing(run, bed);
                        }),
                ConformanceCase.of(
                        "TMO-12.P",
                        "TX-412",
                        "a transaction whose begin is not answered is told as the whole timeout",
                        NETWORK,
                        run -> {
                            ProxiedBed bed = bed(run);
                            bed.proxy.freeze();
                            Throwable told =
                                    toldWhileFrozen(bed, WHOLE.isolation(run.strongestLevel()), tx -> tx.open());
                            TimeoutCases.named(Limit.WHOLE, bed.db, told);
                            nothingThereAndServing(run, bed);
                        }),
                ConformanceCase.of(
                        "TMO-13.P",
                        "TX-412",
                        "a savepoint that is not answered is told as the whole timeout",
                        NETWORK.and(Feature.SAVEPOINTS),
                        run -> {
                            ProxiedBed bed = bed(run);
                            Throwable told = toldWhileFrozen(bed, WHOLE, tx -> {
                                insert(tx, bed.table, 1);
                                bed.proxy.freeze();
                                tx.nested(inner -> {
                                    insert(inner, bed.table, 2);
                                    return null;
                                });
                            });
                            TimeoutCases.named(Limit.WHOLE, bed.db, told);
                            nothingThereAndServing(run, bed);
                        }),
                ConformanceCase.of(
                        "TMO-14.P",
                        "TX-412",
                        "a commit that is not answered is told as unknown when its time is over",
                        NETWORK,
                        run -> {
                            ProxiedBed bed = bed(run);
                            Throwable told = toldWhileFrozen(bed, LONG, tx -> {
                                insert(tx, bed.table, 1);
                                tx.beforeCommit(bed.proxy::freeze);
                            });
                            holds(() -> told instanceof TxOutcomeUnknownException, "the outcome is unknown: " + told);
                            bed.serving();
                        }),
                ConformanceCase.of(
                        "TMO-15.P",
                        "TX-412",
                        "what a body threw is told when the time of a rollback that is not answered is over",
                        NETWORK,
                        run -> {
                            ProxiedBed bed = bed(run);
                            IllegalStateException planned = new IllegalStateException("planned");
                            Throwable told = toldWhileFrozen(bed, LONG, tx -> {
                                insert(tx, bed.table, 1);
                                bed.proxy.freeze();
                                throw planned;
                            });
                            equal(planned, told, "what the caller is told");
                            nothingThereAndServing(run, bed);
                        }),
                ConformanceCase.of(
                        "TMO-16.P",
                        "TX-412",
                        "of 200 callers on a pool of 10 those with a limit are told while the server is frozen",
                        NETWORK.and(Means.CONCURRENT_WRITERS),
                        SilenceCases::manyCallers),
                ConformanceCase.of(
                        "TMO-17.P",
                        "TX-413",
                        "the server ends a transaction whose client has gone, soon after its whole timeout",
                        NETWORK.and(Means.CONCURRENT_WRITERS),
                        SilenceCases::clientGone));
    }

    /** The server sees nothing of what becomes of its client. */
    private static void clientGone(CaseRun run) throws Exception {
        ProxiedBed bed = bed(run);
        if (bed.db.explain(WHOLE).contains(BY_CLIENT_ALONE)) {
            run.note("server", "keeps the locks of a client that has gone, as its plan says");
            run.characterised();
            return;
        }
        try {
            Throwable told = thrownBy(() -> bed.db.execute(WHOLE, tx -> {
                insert(tx, bed.table, 1);
                bed.proxy.freeze();
                insert(tx, bed.table, 2);
            }));
            TimeoutCases.named(Limit.WHOLE, bed.db, told);
            Threads.run(() -> run.observe("insert into " + bed.table + " (id, v) values (1, 7)"))
                    .get(Patience.step().toSeconds(), TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            throw new AssertionError("the server keeps the row lock of a client that has gone", e);
        } finally {
            bed.proxy.thaw();
        }
        equal(List.of(1), run.ids(bed.table), "committed rows, of another session");
    }

    /**
     * Half of the callers have a limit that ends while the server is frozen, the other half does well when it is back; of
     * each half five hold a connection when it freezes.
     */
    private static void manyCallers(CaseRun run) throws Exception {
        String table = run.table();
        Network network = run.database().network().orElseThrow(() -> new Untested(Means.NETWORK.whyNot()));
        CountingProxy proxy = run.closing(CountingProxy.before(network.host(), network.port()));
        DataSource sessions = network.sessions().apply("localhost", proxy.port());
        Transactor db = run.transactor(EngineSetup.on(run.pool(sessions, POOL, Autocommit.ON)));
        allAtOnce(db, table, 1_000);
        CountDownLatch held = new CountDownLatch(POOL);
        CountDownLatch frozen = new CountDownLatch(1);
        List<CompletableFuture<@Nullable Throwable>> limited = new ArrayList<>();
        List<CompletableFuture<@Nullable Throwable>> patient = new ArrayList<>();
        try {
            for (int i = 0; i < CALLERS; i++) {
                int id = i;
                boolean holds = i < POOL;
                boolean isLimited = i % 2 == 0;
                if (i == POOL) {
                    await(held);
                    proxy.freeze();
                    frozen.countDown();
                }
                Facts.Attempt call = () -> db.execute(isLimited ? SECOND : LONG, tx -> {
                    if (holds) {
                        insert(tx, table, CALLERS + id);
                        held.countDown();
                        await(frozen);
                    }
                    insert(tx, table, id);
                });
                (isLimited ? limited : patient).add(Threads.supply(() -> {
                    Throwable told = thrownBy(call);
                    held.countDown(); // a machine so slow that the limit ended first
                    return told;
                }));
            }
            for (CompletableFuture<@Nullable Throwable> one : limited) {
                TimeoutCases.named(Limit.WHOLE, db, one.get(Patience.step().toSeconds(), TimeUnit.SECONDS));
            }
        } catch (TimeoutException e) {
            throw new AssertionError("a caller with a limit was told nothing while the server was frozen", e);
        } finally {
            proxy.thaw();
            frozen.countDown();
        }
        for (CompletableFuture<@Nullable Throwable> one : patient) {
            equal(null, one.get(Patience.step().toSeconds(), TimeUnit.SECONDS), "what a caller without haste is told");
        }
        allAtOnce(db, table, 2_000);
        List<Integer> expected = IntStream.concat(
                        IntStream.concat(
                                IntStream.range(0, CALLERS).filter(id -> id % 2 == 1),
                                IntStream.range(CALLERS, CALLERS + POOL).filter(id -> id % 2 == 1)),
                        IntStream.concat(IntStream.range(1_000, 1_000 + POOL), IntStream.range(2_000, 2_000 + POOL)))
                .boxed()
                .toList();
        equal(expected, run.ids(table), "committed rows");
    }

    /** As many transactions as the pool has connections, none of which ends before all have one. */
    private static void allAtOnce(Transactor db, String table, int first) throws Exception {
        CyclicBarrier all = new CyclicBarrier(POOL);
        List<CompletableFuture<@Nullable Void>> each = new ArrayList<>();
        for (int i = 0; i < POOL; i++) {
            int id = first + i;
            each.add(Threads.run(() -> db.execute(tx -> {
                insert(tx, table, id);
                all.await(Patience.step().toSeconds(), TimeUnit.SECONDS);
            })));
        }
        for (CompletableFuture<@Nullable Void> one : each) {
            one.get(Patience.step().multipliedBy(2).toSeconds(), TimeUnit.SECONDS);
        }
    }

    private static void await(CountDownLatch latch) throws InterruptedException {
        if (!latch.await(Patience.step().toSeconds(), TimeUnit.SECONDS)) {
            throw new Inconclusive("what another thread was to do did not come");
        }
    }

    private static ProxiedBed bed(CaseRun run) throws SQLException {
        return new ProxiedBed(run, Duration.ZERO, setup -> setup.endingWithin(SHORT));
    }

    /** What a transaction threw while the network was frozen; it is thawed afterwards. */
    private static @Nullable Throwable toldWhileFrozen(ProxiedBed bed, TxOptions options, TxAction body)
            throws InterruptedException, ExecutionException {
        try {
            return Threads.supply(() -> thrownBy(() -> bed.db.execute(options, body)))
                    .get(Patience.step().toSeconds(), TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            throw new AssertionError("the caller was told nothing while the network was frozen", e);
        } finally {
            bed.proxy.thaw();
        }
    }

    private static void nothingThereAndServing(CaseRun run, ProxiedBed bed) throws SQLException {
        bed.serving();
        equal(List.of(900), run.ids(bed.table), "committed rows, with that of the next transaction");
    }
}
