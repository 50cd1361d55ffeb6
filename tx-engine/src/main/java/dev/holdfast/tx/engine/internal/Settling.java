package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.Outcome.Reason;
import dev.holdfast.tx.TxTimeoutException.Limit;
import dev.holdfast.tx.spi.Settlement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Finds out what became of a transaction whose COMMIT was not answered, where it was asked to be verifiable. */
final class Settling {
    /** Past this, it stays unknown: the caller waits. */
    private static final Duration BOUND = Duration.ofSeconds(10);

    private static final Duration PAUSE = Duration.ofMillis(50);

    private Settling() {}

    /**
     * Asks on fresh connections until the server knows, or the time is up.
     *
     * @param slots what the lost transaction had read
     * @param lost how the answer was lost
     */
    static Outcome settle(Transaction transaction, Map<String, String> slots, Throwable lost) {
        Server server = transaction.prepared.server();
        Optional<Settlement> settlement = server.dialect.settlement(server.profile);
        if (!transaction.prepared.options().isVerifiable() || settlement.isEmpty()) {
            return new Outcome.Unknown(lost);
        }
        Engine engine = transaction.engine;
        Deadline bound = Deadline.after(engine.now(), Limit.ACQUIRE, BOUND);
        while (!bound.hasPassed(engine.now())) {
            String answer = ask(server, settlement.get(), slots, bound, lost);
            if ("committed".equals(answer)) {
                return new Outcome.Committed();
            }
            if ("aborted".equals(answer)) {
                return new Outcome.RolledBack(Reason.COMMIT_REFUSED, lost);
            }
            if (answer != null && !"in progress".equals(answer)) {
                break;
            }
            try {
                engine.pause(PAUSE);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                break;
            }
        }
        return new Outcome.Unknown(lost);
    }

    /** One question; null if it could not be asked. */
    private static @Nullable String ask(
            Server server, Settlement settlement, Map<String, String> slots, Deadline bound, Throwable lost) {
        Lease lease = null;
        try {
            lease = new Lease(server.source, server.source.acquire(bound));
            lease.autocommit();
            lease.useSlots(slots);
            lease.perform(settlement.question());
            lease.giveBack();
            return lease.slots().getOrDefault(Settlement.OUTCOME, "unknown");
        } catch (SQLException | TimeoutException | RuntimeException | Error e) {
            Thrown.suppress(lost, e);
            if (lease != null) {
                lease.evict();
            }
            return null;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "unknown";
        }
    }
}
