package dev.holdfast.tx.sqlite;

import dev.holdfast.tx.BeginMode;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.spi.LockPlan;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Wish;
import java.util.List;

/**
 * Row locks. SQLite has none: a transaction that holds the write lock of the database has locked every row against every
 * other writer, and one that does not hold it cannot lock any.
 */
final class SqliteLocks {
    private SqliteLocks() {}

    static LockPlan lock(RowLock lock, Wish inForce, Profile profile) {
        if (lock.waiting() == RowLock.Waiting.SKIP_LOCKED) {
            throw SqlitePlans.refused(
                    inForce.options(),
                    profile,
                    "SKIP LOCKED, because there are no locks on rows that could be skipped",
                    "take the next row with an UPDATE ... RETURNING, which no other writer can come between");
        }
        if (SqlitePlans.mode(inForce.options(), profile) == BeginMode.DEFERRED) {
            throw SqlitePlans.refused(
                    inForce.options(),
                    profile,
                    "the row lock " + lock + " in a transaction that does not hold the write lock from its start",
                    "begin a READ_WRITE transaction, with begin mode IMMEDIATE or none");
        }
        return LockPlan.atEnd(
                "",
                List.of(lock + " is given by the write lock that the transaction holds: on every row of every table,"
                        + " with nothing left to wait for"));
    }
}
