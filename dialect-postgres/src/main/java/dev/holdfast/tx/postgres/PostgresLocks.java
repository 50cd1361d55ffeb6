package dev.holdfast.tx.postgres;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.RowLock.Strength;
import dev.holdfast.tx.RowLock.Waiting;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.LockPlan;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.Wish;
import dev.holdfast.tx.spi.Wish.Target;
import java.time.Duration;
import java.util.List;

/**
 * Row locks: {@code FOR … [OF …] [NOWAIT | SKIP LOCKED]} at the end of the select (PostgreSQL manual, SELECT, The Locking
 * Clause).
 */
final class PostgresLocks {
    private static final String WAS = "lock_timeout_was";

    private PostgresLocks() {}

    static LockPlan plan(RowLock lock, Wish inForce, Profile profile) {
        checkMayLock(lock, inForce, profile);
        checkWaiting(lock, inForce, profile);
        Strength given = given(lock.strength(), inForce, profile);
        String tables = lock.tables().isEmpty() ? "" : " OF " + String.join(", ", lock.tables());
        List<String> notes = given == lock.strength()
                ? List.of()
                : List.of(lock.strength() + " is given as " + given + ", the weakest lock that " + profile.server()
                        + " has for it");
        Duration limit = lock.limit();
        return new LockPlan(
                "",
                clause(given) + tables + ending(lock.waiting()),
                limit == null ? Message.nothing() : limitWaiting(limit),
                limit == null ? Message.nothing() : putBack(),
                notes);
    }

    /** A read-only transaction may take no row lock at all: the server answers 25006. */
    private static void checkMayLock(RowLock lock, Wish inForce, Profile profile) {
        boolean standby = PostgresProfiles.isStandby(profile) || inForce.target() == Target.REPLICA;
        if (standby || inForce.options().access() == Access.READ_ONLY) {
            throw refusal(
                    "Row lock " + lock + " is not to be had in a "
                            + (standby ? "transaction on a standby of " : "read-only transaction of ")
                            + profile.server()
                            + ": lock in a read-write transaction on the primary, or read without a lock",
                    inForce);
        }
    }

    /** YugabyteDB manual, Concurrency control, Row-level explicit locking clauses: what holds at some levels only. */
    private static void checkWaiting(RowLock lock, Wish inForce, Profile profile) {
        Feature needed = feature(lock.waiting());
        boolean ignored = PostgresFlavour.of(profile) == PostgresFlavour.YUGABYTEDB
                && switch (lock.waiting()) {
                    case NO_WAIT -> isolation(inForce, profile).compareTo(Isolation.READ_COMMITTED) > 0;
                    case SKIP_LOCKED -> isolation(inForce, profile) == Isolation.SERIALIZABLE;
                    case BLOCK, AT_MOST -> false;
                };
        if (ignored) {
            throw refusal(
                    "Row lock " + lock + " is not kept by " + profile.server() + " at " + isolation(inForce, profile)
                            + ": ask for isolation=READ_COMMITTED, or for a lock that waits",
                    inForce);
        }
        if (!profile.has(needed)) {
            throw refusal(
                    "Row lock " + lock + " is not kept by " + profile.server()
                            + ": ask for a lock that waits, and for a statementTimeout",
                    inForce);
        }
    }

    /**
     * CockroachDB takes NO KEY UPDATE for UPDATE and KEY SHARE for SHARE (CockroachDB manual, SELECT FOR UPDATE), and does not
     * lock for SHARE under SERIALIZABLE unless told to by {@code enable_shared_locking_for_serializable}.
     */
    private static Strength given(Strength asked, Wish inForce, Profile profile) {
        if (PostgresFlavour.of(profile) != PostgresFlavour.COCKROACHDB) {
            return asked;
        }
        return switch (asked) {
            case UPDATE, NO_KEY_UPDATE -> Strength.UPDATE;
            case SHARE, KEY_SHARE ->
                isolation(inForce, profile) == Isolation.SERIALIZABLE ? Strength.UPDATE : Strength.SHARE;
        };
    }

    private static Isolation isolation(Wish inForce, Profile profile) {
        Isolation asked = inForce.options().isolation();
        return asked == null ? profile.defaultIsolation() : asked;
    }

    private static String clause(Strength strength) {
        return switch (strength) {
            case UPDATE -> "FOR UPDATE";
            case NO_KEY_UPDATE -> "FOR NO KEY UPDATE";
            case SHARE -> "FOR SHARE";
            case KEY_SHARE -> "FOR KEY SHARE";
        };
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

    private static Message limitWaiting(Duration limit) {
        return Message.oneString(
                Step.query("SELECT current_setting('lock_timeout')", WAS), PostgresSettings.lockTimeout(limit));
    }

    /** What was in force before may be the option, the session's own setting, or the user's: it is read, not guessed. */
    private static Message putBack() {
        return Message.each(new Step.Sql("SET LOCAL lock_timeout = '{" + WAS + "}'", List.of(), List.of(WAS)));
    }

    private static TxUnsupportedException refusal(String text, Wish inForce) {
        return new TxUnsupportedException(text, inForce.options().label());
    }
}
