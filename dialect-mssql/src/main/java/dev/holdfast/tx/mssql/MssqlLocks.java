package dev.holdfast.tx.mssql;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.RowLock.Strength;
import dev.holdfast.tx.RowLock.Waiting;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.LockPlan;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Wish;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Row locks: hints behind each table that is locked (T-SQL reference, Table Hints).
 *
 * <p>Every strength is given by UPDLOCK. The shared lock that HOLDLOCK takes is compatible with it (SQL Server documentation,
 * Lock compatibility), so a row locked for update could be locked for share as well, and a row locked for share could be
 * locked for update: neither lock would be what {@link RowLock} says.
 */
final class MssqlLocks {
    /** The slot for the lock timeout as it was before a lock that limits its waiting. */
    static final String WAS = "lock_wait_was";

    private MssqlLocks() {}

    static LockPlan plan(RowLock lock, Wish inForce, Profile profile) {
        Isolation isolation = inForce.options().isolation() == null
                ? profile.defaultIsolation()
                : inForce.options().isolation();
        check(lock, isolation, inForce, profile);
        Duration limit = lock.limit();
        return new LockPlan(
                "WITH (" + String.join(", ", hints(lock.waiting(), isolation, profile)) + ")",
                "",
                limit == null ? Message.nothing() : limitWaiting(MssqlSettings.lockTimeout(WAS, limit)),
                limit == null ? Message.nothing() : Message.each(MssqlSettings.putLockTimeoutBack(WAS)),
                notes(lock, profile));
    }

    private static void check(RowLock lock, Isolation isolation, Wish inForce, Profile profile) {
        if (!profile.has(Feature.LOCK_UPDATE)) {
            throw refusal(
                    "Row lock " + lock + " is not to be had on " + profile.server()
                            + " through a data source that can only read: lock on the primary, or read without a lock",
                    inForce);
        }
        boolean skipsAt = isolation == Isolation.READ_COMMITTED
                || isolation == Isolation.REPEATABLE_READ
                || isolation == Isolation.SNAPSHOT;
        if (lock.waiting() == Waiting.SKIP_LOCKED && !skipsAt) {
            throw refusal(
                    "Row lock " + lock + " is not to be had at " + isolation + " on " + profile.server()
                            + ": ask for READ_COMMITTED or REPEATABLE_READ, or for a lock that waits",
                    inForce);
        }
    }

    /** Where READ COMMITTED reads row versions, READCOMMITTEDLOCK has it read what is locked; READPAST needs it there. */
    private static List<String> hints(Waiting waiting, Isolation isolation, Profile profile) {
        List<String> hints = new ArrayList<>(List.of("UPDLOCK", "ROWLOCK"));
        if (isolation == Isolation.READ_COMMITTED && MssqlProfiles.readsVersions(profile)) {
            hints.add("READCOMMITTEDLOCK");
        }
        switch (waiting) {
            case NO_WAIT -> hints.add("NOWAIT");
            case SKIP_LOCKED -> hints.add("READPAST");
            case BLOCK, AT_MOST -> {}
        }
        return hints;
    }

    private static List<String> notes(RowLock lock, Profile profile) {
        Strength strength = lock.strength();
        List<String> notes = new ArrayList<>();
        switch (strength) {
            case UPDATE -> {}
            case NO_KEY_UPDATE ->
                notes.add(
                        strength + " is given as UPDATE: " + profile.server() + " has no lock that leaves out the key");
            case SHARE, KEY_SHARE ->
                notes.add(strength + " is given as UPDATE: a shared lock of " + profile.server()
                        + " does not keep out who locks for update");
        }
        notes.add(strength
                + " locks what the select reads: where an index covers it, the keys of that index alone, and not"
                + " the row as others find it");
        if (lock.waiting() == Waiting.SKIP_LOCKED) {
            notes.add("SKIP_LOCKED waits for a lock of the whole table, and many row locks may have become one");
        }
        return notes;
    }

    private static Message limitWaiting(MssqlSettings limit) {
        return new Message(Message.Travel.ONE_STRING, List.of(MssqlSettings.readAll(List.of(limit)), limit.set()));
    }

    private static TxUnsupportedException refusal(String text, Wish inForce) {
        return new TxUnsupportedException(text, inForce.options().label());
    }
}
