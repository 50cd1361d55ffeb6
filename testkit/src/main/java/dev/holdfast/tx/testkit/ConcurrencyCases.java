package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.ints;
import static dev.holdfast.tx.testkit.Sql.update;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.Profile;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Many transactions at once (CCY). */
final class ConcurrencyCases {
    private static final int THREADS = 8;
    private static final int ROUNDS = 25;

    /** Workloads end after this, however far they came; they show nothing with less than a tenth of what was meant. */
    private static final Duration LONGEST = Duration.ofSeconds(3);

    static final RetryPolicy EAGERLY = RetryPolicy.attempts(200)
            .backoff(Duration.ofMillis(2), Duration.ofMillis(50))
            .deadline(LONGEST);

    private ConcurrencyCases() {}

    static List<ConformanceCase> all() {
        List<ConformanceCase> all = new ArrayList<>(workloads());
        all.addAll(ThreadCases.all());
        all.add(SoakCase.soak());
        return all;
    }

    private static List<ConformanceCase> workloads() {
        return List.of(
                ConformanceCase.of(
                        "CCY-01", "TX-1110", "transfers of many threads keep the total, and readers see it", run -> {
                            int accounts = 10;
                            String table = run.table();
                            for (int id = 0; id < accounts; id++) {
                                run.observe("insert into " + table + " (id, v) values (" + id + ", 100)");
                            }
                            Order order = Order.of(run);
                            Transactor db = run.transactor(EngineSetup.on(run.pool(THREADS)));
                            AtomicBoolean done = new AtomicBoolean();
                            CompletableFuture<Integer> reader = Threads.supply(() -> {
                                int read = 0;
                                while (order.isolated() && !done.get()) {
                                    int[] sum = new int[1];
                                    Throwable told = thrownBy(() -> db.execute(order.options(), tx -> {
                                        int low = total(ints(tx, "select v from " + table + " where id < 5"));
                                        sum[0] = low + total(ints(tx, "select v from " + table + " where id >= 5"));
                                    }));
                                    if (told == null) {
                                        equal(100 * accounts, sum[0], "the total that a reader saw");
                                        read++;
                                    } else {
                                        run.note("a reader gave up", conflict(db, told));
                                    }
                                }
                                return read;
                            });
                            Work transfers = Work.run(THREADS, ROUNDS, (thread, random) -> {
                                int one = random.nextInt(accounts - 1);
                                int other = one + 1 + random.nextInt(accounts - 1 - one);
                                int amount = random.nextInt(21) - 10;
                                db.execute(order.options(), tx -> {
                                    int of = order.read(tx, table, one);
                                    int with = order.read(tx, table, other);
                                    update(tx, "update " + table + " set v = ? where id = ?", of - amount, one);
                                    update(tx, "update " + table + " set v = ? where id = ?", with + amount, other);
                                });
                            });
                            done.set(true);
                            int readings = get(reader);
                            run.note("readings", readings);
                            transfers.judge(run, db);
                            equal(100 * accounts, total(run.observed("select v from " + table)), "the total");
                            if (order.isolated() && readings == 0) {
                                throw new Inconclusive("no reader was done while money was moved");
                            }
                        }),
                ConformanceCase.of(
                        "CCY-02", "TX-1111", "a counter that many threads increment counts each of them once", run -> {
                            String table = run.table();
                            run.observe("insert into " + table + " (id, v) values (1, 0)");
                            Transactor db = run.transactor(EngineSetup.on(run.pool(THREADS)));
                            boolean locks = run.has(Feature.LOCK_UPDATE);
                            run.note("by", locks ? "row lock" : "compare and set");
                            TxOptions options = TxOptions.none().retry(EAGERLY);
                            Work increments = Work.run(THREADS, ROUNDS, (thread, random) -> {
                                int counted = 0;
                                while (counted == 0) {
                                    counted = db.transact(options, tx -> {
                                        int v = locks
                                                ? locked(tx, table, 1)
                                                : ints(tx, "select v from " + table + " where id = 1")
                                                        .get(0);
                                        return update(
                                                tx, "update " + table + " set v = ? where id = 1 and v = ?", v + 1, v);
                                    });
                                    equal(true, counted == 1 || !locks, "that nobody changes a locked row");
                                }
                            });
                            increments.judge(run, db);
                            equal(
                                    List.of(increments.committed()),
                                    run.observed("select v from " + table),
                                    "the counter");
                        }),
                ConformanceCase.of(
                        "CCY-07",
                        "TX-1114",
                        "a queue drained by four workers gives each item out once, though one rolls back",
                        Feature.LOCK_SKIP_LOCKED,
                        ConcurrencyCases::drain),
                ConformanceCase.of(
                        "CCY-08",
                        "TX-1110",
                        "a ring of rows whose links are swapped by many threads stays one ring",
                        run -> {
                            int length = 12;
                            String table = run.table();
                            for (int id = 0; id < length; id++) {
                                run.observe("insert into " + table + " (id, v) values (" + id + ", " + (id + 1) % length
                                        + ")");
                            }
                            Order order = Order.of(run);
                            Transactor db = run.transactor(EngineSetup.on(run.pool(THREADS)));
                            String set = "update " + table + " set v = ? where id = ?";
                            Work swaps = Work.run(THREADS, ROUNDS, (thread, random) -> {
                                int a = random.nextInt(length);
                                // a -> b -> c -> d becomes a -> c -> b -> d
                                db.execute(order.options(), tx -> {
                                    int b = order.read(tx, table, a);
                                    int c = order.read(tx, table, b);
                                    int d = order.read(tx, table, c);
                                    update(tx, set, c, a);
                                    update(tx, set, b, c);
                                    update(tx, set, d, b);
                                });
                            });
                            swaps.judge(run, db);
                            List<Integer> next = run.observed("select v from " + table + " order by id");
                            int seen = 1;
                            for (int at = next.get(0); at != 0 && seen <= length; at = next.get(at)) {
                                seen++;
                            }
                            equal(length, seen, "the length of the ring that begins with the first row: " + next);
                        }),
                ConformanceCase.of(
                        "CCY-09",
                        "TX-1110",
                        "a long reader at a level of one state reads the same sum while many write",
                        run -> {
                            Isolation level = Levels.ofOneState(run.profile());
                            run.note("level", level);
                            String table = run.table();
                            for (int id = 0; id < 10; id++) {
                                run.observe("insert into " + table + " (id, v) values (" + id + ", 0)");
                            }
                            Transactor db = run.transactor(EngineSetup.on(run.pool(THREADS)));
                            AtomicInteger written = new AtomicInteger();
                            AtomicBoolean done = new AtomicBoolean();
                            List<Integer> sums = new ArrayList<>();
                            List<CompletableFuture<@Nullable Void>> writers = new ArrayList<>();
                            try {
                                for (int writer = 0; writer < 3; writer++) {
                                    int id = writer;
                                    writers.add(Threads.run(() -> {
                                        while (!done.get()) {
                                            db.execute(
                                                    TxOptions.none().retry(EAGERLY),
                                                    tx -> update(
                                                            tx, "update " + table + " set v = v + 1 where id = ?", id));
                                            written.incrementAndGet();
                                        }
                                    }));
                                }
                                if (!advanced(written, 1)) {
                                    throw new Inconclusive("no writer was done before the reader began");
                                }
                                int[] passed = {0};
                                TxOptions options = TxOptions.of(level).retry(EAGERLY);
                                TxOptions reading = run.has(Feature.READ_ONLY) ? options.readOnly() : options;
                                Throwable told = thrownBy(() -> db.execute(reading, tx -> {
                                    sums.clear();
                                    passed[0] = 0;
                                    for (int i = 0; i < 3; i++) {
                                        sums.addAll(ints(tx, "select sum(v) from " + table));
                                        // writers that wait for the reader are right too
                                        passed[0] += advanced(written, written.get() + 3) ? 1 : 0;
                                    }
                                }));
                                if (told != null) {
                                    throw new Inconclusive("the reader gave up: " + conflict(db, told));
                                }
                                run.note("times that writers passed the reader", passed[0]);
                            } finally {
                                done.set(true);
                            }
                            for (CompletableFuture<@Nullable Void> writer : writers) {
                                get(writer);
                            }
                            equal(3, sums.size(), "sums read");
                            equal(1L, sums.stream().distinct().count(), "different sums of " + sums);
                            equal(
                                    written.get(),
                                    total(run.observed("select v from " + table)),
                                    "the increments that were told as committed");
                        }));
    }

    /** The kind of a failure that must be a conflict, given up after all attempts. */
    private static FailureKind conflict(Transactor db, Throwable told) {
        Failure failure = db.classify(told);
        if (failure == null || !failure.kind().isTransient()) {
            throw new AssertionError("a round failed for more than a conflict: " + told, told);
        }
        return failure.kind();
    }

    /** Whether a count comes to this soon; it does not where its writers wait. */
    private static boolean advanced(AtomicInteger count, int to) throws Exception {
        return Await.within(Patience.of(Duration.ofMillis(500)), () -> count.get() >= to);
    }

    private static void drain(CaseRun run) throws SQLException {
        int items = 120;
        int workers = 4;
        String queue = run.table();
        String taken = run.table("item int not null, worker int not null");
        for (int id = 0; id < items; id++) {
            run.observe("insert into " + queue + " (id, v) values (" + id + ", 0)");
        }
        Transactor db = run.transactor(EngineSetup.on(run.pool(workers)));
        AtomicInteger undone = new AtomicInteger();
        List<CompletableFuture<@Nullable Void>> all = new ArrayList<>();
        IllegalStateException undo = new IllegalStateException("undo");
        for (int number = 0; number < workers; number++) {
            int worker = number;
            all.add(Threads.run(() -> {
                int round = 0;
                while (!ints(db, "select id from " + queue + " where v = 0").isEmpty()) {
                    boolean fails = worker == 0 && round++ % 3 == 0;
                    Throwable told = thrownBy(() -> db.execute(TxOptions.none().retry(EAGERLY), tx -> {
                        for (int item : free(tx, queue)) {
                            update(tx, "insert into " + taken + " (item, worker) values (?, ?)", item, worker);
                            update(tx, "update " + queue + " set v = 1 where id = ?", item);
                        }
                        if (fails) {
                            throw undo;
                        }
                    }));
                    if (fails && told == undo) {
                        undone.incrementAndGet();
                    } else if (told != null) {
                        throw told;
                    }
                }
            }));
        }
        for (CompletableFuture<@Nullable Void> worker : all) {
            get(worker);
        }
        run.note("transactions rolled back", undone.get());
        equal(
                IntStream.range(0, items).boxed().toList(),
                run.observed("select item from " + taken + " order by item"),
                "items taken");
        if (undone.get() == 0) {
            throw new Inconclusive("the worker that rolls back came too late for any item");
        }
    }

    /** A few items that nobody else has. */
    private static List<Integer> free(Tx tx, String queue) throws SQLException {
        String sql = tx.lock(
                RowLock.forUpdate().skipLocked(),
                "select id from " + queue + " {table-lock} where v = 0 order by id {row-lock}");
        List<Integer> items = new ArrayList<>();
        try (PreparedStatement statement = tx.connection().prepareStatement(sql)) {
            statement.setMaxRows(4);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    items.add(rows.getInt(1));
                }
            }
        }
        return items;
    }

    private static int locked(Tx tx, String table, int id) throws SQLException {
        return ints(
                        tx,
                        tx.lock(
                                RowLock.forUpdate(),
                                "select v from " + table + " {table-lock} where id = ? {row-lock}"),
                        id)
                .get(0);
    }

    private static int total(List<Integer> values) {
        return values.stream().mapToInt(Integer::intValue).sum();
    }

    static <T extends @Nullable Object> T get(Future<T> work) {
        try {
            return work.get(Patience.wholeCase().toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw Facts.sneaky(e.getCause() == null ? e : e.getCause());
        } catch (InterruptedException | TimeoutException e) {
            throw Facts.sneaky(e);
        }
    }

    /**
     * How transactions are kept in an order: by their level where one prevents lost updates, else by row locks.
     *
     * @param options of each
     * @param isolated whether the level does it
     * @param locks whether rows are locked that are read to be changed
     */
    private record Order(TxOptions options, boolean isolated, boolean locks) {
        static Order of(CaseRun run) {
            Profile profile = run.profile();
            TxOptions retried = TxOptions.none().retry(EAGERLY);
            Optional<Isolation> level = Levels.first(profile, IsolationModel.SER, IsolationModel.SI);
            if (level.isPresent()) {
                run.note("level", level.get());
                // where too few came through, because all who read a row wait for each other to change it
                boolean locks = run.attempt() > 1 && profile.has(Feature.LOCK_UPDATE);
                run.note("row locks", locks);
                return new Order(retried.isolation(level.get()), true, locks);
            }
            if (profile.has(Feature.LOCK_UPDATE)) {
                run.note("level", "the default, with row locks");
                return new Order(retried, false, true);
            }
            throw new Untested("there is neither a level of one state nor a row lock");
        }

        int read(Tx tx, String table, int id) throws SQLException {
            return locks
                    ? locked(tx, table, id)
                    : ints(tx, "select v from " + table + " where id = ?", id).get(0);
        }
    }

    /**
     * What came of a workload.
     *
     * @param meant rounds
     * @param committed rounds
     * @param failed rounds
     */
    private record Work(int meant, int committed, List<Throwable> failed) {
        interface Round {
            void run(int thread, Random random) throws Exception;
        }

        static Work run(int threads, int rounds, Round round) {
            long until = System.nanoTime() + Patience.of(LONGEST).toNanos();
            AtomicInteger committed = new AtomicInteger();
            List<Throwable> failed = Collections.synchronizedList(new ArrayList<>());
            CyclicBarrier start = new CyclicBarrier(threads);
            List<CompletableFuture<@Nullable Void>> all = IntStream.range(0, threads)
                    .mapToObj(thread -> Threads.run(() -> {
                        Random random = new Random(thread);
                        start.await(Patience.step().toMillis(), TimeUnit.MILLISECONDS);
                        for (int i = 0; i < rounds && System.nanoTime() - until < 0; i++) {
                            Throwable told = thrownBy(() -> round.run(thread, random));
                            if (told == null) {
                                committed.incrementAndGet();
                            } else {
                                failed.add(told);
                            }
                        }
                    }))
                    .toList();
            all.forEach(ConcurrencyCases::get);
            return new Work(threads * rounds, committed.get(), failed);
        }

        /** Only conflicts may have failed a round, and enough of them must have committed. */
        void judge(CaseRun run, Transactor db) {
            run.note("committed", committed + " of " + meant);
            Map<String, Integer> kinds = new TreeMap<>();
            for (Throwable one : failed) {
                kinds.merge(conflict(db, one).name(), 1, Integer::sum);
            }
            if (!kinds.isEmpty()) {
                run.note("given up after all attempts", kinds);
            }
            if (committed < meant / 10) {
                throw new Inconclusive("only " + committed + " of " + meant + " transactions committed");
            }
        }
    }
}
