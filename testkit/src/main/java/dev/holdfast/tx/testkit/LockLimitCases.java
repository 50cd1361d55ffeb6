package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.interleaving.Act.commit;
import static dev.holdfast.tx.testkit.interleaving.Act.write;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.testkit.interleaving.Act;
import dev.holdfast.tx.testkit.interleaving.Conductor;
import dev.holdfast.tx.testkit.interleaving.Pace;
import dev.holdfast.tx.testkit.interleaving.Step;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * What is left of the limit of one lock when that lock was not had (LCK). Where the limit is a setting of the session, it is
 * easily put back after a select that went well, and forgotten after one that failed.
 */
final class LockLimitCases {
    private static final Duration LIMIT = Duration.ofMillis(300);
    private static final Needs LIMITED =
            Needs.of(Feature.LOCK_UPDATE, Feature.LOCK_WAIT_AT_MOST).and(Means.CONCURRENT_WRITERS);
    private static final String LOCK = "select v from {t} {table-lock} where id = 1 {row-lock}";

    private LockLimitCases() {}

    static List<ConformanceCase> all() {
        return List.of(
                ConformanceCase.of(
                        "LCK-31a",
                        "TX-705",
                        "the limit of a lock that was not had does not hold for what the transaction does next",
                        LIMITED.and(Feature.SAVEPOINTS),
                        LockLimitCases::inTheTransaction),
                ConformanceCase.of(
                        "LCK-31b",
                        "TX-705",
                        "the limit of a lock that was not had does not hold for the next transaction",
                        LIMITED,
                        LockLimitCases::inTheNext),
                ConformanceCase.of(
                        "LCK-31c",
                        "TX-705",
                        "the limit of a lock holds for each of its rows, though they are fetched one by one",
                        LIMITED,
                        LockLimitCases::fetchedOneByOne));
    }

    private static Act change(int v) {
        return write("update {t} set v = " + v + " where id = 1");
    }

    private static Conductor conductor(CaseRun run) throws SQLException {
        String table = Interleaving.table(run, Map.of());
        Conductor conductor = Conductor.of(run, Pace.usual(), table, Interleaving.options(run, null, true), 2);
        conductor.done("S1", change(11));
        return conductor;
    }

    private static RowLock limited() {
        return RowLock.forUpdate().waitAtMost(Patience.of(LIMIT));
    }

    private static void inTheTransaction(CaseRun run) throws SQLException {
        Conductor conductor = conductor(run);
        AtomicReference<@Nullable Failure> told = new AtomicReference<>();
        long begun = System.nanoTime();
        Step tried = conductor.step("S2", Act.of("lock A for a limited time, in a nested scope", tx -> {
            Throwable thrown = Facts.thrownBy(() -> tx.executeNested(inner ->
                    Sql.ints(inner, inner.lock(limited(), LOCK.replace("{t}", conductor.table())))));
            told.set(thrown == null ? null : conductor.db().classify(thrown));
            return List.of();
        }));
        if (!conductor.isDoneWithin(tried, Patience.step()) || !tried.isDone()) {
            throw new AssertionError("the limit on waiting did not end the wait: " + tried.thrown(), tried.thrown());
        }
        Duration waited = Duration.ofNanos(System.nanoTime() - begun);
        Failure failure = told.get();
        if (failure == null || failure.kind() != FailureKind.LOCK_TIMEOUT) {
            throw new AssertionError("a lock that is held was not refused as LOCK_TIMEOUT: " + failure);
        }
        if (failure.effect() != FailureEffect.NONE && failure.effect() != FailureEffect.SCOPE) {
            throw new Untested("a lock timeout ends the whole transaction here: " + failure.effect());
        }
        waitsLonger(conductor, "S2", waited);
    }

    private static void inTheNext(CaseRun run) throws SQLException {
        Conductor conductor = conductor(run);
        long begun = System.nanoTime();
        Step tried = conductor.step("S2", Act.lock(limited(), LOCK));
        if (!conductor.isDoneWithin(tried, Patience.step()) || tried.isDone()) {
            throw new AssertionError("a lock that is held was not refused when its limit was over");
        }
        Failure refused = tried.failure();
        if (refused == null || refused.kind() != FailureKind.LOCK_TIMEOUT) {
            throw new AssertionError("a lock that is held was not refused as LOCK_TIMEOUT: " + refused, tried.thrown());
        }
        // The pool has two connections: the next one gets that of S2.
        waitsLonger(conductor, "S3", Duration.ofNanos(System.nanoTime() - begun));
    }

    /** The first row is free, and S1 holds the second. */
    private static void fetchedOneByOne(CaseRun run) throws SQLException {
        Conductor conductor = conductor(run);
        String all = LOCK.replace("{t}", conductor.table()).replace("where id = 1", "where id < 9 order by id desc");
        Step tried = conductor.step("S2", Act.of("lock all rows for a limited time, fetched one by one", tx -> {
            try (PreparedStatement statement = tx.connection().prepareStatement(tx.lock(limited(), all))) {
                statement.setFetchSize(1);
                List<Integer> values = new ArrayList<>();
                try (ResultSet rows = statement.executeQuery()) {
                    while (rows.next()) {
                        values.add(rows.getInt(1));
                    }
                }
                return values;
            }
        }));
        if (!conductor.isDoneWithin(tried, Patience.step()) || tried.isDone()) {
            throw new AssertionError("a lock that is held was not refused when its limit was over");
        }
        Failure refused = tried.failure();
        if (refused == null || refused.kind() != FailureKind.LOCK_TIMEOUT) {
            throw new AssertionError("a lock that is held was not refused as LOCK_TIMEOUT: " + refused, tried.thrown());
        }
    }

    /** Waits for S1 twice as long as the limited lock did, and then has the row. */
    private static void waitsLonger(Conductor conductor, String session, Duration limited) throws SQLException {
        Step waits = conductor.step(session, change(13));
        conductor.isDoneWithin(waits, limited.multipliedBy(2));
        Step end = conductor.done("S1", commit());
        conductor.drain();
        Failure failure = waits.failure();
        if (failure != null && failure.kind() == FailureKind.LOCK_TIMEOUT) {
            throw new AssertionError(
                    "'" + waits + "', which has no limit, failed by that of the lock before it: " + failure,
                    waits.thrown());
        }
        if (waits.isDone()) {
            holds(() -> waits.finishedAt() > end.startedAt(), "it waited for S1");
        } else if (failure == null || failure.kind() != FailureKind.SERIALIZATION) {
            throw new AssertionError("'" + waits + "' failed: " + waits.thrown(), waits.thrown());
        }
    }
}
