package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.TxTimeoutException.Limit;
import dev.holdfast.tx.spi.Replication;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * A server that takes no writes, though the transaction may write: another one may have been promoted. A new connection may reach
 * that one, so the one to the wrong server is not given back.
 */
final class WrongServer {
    private static final String TAKES_NONE = "its server takes no writes";

    private WrongServer() {}

    /** Remembers a failure that may come from such a server; whether it does is asked when the connection is given back. */
    static void suspect(Transaction transaction, Failure failure) {
        if (transaction.isLeased() && mayRefuse(transaction, failure)) {
            transaction.lease().refusedWrite(failure);
        }
    }

    /** A write was refused that the transaction may do: by something in the session, or because the server takes none. */
    private static boolean mayRefuse(Transaction transaction, Failure failure) {
        Prepared prepared = transaction.prepared;
        return failure.kind() == FailureKind.NOT_PRIMARY
                || (failure.kind() == FailureKind.READ_ONLY
                        && prepared.server().replication != null
                        && prepared.wish().options().access() != Access.READ_ONLY_HINT
                        && prepared.mayWrite()
                        && !transaction.savepoints.isReadOnly());
    }

    /**
     * Looks whether the server of a connection is such a one, if it was suspected.
     *
     * @return why the connection is not to be given back; null if it may be
     */
    static @Nullable String behind(Transaction transaction, Lease held) {
        Failure refused = held.refusedWrite();
        return refused == null ? null : behind(transaction, held, refused);
    }

    private static @Nullable String behind(Transaction transaction, Lease held, Failure refused) {
        Server server = transaction.prepared.server();
        Engine engine = transaction.engine;
        Replication replication = server.replication;
        if (refused.kind() == FailureKind.NOT_PRIMARY || replication == null) {
            engine.failures.remember(refused); // as who knew called it
            return TAKES_NONE;
        }
        try {
            Deadline bound = Deadline.after(engine.now(), Limit.ACQUIRE, engine.endWithin);
            Asking.perform(server, held, replication.question(), bound);
            if (!Replication.REPLICA.equals(held.slots().get(Replication.ROLE))) {
                return null;
            }
        } catch (SQLException | RuntimeException e) {
            Thrown.suppress(refused.error(), e);
            return "its server did not tell whether it takes writes";
        }
        engine.failures.remember(Failure.of(refused.error(), FailureKind.NOT_PRIMARY)
                .effect(refused.effect())
                .atCommit(refused.atCommit()));
        return TAKES_NONE;
    }
}
