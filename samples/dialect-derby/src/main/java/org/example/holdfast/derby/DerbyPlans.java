package org.example.holdfast.derby;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.ConstraintChecking;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.RowLock.Strength;
import dev.holdfast.tx.RowLock.Waiting;
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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/*
 * The level is read into a slot before it is changed, and put back from there after COMMIT or ROLLBACK. To set it commits
 * whatever is open, so it comes before autocommit is off. When constraints are checked is a matter of the transaction: it
 * comes after, and needs nothing put back.
 */
/** How transactions begin and end, and how rows are locked. */
final class DerbyPlans {
    private record Refusal(Predicate<Wish> applies, Function<TxOptions, String> what, String instead) {}

    private static final List<Refusal> REFUSALS = List.of(
            new Refusal(
                    wish -> wish.options().lockTimeout() != null,
                    options -> "lockTimeout=" + options.lockTimeout()
                            + ", because its only one, derby.locks.waitTimeout, is that of the database",
                    "leave the option out, and set that property"),
            new Refusal(
                    wish -> wish.options().statementTimeout() != null,
                    options -> "statementTimeout=" + options.statementTimeout()
                            + ", because no statement can be cancelled",
                    "ask for a whole timeout, or call Statement.setQueryTimeout"),
            new Refusal(
                    wish -> wish.options().beginMode() != null,
                    options -> "beginMode=" + options.beginMode() + ", because there is only one way to begin",
                    "leave the option out"),
            new Refusal(
                    wish -> Stream.of(Carry.values()).anyMatch(wish::carries)
                            || wish.options().isVerifiable(),
                    options -> "verifiable, because Derby keeps no record of what became of a transaction",
                    "leave the option out"));

    private DerbyPlans() {}

    static TxPlan plan(Wish wish, Profile profile) {
        for (Refusal refusal : REFUSALS) {
            if (refusal.applies().test(wish)) {
                throw refused(wish, profile, refusal.what().apply(wish.options()), refusal.instead());
            }
        }
        TxOptions options = wish.options();
        List<Step> begin = new ArrayList<>();
        List<Step> putBack = new ArrayList<>();
        if (options.access() == Access.READ_ONLY) {
            begin.add(Drive.READ_ONLY_ON);
        }
        if (options.isolation() != null) {
            begin.add(DerbyDialect.READ_ISOLATION);
            begin.add(Step.sql(
                    "SET ISOLATION " + profile.levels().get(options.isolation()).nativeName()));
            putBack.add(new Step.Sql("SET ISOLATION {isolation}", List.of(), List.of("isolation")));
        }
        if (profile.identity().autocommit() == Autocommit.ON) {
            begin.add(Drive.AUTOCOMMIT_OFF);
            putBack.add(Drive.AUTOCOMMIT_ON);
        }
        if (options.constraints() != null) {
            begin.add(Step.sql("SET CONSTRAINTS " + names(options.constraints()) + " "
                    + options.constraints().timing()));
        }
        if (options.access() == Access.READ_ONLY) {
            putBack.add(Drive.READ_ONLY_OFF);
        }
        return new TxPlan(
                new Message(Travel.EACH, begin),
                new CommitMessage(then(Drive.COMMIT, putBack), 0, Proof.LAST, Fence.NONE),
                then(Drive.ROLLBACK, putBack),
                notes(options));
    }

    private static Message then(Step end, List<Step> putBack) {
        List<Step> steps = new ArrayList<>(List.of(end));
        steps.addAll(putBack);
        return new Message(Travel.EACH, steps);
    }

    private static String names(ConstraintChecking checking) {
        return checking.isAll()
                ? "ALL"
                : checking.names().stream().map(DerbyPlans::quoted).collect(Collectors.joining(", "));
    }

    private static String quoted(String name) {
        return Arrays.stream(name.split("\\.", -1))
                .map(part -> '"' + part.replace("\"", "\"\"") + '"')
                .collect(Collectors.joining("."));
    }

    private static List<String> notes(TxOptions options) {
        List<String> notes = new ArrayList<>();
        if (options.isolation() == Isolation.SNAPSHOT) {
            notes.add("SNAPSHOT is given as RR, which is serializable: readers and writers wait for each other");
        }
        if (options.wholeTimeout() != null) {
            notes.add("no statement can be cancelled: a whole timeout is noticed when the one that runs returns");
        }
        return notes;
    }

    /** Locks taken by FOR UPDATE are kept to the end of the transaction by WITH RS only. */
    static LockPlan lock(RowLock lock, Wish inForce, Profile profile) {
        if (lock.waiting() != Waiting.BLOCK) {
            throw refused(
                    inForce,
                    profile,
                    "a row lock with " + lock.waiting() + ", because how long to wait is set for the whole database",
                    "ask for a lock that waits");
        }
        if (!lock.tables().isEmpty()) {
            throw refused(
                    inForce,
                    profile,
                    "row locks of " + lock.tables() + ", because it locks in selects from one table only",
                    "lock each table in a select of its own");
        }
        return LockPlan.atEnd(
                "FOR UPDATE WITH RS",
                lock.strength() == Strength.UPDATE
                        ? List.of()
                        : List.of(lock.strength() + " is given as UPDATE: a shared lock keeps no other from locking"));
    }

    private static TxUnsupportedException refused(Wish wish, Profile profile, String what, String instead) {
        return new TxUnsupportedException(
                profile + " refuses " + what + "; " + instead, wish.options().label());
    }
}
