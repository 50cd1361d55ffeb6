package dev.holdfast.tx.testkit;

import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxListener;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.testkit.server.FailoverPair;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * COMMITs that were sent and not answered when their primary died: the replica got what the primary had logged of the first
 * half of them, and had acknowledged none; of the second half it got nothing. Hears what is found out about them, and holds
 * that against the rows.
 *
 * <p>PostgreSQL and MySQL log the COMMITs while others wait. MariaDB logs one or two, the others wait for their turn.
 */
public final class CommitsInFlight implements TxListener {
    /** How many of each half {@link #settle} makes. */
    private static final int HALF = 4;

    private static final String TABLE = "in_flight";
    private static final Duration BOUND = Duration.ofMinutes(2);
    private static final TxOptions VERIFIABLE = TxOptions.none().verifiable();
    private static final TxOptions RETRIED = VERIFIABLE.retry(RetryPolicy.attempts(10_000)
            .backoff(Duration.ofMillis(1), Duration.ofMillis(20))
            .deadline(BOUND));

    /** By the label of the transaction. */
    private final Map<String, Outcome> settled = new ConcurrentHashMap<>();

    /** A call of one transaction that writes; it must not wait for another one. */
    @FunctionalInterface
    public interface Call {
        /** Calls for the transaction of this number, counted from 0. */
        void call(int number) throws Exception;
    }

    /**
     * Makes commits that wait for the replica, and kills the primary under them.
     *
     * @param half how many there are before the replica gets nothing any more, and after
     * @return what ends with each call, when somebody has promoted the replica
     */
    public static List<CompletableFuture<?>> lose(FailoverPair pair, int half, Call call) throws SQLException {
        List<CompletableFuture<?>> calls = new ArrayList<>();
        pair.freezeReplica();
        for (int number = 0; number < half; number++) {
            calls.add(started(call, number));
        }
        pair.awaitWaiting(half);
        pair.cutReplica();
        for (int number = half; number < 2 * half; number++) {
            calls.add(started(call, number));
        }
        pair.awaitWaiting(2 * half);
        pair.killPrimary();
        return calls;
    }

    private static CompletableFuture<?> started(Call call, int number) {
        return Threads.run(() -> call.call(number));
    }

    /** What was found out; none stayed unknown. */
    public record Counts(int inFlight, int committed, int rolledBack) {
        @Override
        public String toString() {
            return inFlight + " COMMITs in flight, settled as committed " + committed + ", as rolled back " + rolledBack
                    + ", unknown 0";
        }
    }

    @Override
    public void on(TxEvent event) {
        if (event instanceof TxEvent.Settled one) {
            settled.put(Objects.requireNonNull(one.label(), "each has a label"), one.outcome());
        }
    }

    /**
     * Loses some that can be settled, every other one with a policy that does it again, and promotes the replica.
     *
     * @param db over {@link FailoverPair#url}, with this as a listener, and with the tables that it needs
     * @throws AssertionError if one of them is not settled, or not as the rows are, or its caller was told something else
     */
    public Counts settle(FailoverPair pair, Transactor db) throws Exception {
        db.<Integer>withConnection(
                connection -> connection.createStatement().executeUpdate("create table " + TABLE + " (id int)"));
        List<CompletableFuture<?>> calls = lose(
                pair,
                HALF,
                number -> db.execute(
                        (isRetried(number) ? RETRIED : VERIFIABLE).label(label(number)),
                        tx -> Sql.update(tx, "insert into " + TABLE + " values (?)", number)));
        pair.promote();
        int committed = 0;
        for (int number = 0; number < calls.size(); number++) {
            Throwable thrown = thrown(calls.get(number));
            int rows = Sql.ints(db, "select id from " + TABLE + " where id = " + number)
                    .size();
            Outcome outcome = settled.get(label(number));
            String one = label(number) + ", settled as " + outcome + ", told " + thrown + ", rows " + rows;
            if (outcome instanceof Outcome.Committed) {
                require(number < HALF && thrown == null && rows == 1, one, thrown);
                committed++;
            } else if (outcome instanceof Outcome.RolledBack) {
                boolean again = isRetried(number);
                require(again ? thrown == null : isRolledBack(thrown), one, thrown);
                require(rows == (again ? 1 : 0), one, thrown);
            } else {
                throw new AssertionError(one, thrown);
            }
        }
        require(committed > 0, "none that the replica got is there", null);
        return new Counts(calls.size(), committed, calls.size() - committed);
    }

    private static boolean isRolledBack(@Nullable Throwable thrown) {
        return thrown instanceof TxException && !(thrown instanceof TxOutcomeUnknownException);
    }

    private static void require(boolean holds, String what, @Nullable Throwable thrown) {
        if (!holds) {
            throw new AssertionError(what, thrown);
        }
    }

    private static boolean isRetried(int number) {
        return number % 2 == 1;
    }

    private static String label(int number) {
        return "commit " + number;
    }

    private static @Nullable Throwable thrown(CompletableFuture<?> call) throws Exception {
        Throwable thrown = Facts.thrownBy(() -> call.get(BOUND.toSeconds(), TimeUnit.SECONDS));
        return thrown == null ? null : Objects.requireNonNullElse(thrown.getCause(), thrown);
    }
}
