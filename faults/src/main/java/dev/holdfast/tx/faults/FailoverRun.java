package dev.holdfast.tx.faults;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.faults.Bank.Transfer;
import dev.holdfast.tx.testkit.CommitsInFlight;
import dev.holdfast.tx.testkit.Facts;
import dev.holdfast.tx.testkit.Threads;
import dev.holdfast.tx.testkit.server.FailoverPair;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** One failover under load: one transactor, eight writers, two servers. Used once. */
final class FailoverRun {
    private static final int WRITERS = 8;
    private static final String UNCLASSIFIED = "not classified: ";
    private static final Duration BOUND = Duration.ofMinutes(5);

    /** All that is said of a run. */
    record Result(List<String> lines, boolean isGood) {}

    private final FailoverPair pair;
    private final Site site;
    private final List<TxOptions> kinds;

    private final Ledger verifiable = new Ledger();
    private final Ledger others = new Ledger();
    private final Settlements settlements = new Settlements();
    private final Map<String, AtomicInteger> errors = new ConcurrentSkipListMap<>();
    private final AtomicInteger ids = new AtomicInteger();
    private final AtomicInteger committedAfter = new AtomicInteger();
    private final AtomicLong firstAfter = new AtomicLong();
    /** When it was; 0 as long as it was not. */
    private volatile long killed;

    private volatile boolean promoted;

    FailoverRun(FailoverPair pair, Site site, List<TxOptions> kinds) {
        this.pair = pair;
        this.site = site;
        this.kinds = kinds;
    }

    /**
     * Kills the primary after so many commits, promotes the replica, and goes on until as many were made there.
     *
     * @param waiting whether each writer waits for the replica to acknowledge its COMMIT when the primary is killed
     * @throws java.util.concurrent.TimeoutException if they are not within some minutes
     */
    Result run(boolean waiting, int transfers, long seed) throws Exception {
        site.makeMarkerTable();
        Bank bank = Bank.open(site);
        CountDownLatch before = new CountDownLatch(transfers);
        long promotion;
        try (Transactor db = Holdfast.builder(pair.url())
                .settleWithin(Duration.ofMinutes(1))
                .listener(settlements)
                .build()) {
            List<CompletableFuture<?>> working;
            if (waiting) {
                join(writers(db, seed, before, () -> before.getCount() > 0));
                working = new ArrayList<>(CommitsInFlight.lose(pair, WRITERS / 2, number -> writeAlone(db, number)));
            } else {
                working = writers(db, seed, before, () -> committedAfter.get() < transfers);
                if (!before.await(BOUND.toSeconds(), TimeUnit.SECONDS)) {
                    throw new IllegalStateException("Only " + (transfers - before.getCount()) + " commits in " + BOUND);
                }
                pair.killPrimary();
            }
            killed = System.nanoTime();
            pair.promote();
            promoted = true;
            promotion = System.nanoTime();
            if (waiting) {
                working.addAll(writers(db, seed + 1, before, () -> committedAfter.get() < transfers));
            }
            join(working);
        }
        return result(bank, waiting, millis(promotion - killed));
    }

    private List<CompletableFuture<?>> writers(
            Transactor db, long seed, CountDownLatch before, BooleanSupplier goesOn) {
        List<CompletableFuture<?>> working = new ArrayList<>();
        for (int writer = 0; writer < WRITERS; writer++) {
            Random random = new Random(seed * WRITERS + writer);
            working.add(Threads.run(() -> {
                while (goesOn.getAsBoolean()) {
                    Transfer transfer = Transfer.random(ids.getAndIncrement(), random);
                    if (write(db, transfer, kinds.get(random.nextInt(kinds.size())))) {
                        before.countDown();
                    }
                }
            }));
        }
        return working;
    }

    private static void join(List<CompletableFuture<?>> working) throws Exception {
        for (CompletableFuture<?> each : working) {
            each.get(BOUND.toSeconds(), TimeUnit.SECONDS);
        }
    }

    /** Between accounts that nobody else uses. Three of four can be settled. */
    private void writeAlone(Transactor db, int number) {
        int kind = number % 4 == 3 ? 3 : number % 2;
        write(db, new Transfer(ids.getAndIncrement(), 2 * number, 2 * number + 1, 1), kinds.get(kind));
    }

    /** Whether it was committed. */
    private boolean write(Transactor db, Transfer transfer, TxOptions options) {
        Throwable thrown = Facts.thrownBy(() -> db.execute(options, tx -> transfer.make(tx, step -> {})));
        (options.isVerifiable() ? verifiable : others).write(transfer.id(), thrown);
        if (thrown != null) {
            errors.computeIfAbsent(kind(db, thrown), any -> new AtomicInteger()).incrementAndGet();
            return false;
        }
        if (killed != 0) {
            firstAfter.compareAndSet(0, System.nanoTime());
        }
        if (promoted) {
            committedAfter.incrementAndGet();
        }
        return true;
    }

    private static String kind(Transactor db, Throwable thrown) {
        @Nullable Failure failure = db.classify(thrown);
        return failure == null || failure.kind() == FailureKind.OTHER
                ? UNCLASSIFIED + thrown
                : failure.kind().name();
    }

    private static long millis(long nanos) {
        return TimeUnit.NANOSECONDS.toMillis(nanos);
    }

    private Result result(Bank bank, boolean waiting, long promotion) throws Exception {
        Ledger.Sum settled = verifiable.heldAgainst(bank);
        Ledger.Sum rest = others.heldAgainst(bank);
        boolean classified = errors.keySet().stream().noneMatch(kind -> kind.startsWith(UNCLASSIFIED));
        String inFlight = waiting ? WRITERS + " COMMITs in flight at the kill; " : "";
        List<String> lines = List.of(
                pair.name() + ": promoted " + promotion + " ms after the kill, first commit "
                        + millis(firstAfter.get() - killed) + " ms after it, "
                        + committedAfter + " commits after the promotion",
                "errors: " + (errors.isEmpty() ? "none" : errors),
                "verifiable: " + verifiable.counts() + ", " + settled + "; " + inFlight + settlements,
                "others: " + others.counts() + ", " + rest,
                "failover: " + (settled.transfers() + rest.transfers()) + " transfers, " + settled.and(rest));
        return new Result(lines, settled.isGood() && rest.isGood() && settled.unknown() == 0 && classified);
    }
}
