package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.TxTimeoutException.Limit;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.MarkerTable;
import dev.holdfast.tx.spi.Message;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The rows by which lost commits of one server are settled: gives each transaction an id, and has the rows deleted that nobody
 * needs any more. There are about as many of those as there were transactions at a time.
 */
final class Markers {
    /** To have the last rows deleted; who closes an engine does not wait for long. */
    private static final Duration CLOSING = Duration.ofSeconds(2);

    private final MarkerTable table;
    /** Of transactions whose end is known. */
    private final Queue<String> settled = new ConcurrentLinkedQueue<>();
    /** Whether the table was found. */
    private volatile boolean there;

    Markers(MarkerTable table) {
        this.table = table;
    }

    /**
     * What the plan of a transaction that is about to begin uses. An old row is taken now, before anything was read: a
     * transaction with a snapshot cannot delete what came later.
     */
    Map<String, String> next() {
        Map<String, String> slots = new HashMap<>();
        slots.put(MarkerTable.ID, UUID.randomUUID().toString().replace("-", ""));
        String old = settled.poll();
        if (old != null) {
            slots.put(MarkerTable.SETTLED, old);
        }
        return slots;
    }

    /** Looks for the table, once: the body is to fail before it has done anything, not at its COMMIT. */
    void requireTable(Lease lease) throws SQLException {
        if (!there) {
            lease.perform(table.check());
            there = true;
        }
    }

    /** What the caller is told of an error while the table was looked for; what does not come from that stays as it is. */
    SQLException told(Failure failure, Prepared prepared) {
        boolean missing = failure.kind() == FailureKind.SYNTAX
                || failure.kind() == FailureKind.PERMISSION
                || failure.kind() == FailureKind.READ_ONLY
                || failure.kind() == FailureKind.OTHER;
        if (there || !missing) {
            return failure.error();
        }
        TxUnsupportedException unsupported = new TxUnsupportedException(
                "verifiable needs the table " + table.name() + " on " + prepared.server().profile
                        + ", and it cannot be written (" + failure.error().getMessage() + "). Make it once, with: "
                        + table.ddl(),
                prepared.options().label());
        unsupported.addSuppressed(failure.error());
        return Refused.of(unsupported);
    }

    /** It is known how the transaction ended, and that its row is not needed any more. */
    void committed(Map<String, String> slots) {
        String id = slots.get(MarkerTable.ID);
        if (id != null) {
            settled.add(id);
        }
    }

    /** The transaction was rolled back, and has deleted nothing. */
    void rolledBack(Map<String, String> slots) {
        String old = slots.get(MarkerTable.SETTLED);
        if (old != null) {
            settled.add(old);
        }
    }

    /** Deletes what is left. What fails is logged: the rows take up a little room, and do no harm. */
    void close(Engine engine, Source source) {
        if (settled.isEmpty()) {
            return;
        }
        Deadline bound = Deadline.after(engine.now(), Limit.ACQUIRE, CLOSING);
        @Nullable Lease lease = null;
        try {
            lease = new Lease(source, source.acquire(bound));
            lease.autocommit();
            for (String old = settled.poll(); old != null && !bound.hasPassed(engine.now()); old = settled.poll()) {
                lease.useSlots(Map.of(MarkerTable.SETTLED, old));
                lease.perform(Message.each(table.forget()));
            }
            lease.giveBack();
        } catch (SQLException | TimeoutException | RuntimeException e) {
            Log.LOGGER.log(System.Logger.Level.DEBUG, "Old rows of " + table.name() + " were not deleted", e);
            if (lease != null) {
                lease.evict();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
