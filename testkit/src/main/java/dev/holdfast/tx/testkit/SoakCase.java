package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;
import static dev.holdfast.tx.testkit.Sql.update;

import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.TestHooks;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** A while of many transactions that are cancelled, killed and timed out at random; {@code -Dholdfast.soak=true} for a minute of it. */
final class SoakCase {
    private enum Mishap {
        NONE,
        BODY_FAILS,
        STATEMENT_TIMEOUT,
        WHOLE_TIMEOUT,
        LOCK_TIMEOUT,
        CANCEL,
        KILL
    }

    private static final int THREADS = 6;
    private static final int CONNECTIONS = 4;
    private static final int HOT = -1;
    private static final Duration SHORT = Duration.ofMillis(40);
    private static final Duration BOUND = Duration.ofMillis(200);

    private final CaseRun run;
    private final String table;
    private final Transactor db;
    private final List<Mishap> mishaps;
    private final AtomicInteger numbers = new AtomicInteger();
    private final Set<Integer> committed = new HashSet<>();
    private final Set<Integer> unknown = new HashSet<>();
    private final Map<Mishap, Integer> told = new EnumMap<>(Mishap.class);

    private SoakCase(CaseRun run) throws SQLException {
        this.run = run;
        this.table = run.table();
        run.observe("insert into " + table + " (id, v) values (" + HOT + ", 0)");
        this.db = run.transactor(EngineSetup.on(run.pool(CONNECTIONS)));
        this.mishaps = List.copyOf(mishaps(run));
    }

    static ConformanceCase soak() {
        return ConformanceCase.of(
                "CCY-10",
                "TX-1115",
                "after a while of cancelling, killing and timing out, nothing is lost, left or held",
                run -> {
                    SoakCase soak = new SoakCase(run);
                    soak.run(Boolean.getBoolean("holdfast.soak") ? Duration.ofMinutes(1) : Duration.ofSeconds(3));
                    soak.nothingIsLost();
                    soak.nothingIsHeld();
                });
    }

    private static Set<Mishap> mishaps(CaseRun run) {
        EnumSet<Mishap> mishaps = EnumSet.of(Mishap.NONE, Mishap.BODY_FAILS);
        TestHooks hooks = run.hooks();
        if (hooks.slow() != null && run.has(Feature.STATEMENT_TIMEOUT)) {
            mishaps.addAll(EnumSet.of(Mishap.STATEMENT_TIMEOUT, Mishap.WHOLE_TIMEOUT, Mishap.CANCEL));
        }
        if (run.has(Feature.LOCK_TIMEOUT)) {
            mishaps.add(Mishap.LOCK_TIMEOUT);
        }
        if (hooks.kill() != null && hooks.sessionId() != null) {
            mishaps.add(Mishap.KILL);
        }
        return mishaps;
    }

    private void run(Duration duration) {
        long until = System.nanoTime() + duration.toNanos();
        List<CompletableFuture<@Nullable Void>> threads = IntStream.range(0, THREADS)
                .mapToObj(thread -> Threads.run(() -> {
                    Random random = new Random(thread);
                    while (System.nanoTime() - until < 0) {
                        // half of them go well
                        round(random.nextBoolean() ? Mishap.NONE : mishaps.get(random.nextInt(mishaps.size())));
                    }
                }))
                .toList();
        threads.forEach(ConcurrencyCases::get);
        run.note("transactions", numbers.get());
        run.note("committed", committed.size());
        run.note("unknown", unknown.size());
        run.note("errors told", told);
        if (committed.size() < 10 || mishaps.stream().anyMatch(one -> one != Mishap.NONE && !told.containsKey(one))) {
            throw new Inconclusive("too little has happened: " + committed.size() + " committed, errors " + told);
        }
    }

    /** One transaction, of two rows that belong together. */
    private void round(Mishap mishap) {
        int number = numbers.incrementAndGet();
        AtomicReference<@Nullable Outcome> outcome = new AtomicReference<>();
        Throwable thrown = thrownBy(() -> db.execute(options(mishap), tx -> {
            tx.afterCompletion(outcome::set);
            insert(tx, table, 2 * number);
            happen(mishap, tx);
            insert(tx, table, 2 * number + 1);
        }));
        boolean isCommitted = outcome.get() instanceof Outcome.Committed;
        boolean isUnknown = outcome.get() instanceof Outcome.Unknown;
        if ((thrown == null) != isCommitted || (thrown instanceof TxOutcomeUnknownException) != isUnknown) {
            throw new AssertionError("the hook was told " + outcome.get() + ", the caller " + thrown, thrown);
        }
        synchronized (this) {
            if (isCommitted) {
                committed.add(number);
            } else if (isUnknown) {
                unknown.add(number);
            }
            if (thrown != null) {
                told.merge(mishap, 1, Integer::sum);
            }
        }
    }

    private static TxOptions options(Mishap mishap) {
        TxOptions none = TxOptions.none();
        return switch (mishap) {
            case STATEMENT_TIMEOUT -> none.statementTimeout(SHORT);
            case WHOLE_TIMEOUT -> none.wholeTimeout(SHORT);
            case LOCK_TIMEOUT -> none.lockTimeout(SHORT).statementTimeout(BOUND);
            case CANCEL -> none.statementTimeout(BOUND); // for a cancel that came too early
            default -> none;
        };
    }

    private void happen(Mishap mishap, Tx tx) throws SQLException {
        switch (mishap) {
            case NONE -> {}
            case BODY_FAILS -> throw new IllegalStateException("undo");
            case STATEMENT_TIMEOUT, WHOLE_TIMEOUT -> ints(tx, slow());
            case LOCK_TIMEOUT -> {
                update(tx, "update " + table + " set v = v + 1 where id = " + HOT);
                if (run.hooks().slow() != null && run.has(Feature.STATEMENT_TIMEOUT)) {
                    ints(tx, slow()); // who comes meanwhile waits for the row, too long
                }
                throw new IllegalStateException("undo");
            }
            case CANCEL -> {
                try (Statement statement = tx.connection().createStatement()) {
                    CompletableFuture<@Nullable Void> cancel = Threads.run(statement::cancel);
                    try {
                        statement.executeQuery(slow()).close();
                    } finally {
                        ConcurrencyCases.get(cancel);
                    }
                }
            }
            case KILL -> {
                String id;
                try (Statement statement = tx.connection().createStatement();
                        ResultSet rows = statement.executeQuery(
                                Objects.requireNonNull(run.hooks().sessionId()))) {
                    rows.next();
                    id = rows.getString(1);
                }
                try (Connection killer = run.database().sessions().getConnection();
                        Statement statement = killer.createStatement()) {
                    statement.execute(Objects.requireNonNull(run.hooks().kill()).replace("{session}", id));
                }
            }
        }
    }

    private String slow() {
        return Objects.requireNonNull(run.hooks().slow());
    }

    /** What was told as committed is there, both rows of it; what was not is not, and in doubt there are both or none. */
    private void nothingIsLost() throws SQLException {
        Set<Integer> ids = new HashSet<>(run.ids(table));
        ids.remove(HOT);
        List<Integer> halves = new ArrayList<>();
        Set<Integer> there = new HashSet<>();
        for (int id : ids) {
            if (!ids.contains(id ^ 1)) {
                halves.add(id);
            }
            there.add(id / 2);
        }
        equal(List.of(), halves, "rows without the other half of their transaction");
        Set<Integer> lost = new HashSet<>(committed);
        lost.removeAll(there);
        equal(Set.of(), lost, "transactions told as committed that are not there");
        there.removeAll(committed);
        there.removeAll(unknown);
        equal(Set.of(), there, "transactions told as rolled back that are there");
    }

    /** All connections can be had at once, on autocommit, and no lock is left. */
    private void nothingIsHeld() {
        AtomicInteger had = new AtomicInteger();
        loans(CONNECTIONS, had);
        equal(CONNECTIONS, had.get(), "connections had at once");
        CompletableFuture<@Nullable Void> all = Threads.run(() -> run.observe("update " + table + " set v = v + 1"));
        Throwable stuck = thrownBy(() -> all.get(Patience.step().toMillis(), TimeUnit.MILLISECONDS));
        equal(null, stuck, "what a change of all rows is told");
        equal(1, db.transact(tx -> update(tx, "update " + table + " set v = 0 where id = " + HOT)), "rows changed");
        holds(() -> db.current() == null, "no transaction is left on the thread");
    }

    private void loans(int more, AtomicInteger had) {
        if (more == 0) {
            return;
        }
        db.withConnection(connection -> {
            equal(true, connection.getAutoCommit(), "whether a connection is on autocommit");
            equal(List.of(HOT), ints(db, "select id from " + table + " where id = " + HOT), "rows read");
            had.incrementAndGet();
            loans(more - 1, had);
            return null;
        });
    }
}
