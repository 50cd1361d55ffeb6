package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Sql.ints;
import static dev.holdfast.tx.testkit.Sql.update;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import java.util.List;
import java.util.Locale;

/**
 * Counts reads that miss the write that was made just before them, by the same caller.
 *
 * @param reading how they read, in a word
 * @param tries how many writes there were, each followed by a read
 * @param stale how many reads saw an older value
 * @param nanos that all the reads took together
 */
public record StaleReads(String reading, int tries, int stale, long nanos) {
    /**
     * Writes and reads.
     *
     * @param name of how it reads
     * @param table with one row, of which {@code v} is not negative and counts up
     */
    public static StaleReads count(String name, Transactor db, String table, TxOptions reading, int tries) {
        int stale = 0;
        long nanos = 0;
        for (int i = 1; i <= tries; i++) {
            db.execute(tx -> update(tx, "update " + table + " set v = v + 1"));
            List<Integer> now = db.transact(tx -> ints(tx, "select v from " + table));
            long start = System.nanoTime();
            List<Integer> seen = db.transact(reading, tx -> ints(tx, "select v from " + table));
            nanos += System.nanoTime() - start;
            if (!seen.equals(now)) {
                stale++;
            }
        }
        return new StaleReads(name, tries, stale, nanos);
    }

    /** Reads in a second. */
    public double perSecond() {
        return tries * 1e9 / Math.max(1, nanos);
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "%s: %d tries, %d stale, %.0f reads/s", reading, tries, stale, perSecond());
    }
}
