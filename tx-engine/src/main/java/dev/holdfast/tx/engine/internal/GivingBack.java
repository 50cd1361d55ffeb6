package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.spi.DriverState;
import java.sql.SQLException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Parts a transaction from its connection: gives it back if it is fit for the next one, or throws it away. */
final class GivingBack {
    private GivingBack() {}

    /**
     * Gives the connection back, or throws it away if it is not as it was found, or of no use.
     *
     * @param first what a failure is suppressed in; null if there is nothing
     */
    static void giveBack(Transaction transaction, @Nullable Throwable first) {
        Lease held = transaction.lease();
        try {
            if (held.isInDoubt()) {
                evict(transaction, "what was to be put back could not be read", first);
                return;
            }
            String wrong = WrongServer.behind(transaction, held);
            if (wrong != null) {
                evict(transaction, wrong, first);
                return;
            }
            if (held.isEscaped() && !isAsFound(transaction.prepared.server(), held)) {
                evict(transaction, "the driver's connection was unwrapped, and cannot be shown to be as it was", null);
                return;
            }
            held.giveBack();
            transaction.left();
        } catch (SQLException | RuntimeException | Error e) { // what was decided stands, whatever fails now
            if (first != null) {
                Thrown.suppress(first, e);
            }
            evict(transaction, "its settings could not be put back", e);
        }
    }

    private static boolean isAsFound(Server server, Lease held) throws SQLException {
        return server.dialect.port().state(held.connection) == DriverState.IDLE && server.isAsFound(held.connection);
    }

    /** Throws the connection away. */
    static void evict(Transaction transaction, String why, @Nullable Throwable cause) {
        evict(transaction, why, cause, Lease::evict);
    }

    /** As {@link #evict}, in a way of the caller's. */
    static void evict(Transaction transaction, String why, @Nullable Throwable cause, Consumer<Lease> away) {
        Lease held = transaction.lease();
        transaction.left();
        away.accept(held);
        transaction.tell(() -> new TxEvent.Evicted(
                transaction.id(), transaction.prepared.options().label(), why, cause));
    }
}
