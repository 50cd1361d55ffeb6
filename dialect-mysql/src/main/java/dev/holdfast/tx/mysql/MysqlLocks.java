package dev.holdfast.tx.mysql;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.RowLock.Strength;
import dev.holdfast.tx.RowLock.Waiting;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.LockPlan;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Message.Travel;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.spi.Wish.Target;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Row locks: {@code FOR UPDATE | FOR SHARE [OF …] [NOWAIT | SKIP LOCKED]} on MySQL (manual, SELECT, and Locking Reads),
 * {@code FOR UPDATE | LOCK IN SHARE MODE [WAIT n | NOWAIT | SKIP LOCKED]} on MariaDB (manual, SELECT).
 */
final class MysqlLocks {
    private static final String WAS = "row_lock_wait_was";
    /** What the lock's limit on waiting has to be put back by, if a lock failed before it did so itself. */
    static final Step.Sql PUT_BACK =
            new Step.Sql("SET innodb_lock_wait_timeout = {" + WAS + "}", List.of(), List.of(WAS));

    private MysqlLocks() {}

    /** Whether a limit on waiting is a variable of the session, and not a word of the lock. */
    static boolean limitsByVariable(Profile profile) {
        return profile.has(Feature.LOCK_WAIT_AT_MOST) && MysqlFlavour.of(profile) != MysqlFlavour.MARIADB;
    }

    static LockPlan plan(RowLock lock, Wish inForce, Profile profile) {
        MysqlFlavour flavour = MysqlFlavour.of(profile);
        checkMayLock(lock, inForce, profile);
        checkIsThere(lock, inForce, profile);
        List<String> notes = new ArrayList<>();
        boolean exclusive = lock.strength() == Strength.UPDATE || lock.strength() == Strength.NO_KEY_UPDATE;
        Strength given = exclusive ? Strength.UPDATE : Strength.SHARE;
        if (given != lock.strength()) {
            notes.add(lock.strength() + " is given as " + given + ", the weakest lock that " + profile.server()
                    + " has for it");
        }
        String tail = clause(given, flavour) + tables(lock, inForce, profile, notes);
        Duration limit = lock.limit();
        if (limit == null) {
            return LockPlan.atEnd(tail + ending(lock.waiting()), notes);
        }
        long seconds = seconds(limit, profile, notes);
        return flavour == MysqlFlavour.MARIADB
                ? LockPlan.atEnd(tail + " WAIT " + seconds, notes)
                : new LockPlan("", tail, limitWaiting(seconds, profile), Message.each(PUT_BACK), notes);
    }

    /**
     * A read-only transaction takes no lock of strength UPDATE, and a server that is read-only neither: they answer 1792 and
     * 1290. Both let rows be shared.
     */
    private static void checkMayLock(RowLock lock, Wish inForce, Profile profile) {
        boolean shared = lock.strength() == Strength.SHARE || lock.strength() == Strength.KEY_SHARE;
        boolean replica = inForce.target() == Target.REPLICA;
        if (!shared && (replica || isReadOnly(inForce, profile))) {
            throw refusal(
                    "Row lock " + lock + " is not to be had in a "
                            + (replica ? "transaction on a replica of " : "read-only transaction of ")
                            + profile.server()
                            + ": lock in a read-write transaction on the primary, or lock for SHARE",
                    inForce);
        }
    }

    private static boolean isReadOnly(Wish inForce, Profile profile) {
        Access access = inForce.options().access();
        return access == Access.READ_ONLY
                || (access != Access.READ_WRITE && MysqlProfiles.isReadOnlyByDefault(profile));
    }

    private static void checkIsThere(RowLock lock, Wish inForce, Profile profile) {
        boolean shared = lock.strength() == Strength.SHARE || lock.strength() == Strength.KEY_SHARE;
        if (shared && !profile.has(Feature.LOCK_SHARE)) {
            throw refusal(
                    "Row lock " + lock + " is not kept by " + profile.server() + ": lock for UPDATE, which is",
                    inForce);
        }
        if (!profile.has(feature(lock.waiting()))) {
            throw refusal(
                    "Row lock " + lock + " is not kept by " + profile.server()
                            + ": ask for a lock that waits, and for a statementTimeout",
                    inForce);
        }
        if (!lock.tables().isEmpty() && !profile.has(Feature.LOCK_OF)) {
            throw refusal(
                    "Row lock " + lock + " is not kept by " + profile.server()
                            + ": lock all tables of the select, or select from one table alone",
                    inForce);
        }
    }

    /**
     * MariaDB has no OF: all tables are locked instead. Only where rows are skipped that cannot be done, for there the other
     * tables' locks would decide which rows are left out.
     */
    private static String tables(RowLock lock, Wish inForce, Profile profile, List<String> notes) {
        if (lock.tables().isEmpty()) {
            return "";
        }
        if (MysqlFlavour.of(profile) != MysqlFlavour.MARIADB) {
            return " OF " + String.join(", ", lock.tables());
        }
        if (lock.waiting() == Waiting.SKIP_LOCKED) {
            throw refusal(
                    "Row lock " + lock + " is not kept by " + profile.server()
                            + ", which locks all tables of a select or none, so that rows would be left out whose own"
                            + " table is free: select from one table alone, and read the others afterwards",
                    inForce);
        }
        notes.add("OF " + String.join(", ", lock.tables()) + " is not known to " + profile.server()
                + ": the rows of the other tables of the select are locked besides");
        return "";
    }

    private static String clause(Strength given, MysqlFlavour flavour) {
        if (given == Strength.UPDATE) {
            return "FOR UPDATE";
        }
        return flavour == MysqlFlavour.MARIADB ? "LOCK IN SHARE MODE" : "FOR SHARE";
    }

    private static String ending(Waiting waiting) {
        return switch (waiting) {
            case NO_WAIT -> " NOWAIT";
            case SKIP_LOCKED -> " SKIP LOCKED";
            case BLOCK, AT_MOST -> "";
        };
    }

    private static Feature feature(Waiting waiting) {
        return switch (waiting) {
            case BLOCK -> Feature.LOCK_UPDATE;
            case NO_WAIT -> Feature.LOCK_NO_WAIT;
            case SKIP_LOCKED -> Feature.LOCK_SKIP_LOCKED;
            case AT_MOST -> Feature.LOCK_WAIT_AT_MOST;
        };
    }

    /** Both servers count in whole seconds. */
    private static long seconds(Duration limit, Profile profile, List<String> notes) {
        long seconds = MysqlSettings.wholeSeconds(limit);
        if (MysqlSettings.isRoundedUp(limit)) {
            notes.add("waitAtMost " + limit + " is given as " + seconds + " s: " + profile.server()
                    + " counts in whole seconds");
        }
        return seconds;
    }

    /** What was in force before may be the option, the session's own setting, or the user's: it is read, not guessed. */
    private static Message limitWaiting(long seconds, Profile profile) {
        boolean together = MysqlPlans.travel(profile.identity()) == Travel.ONE_STRING;
        return new Message(
                together ? Travel.ONE_STRING : Travel.EACH, // the rows of a batch cannot be read
                List.of(
                        Step.query("SELECT @@innodb_lock_wait_timeout", WAS),
                        Step.sql("SET innodb_lock_wait_timeout = " + seconds)));
    }

    private static TxUnsupportedException refusal(String text, Wish inForce) {
        return new TxUnsupportedException(text, inForce.options().label());
    }
}
