package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;

import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** One transactor, and the threads that use it (CCY). */
final class ThreadCases {
    private static final int THREADS = 8;

    private ThreadCases() {}

    static List<ConformanceCase> all() {
        return List.of(
                ConformanceCase.of("CCY-03", "TX-1112", "no transaction stays behind on a thread of a pool", run -> {
                    String table = run.table();
                    Transactor db = run.transactor(EngineSetup.on(run.pool(4)));
                    ExecutorService pool = Executors.newFixedThreadPool(2);
                    run.closing(pool::shutdownNow);
                    List<Future<@Nullable Void>> tasks = new ArrayList<>();
                    for (int i = 0; i < 120; i++) {
                        int task = i;
                        tasks.add(pool.submit(() -> {
                            nothing(db);
                            IllegalStateException undo = new IllegalStateException("undo");
                            Throwable told = thrownBy(() -> db.execute(tx -> {
                                equal(tx, db.current(), "the current transaction");
                                insert(db, table, task);
                                if (task % 4 == 1) {
                                    db.execute(inner -> equal(inner, db.current(), "the current scope"));
                                } else if (task % 4 == 2) {
                                    db.execute(TxOptions.none().propagation(Propagation.SEPARATE), inner -> {
                                        equal(inner, db.current(), "the current transaction");
                                    });
                                } else if (task % 4 == 3) {
                                    throw undo;
                                }
                                equal(tx, db.current(), "the current transaction");
                            }));
                            equal(task % 4 == 3 ? undo : null, told, "what the caller is told");
                            nothing(db);
                            return null;
                        }));
                    }
                    for (Future<@Nullable Void> task : tasks) {
                        ConcurrencyCases.get(task);
                    }
                    equal(
                            IntStream.range(0, 120)
                                    .filter(task -> task % 4 != 3)
                                    .boxed()
                                    .toList(),
                            run.ids(table),
                            "committed rows");
                }),
                ConformanceCase.of(
                        "CCY-05",
                        "TX-1113",
                        "a thousand virtual threads wait for four connections, and all are served",
                        run -> {
                            int many = 1_000;
                            String table = run.table();
                            run.observe("insert into " + table + " (id, v) values (1, 7)");
                            Transactor db = run.transactor(EngineSetup.on(run.pool(4)));
                            AtomicInteger served = new AtomicInteger();
                            List<CompletableFuture<@Nullable Void>> all = new ArrayList<>();
                            try (var threads = new VirtualThreads()) {
                                CountDownLatch go = new CountDownLatch(1);
                                for (int i = 0; i < many; i++) {
                                    all.add(threads.run(() -> {
                                        go.await();
                                        int v = db.transact(tx -> ints(tx, "select v from " + table)
                                                .get(0));
                                        equal(7, v, "the value read");
                                        served.incrementAndGet();
                                    }));
                                }
                                go.countDown();
                                for (CompletableFuture<@Nullable Void> one : all) {
                                    ConcurrencyCases.get(one);
                                }
                            }
                            equal(many, served.get(), "transactions");
                            db.execute(tx -> insert(tx, table, 2));
                            equal(List.of(1, 2), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "CCY-06",
                        "TX-1113",
                        "eight threads may be the first to use a transactor, and to make one",
                        run -> {
                            String table = run.table();
                            Transactor shared = run.transactor(EngineSetup.on(run.pool(THREADS)));
                            DataSource pool = run.pool(THREADS);
                            CyclicBarrier start = new CyclicBarrier(THREADS);
                            List<CompletableFuture<@Nullable Void>> all = IntStream.range(0, THREADS)
                                    .mapToObj(thread -> Threads.run(() -> {
                                        TxOptions options = TxOptions.none()
                                                .label("thread " + thread)
                                                .retry(ConcurrencyCases.EAGERLY);
                                        start.await(Patience.step().toMillis(), TimeUnit.MILLISECONDS);
                                        shared.execute(options, tx -> insert(tx, table, thread));
                                        start.await(Patience.step().toMillis(), TimeUnit.MILLISECONDS);
                                        Transactor own = run.transactor(EngineSetup.on(pool));
                                        own.execute(options, tx -> insert(tx, table, THREADS + thread));
                                    }))
                                    .toList();
                            all.forEach(ConcurrencyCases::get);
                            equal(IntStream.range(0, 2 * THREADS).boxed().toList(), run.ids(table), "committed rows");
                        }));
    }

    private static void nothing(Transactor db) {
        equal(null, db.current(), "the current transaction of a thread that has begun none");
    }

    /** Virtual threads, where the JDK has them. */
    private static final class VirtualThreads implements AutoCloseable {
        private final ExecutorService executor;

        VirtualThreads() {
            try {
                executor = (ExecutorService) Executors.class
                        .getMethod("newVirtualThreadPerTaskExecutor")
                        .invoke(null);
            } catch (ReflectiveOperationException e) {
                throw new Untested("this JDK has no virtual threads");
            }
        }

        CompletableFuture<@Nullable Void> run(Facts.Attempt work) {
            CompletableFuture<@Nullable Void> result = new CompletableFuture<>();
            executor.execute(() -> {
                Throwable thrown = thrownBy(work);
                if (thrown == null) {
                    result.complete(null);
                } else {
                    result.completeExceptionally(thrown);
                }
            });
            return result;
        }

        @Override
        public void close() {
            executor.shutdownNow();
        }
    }
}
