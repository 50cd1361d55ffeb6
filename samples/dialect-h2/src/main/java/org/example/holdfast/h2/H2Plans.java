package org.example.holdfast.h2;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.RowLock.Strength;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.CommitMessage;
import dev.holdfast.tx.spi.CommitMessage.Fence;
import dev.holdfast.tx.spi.CommitMessage.Proof;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.LockPlan;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Message.Travel;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.Step.Drive;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.spi.Wish.Carry;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;

/*
 * A setting is read into a slot before it is changed, and put back from there after COMMIT or ROLLBACK. If the slot was never
 * read, the statement that puts it back is left out, so the same abort message is right when the begin message got halfway.
 * The level comes before everything that belongs to the transaction: to set it commits whatever is open.
 */
/** How transactions begin and end, and how rows are locked. */
final class H2Plans {
    static final String LOCK_TIMEOUT = "lock timeout";
    static final String QUERY_TIMEOUT = "query timeout";

    private record Refusal(Predicate<Wish> applies, Function<TxOptions, String> what, String instead) {}

    private static final List<Refusal> REFUSALS = List.of(
            new Refusal(
                    wish -> wish.options().isolation() == Isolation.SERIALIZABLE,
                    options -> "isolation=SERIALIZABLE, because what H2 calls so is snapshot isolation",
                    "ask for SNAPSHOT, and lock the rows that a decision rests on"),
            new Refusal(
                    wish -> wish.options().access() == Access.READ_ONLY,
                    options -> "access=READ_ONLY, because no session of H2 can be kept from writing",
                    "ask for READ_ONLY_HINT"),
            new Refusal(
                    wish -> wish.options().constraints() != null,
                    options -> "constraints=" + options.constraints()
                            + ", because H2 checks all of them with each statement",
                    "leave the option out, and order the statements so that each of them passes"),
            new Refusal(
                    wish -> wish.options().beginMode() != null,
                    options -> "beginMode=" + options.beginMode() + ", because there is only one way to begin",
                    "leave the option out"),
            new Refusal(
                    wish -> isTooLong(wish.options().lockTimeout()),
                    options -> "lockTimeout=" + options.lockTimeout() + ", which is more than H2 can count",
                    "ask for a shorter one"),
            new Refusal(
                    wish -> Stream.of(Carry.values()).anyMatch(wish::carries)
                            || wish.options().isVerifiable(),
                    options -> "verifiable, because H2 keeps no record of what became of a transaction",
                    "leave the option out"));

    private H2Plans() {}

    static TxPlan plan(Wish wish, Profile profile) {
        for (Refusal refusal : REFUSALS) {
            if (refusal.applies().test(wish)) {
                throw refused(wish, profile, refusal.what().apply(wish.options()), refusal.instead());
            }
        }
        TxOptions options = wish.options();
        boolean idlesInAutocommit = profile.identity().autocommit() == Autocommit.ON;
        List<Step> begin = new ArrayList<>();
        List<Step> putBack = new ArrayList<>();
        List<String> notes = new ArrayList<>();

        if (options.isolation() != null) {
            begin.add(H2Dialect.READ_ISOLATION);
            begin.add(Step.sql(
                    setIsolation(profile.levels().get(options.isolation()).nativeName())));
            putBack.add(fromSlot(setIsolation("{isolation}"), "isolation"));
        }
        if (options.isolation() == Isolation.REPEATABLE_READ) {
            notes.add("REPEATABLE_READ is given as snapshot isolation");
        }
        long wait = lockWait(options, profile);
        if (options.lockTimeout() != null || wait < usualLockWait(profile)) {
            begin.add(H2Dialect.READ_LOCK_TIMEOUT);
            begin.add(Step.sql("SET LOCK_TIMEOUT " + wait));
            putBack.add(fromSlot("SET LOCK_TIMEOUT {lock_timeout}", "lock_timeout"));
        }
        if (isHeldToWork(options, profile)) {
            notes.add("no cancel reaches a statement that waits for a lock, so that wait is held to " + wait + " ms");
        }
        // Statement.setQueryTimeout sets it for all statements of the session that follow.
        putBack.add(Step.sql("SET QUERY_TIMEOUT " + profile.fact(QUERY_TIMEOUT)));
        if (idlesInAutocommit) {
            begin.add(Drive.AUTOCOMMIT_OFF);
            putBack.add(Drive.AUTOCOMMIT_ON);
        }
        return new TxPlan(
                new Message(Travel.EACH, begin),
                new CommitMessage(then(Drive.COMMIT, putBack), 0, Proof.LAST, Fence.NONE),
                then(Drive.ROLLBACK, putBack),
                notes);
    }

    private static Message then(Step end, List<Step> putBack) {
        List<Step> steps = new ArrayList<>(List.of(end));
        steps.addAll(putBack);
        return new Message(Travel.EACH, steps);
    }

    private static String setIsolation(String level) {
        return "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL " + level;
    }

    private static Step fromSlot(String text, String slot) {
        return new Step.Sql(text, List.of(), List.of(slot));
    }

    /** How long a statement may wait for a lock, in milliseconds. */
    private static long lockWait(TxOptions options, Profile profile) {
        Duration lock = options.lockTimeout();
        long wait = lock == null ? usualLockWait(profile) : millis(lock);
        return Math.min(wait, work(options));
    }

    /** Whether a limit on the work, and not one on waiting, is what ends a wait for a lock. */
    static boolean isHeldToWork(TxOptions options, Profile profile) {
        Duration lock = options.lockTimeout();
        return work(options) < (lock == null ? usualLockWait(profile) : millis(lock));
    }

    private static long work(TxOptions options) {
        return Stream.of(options.statementTimeout(), options.wholeTimeout())
                .mapToLong(limit -> limit == null ? Long.MAX_VALUE : millis(limit))
                .min()
                .orElseThrow();
    }

    private static long usualLockWait(Profile profile) {
        return Long.parseLong(profile.fact(LOCK_TIMEOUT));
    }

    private static boolean isTooLong(Duration limit) {
        return limit != null && millis(limit) > Integer.MAX_VALUE;
    }

    /** Rounded up: zero would mean not to wait at all. */
    private static long millis(Duration limit) {
        return limit.compareTo(Duration.ofDays(100)) > 0
                ? Duration.ofDays(100).toMillis()
                : limit.plusNanos(999_999).toMillis();
    }

    static LockPlan lock(RowLock lock, Wish inForce, Profile profile) {
        if (isTooLong(lock.limit())) {
            throw refused(
                    inForce,
                    profile,
                    "a row lock that waits for " + lock.limit() + ", which is more than H2 can count",
                    "ask for a shorter wait, or for a lock without a limit");
        }
        String waiting = switch (lock.waiting()) {
            case BLOCK -> "";
            case NO_WAIT -> " NOWAIT";
            case SKIP_LOCKED -> " SKIP LOCKED";
            case AT_MOST ->
                " WAIT " + BigDecimal.valueOf(millis(lock.limit()), 3).toPlainString();
        };
        List<String> notes = new ArrayList<>();
        if (lock.strength() != Strength.UPDATE) {
            notes.add(lock.strength() + " is given as UPDATE, the only lock on rows there is");
        }
        if (!lock.tables().isEmpty()) {
            notes.add("the rows of all tables of the select are locked, not of " + lock.tables() + " alone");
        }
        return LockPlan.atEnd("FOR UPDATE" + waiting, notes);
    }

    private static TxUnsupportedException refused(Wish wish, Profile profile, String what, String instead) {
        return new TxUnsupportedException(
                profile + " refuses " + what + "; " + instead, wish.options().label());
    }
}
