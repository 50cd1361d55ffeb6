package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxTimeoutException.Limit;
import dev.holdfast.tx.engine.internal.Condition.State;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Moment.Phase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Takes the connection of a transaction, and begins the transaction there. */
final class Beginning {
    private Beginning() {}

    /**
     * Begins, on a replica or where else it is to run.
     *
     * @param scopeDeadline by which the scope that asks must be done; null for no limit
     * @throws SQLException if it could not be begun: no connection is held then
     */
    static void begin(Transaction transaction, @Nullable Deadline scopeDeadline) throws SQLException {
        long asked = transaction.engine.isHeard() ? transaction.engine.now() : 0;
        if (!transaction.prepared.routed() || !beginsOnReplica(transaction, scopeDeadline, asked)) {
            beginHere(transaction, scopeDeadline, asked);
        }
    }

    /**
     * Has it begun elsewhere, if it is because its replica is gone that its first statement failed.
     *
     * @throws SQLException if it could not be begun
     */
    static boolean beginsElsewhere(Transaction transaction, SQLException error, @Nullable Deadline scopeDeadline)
            throws SQLException {
        if (transaction.isAnswered() || transaction.isAbandoned() || !transaction.condition.is(State.ACTIVE)) {
            return false;
        }
        Deadline end = transaction.lease().answerTime().end();
        if ((end != null && end.hasPassed(transaction.engine.now()))
                || !transaction.route().isLost(error)) {
            return false;
        }
        transaction.leaveReplica(error);
        try {
            begin(transaction, scopeDeadline);
            transaction.lease().answersUntil(end);
        } catch (SQLException e) {
            Thrown.suppress(e, error);
            throw e;
        }
        return true;
    }

    /** Begins on a replica; false if none took it, and it is to begin on the primary. */
    private static boolean beginsOnReplica(Transaction transaction, @Nullable Deadline scopeDeadline, long asked)
            throws SQLException {
        Route route = transaction.route();
        Lease begun = route.begin(Acquiring.deadline(transaction, scopeDeadline));
        if (begun == null) {
            route.tell();
            return false;
        }
        transaction.leased(begun); // before anybody is told, who may want a connection, too
        route.tell();
        transaction.condition.opening();
        transaction.condition.opened();
        if (!transaction.wasOnReplica()) {
            transaction.begunOnReplica(scopeDeadline);
            tellBegun(transaction, Duration.ofNanos(transaction.engine.now() - asked));
        }
        return true;
    }

    private static void beginHere(Transaction transaction, @Nullable Deadline scopeDeadline, long asked)
            throws SQLException {
        Engine engine = transaction.engine;
        Connection connection = Acquiring.connection(transaction, scopeDeadline);
        long had = engine.isHeard() ? engine.now() : 0;
        Prepared prepared = transaction.prepared;
        Lease lease = new Lease(
                prepared.server().source, connection, prepared.server().dialect.port());
        transaction.leased(lease);
        transaction.condition.opening();
        send(transaction, prepared, lease, scopeDeadline);
        if (engine.isHeard() && !transaction.wasOnReplica()) {
            tellBegun(transaction, Duration.ofNanos(had - asked));
        }
    }

    private static void send(Transaction transaction, Prepared prepared, Lease lease, @Nullable Deadline scopeDeadline)
            throws SQLException {
        Markers markers = prepared.markers();
        if (markers != null) {
            lease.useSlots(markers.next());
        }
        prepared.showLabel(lease);
        Execution execution = null;
        try {
            if (prepared.routed()) {
                transaction.route().requireSeen(lease, scopeDeadline);
            }
            Deadline end = Deadline.sooner(transaction.deadline, scopeDeadline);
            if (end != null) {
                lease.answerTime().until(end);
            }
            execution = executing(prepared, transaction.engine, lease, scopeDeadline);
            lease.perform(prepared.plan().begin());
            if (execution != null) {
                execution.over();
            }
            if (markers != null) {
                markers.requireTable(lease);
            }
            transaction.condition.opened();
        } catch (SQLException | RuntimeException | Error e) {
            SQLException told = failed(transaction, prepared, e, execution);
            if (told != null) {
                throw told;
            }
            throw e;
        }
    }

    /** Where there is one writer, BEGIN waits for the one before; elsewhere it waits for nobody. */
    private static @Nullable Execution executing(
            Prepared prepared, Engine engine, Lease lease, @Nullable Deadline scopeDeadline) throws SQLException {
        if (!prepared.server().profile.has(Feature.SINGLE_WRITER)) {
            return null;
        }
        Duration limit = prepared.options().statementTimeout();
        Deadline statementEnd = limit == null ? null : Deadline.after(engine.now(), Limit.STATEMENT, limit);
        Deadline end = Deadline.sooner(statementEnd, scopeDeadline);
        Caller caller = Current.caller();
        return end == null && caller == null
                ? null
                : Execution.of(lease.statement(), prepared.server().dialect.port(), end, null, caller);
    }

    /** Aborts what may have been begun; answers what the caller is told, null if that is the error itself. */
    private static @Nullable SQLException failed(
            Transaction transaction, Prepared prepared, Throwable error, @Nullable Execution execution)
            throws SQLException {
        try {
            if (execution != null) {
                execution.over();
            }
            Failure failure = Classifying.failed(transaction, error, Phase.BEGIN, execution, null, State.ENDED);
            Deadline expired = execution == null ? null : execution.expired(failure);
            if (expired != null) {
                return expired.expiredInJdbc(
                        "Beginning a transaction on " + prepared.server().profile,
                        prepared.options().label(),
                        failure);
            }
            Markers markers = prepared.markers();
            return markers == null ? null : markers.told(failure, prepared);
        } finally {
            RollingBack.rollBack(transaction, error);
        }
    }

    private static void tellBegun(Transaction transaction, Duration acquiring) {
        TxOptions options = transaction.prepared.options();
        transaction.tell(() -> new TxEvent.Begun(
                transaction.id(),
                options.label(),
                options,
                transaction.attempt,
                acquiring,
                transaction.prepared.plan().notes()));
    }
}
