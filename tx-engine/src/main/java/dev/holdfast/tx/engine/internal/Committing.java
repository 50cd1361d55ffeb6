package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.CommitFate;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.Outcome.Reason;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.engine.internal.Lease.Reached;
import dev.holdfast.tx.spi.CommitMessage.Fence;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Positions;
import java.sql.SQLException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Commits a transaction, and tells from the answer, or from its absence, what became of it. */
final class Committing {
    private Committing() {}

    /** Commits, and gives the connection back or throws it away. */
    static Outcome commit(Transaction transaction) {
        transaction.ends();
        if (!transaction.isLeased()) {
            return Transaction.COMMITTED; // nothing was ever sent
        }
        if (transaction.prepared.plan().commit().fence() == Fence.DRIVER_STATE) {
            Outcome fenced = fence(transaction);
            if (fenced != null) {
                return fenced;
            }
        }
        transaction.boundAnswers();
        Lease.CommitAnswer answer =
                transaction.lease().commit(transaction.prepared.plan().commit());
        Throwable error = answer.error();
        Markers markers = transaction.prepared.markers();
        if (markers != null && (error == null || answer.reached() == Reached.ANSWERED)) {
            markers.committed(transaction.lease().slots());
        }
        if (error == null) {
            committed(transaction, transaction.lease().slots().get(Positions.POSITION));
            GivingBack.giveBack(transaction, null);
            return Transaction.COMMITTED;
        }
        if (answer.reached() == Reached.ANSWERED) {
            committed(transaction, null);
            GivingBack.evict(transaction, "what follows COMMIT failed", error);
            return Transaction.COMMITTED;
        }
        if (answer.reached() == Reached.WITHDRAWN) {
            RollingBack.rollBack(transaction, error);
            return new Outcome.RolledBack(Reason.COMMIT_REFUSED, error);
        }
        return refused(transaction, error, answer.reached());
    }

    /** It is committed, or may be: who reads elsewhere must have seen it. */
    private static void committed(Transaction transaction, @Nullable String position) {
        if (transaction.prepared.mayWrite()) {
            transaction.engine.committed(position);
        }
    }

    private static Outcome.RolledBack rolledBackInstead(Transaction transaction, Throwable error) {
        Throwable first = transaction.stoppedBy();
        RollingBack.rollBack(transaction, error);
        return new Outcome.RolledBack(Reason.COMMIT_REFUSED, first == null ? error : first);
    }

    /** Asks the driver whether what is about to be committed is still there; null if it is. */
    private static @Nullable Outcome fence(Transaction transaction) {
        DriverState driver = transaction.driverState();
        if (driver == DriverState.FAILED) {
            Throwable first = transaction.stoppedBy();
            Outcome.RolledBack outcome = new Outcome.RolledBack(
                    Reason.ENDED_BY_SERVER,
                    first != null ? first : new TxStateException("the driver reports a failed transaction"));
            RollingBack.rollBack(transaction, null);
            return outcome;
        }
        if (driver == DriverState.IDLE && transaction.isAnswered()) {
            return unseen(transaction, Errors.endedUnseen("a COMMIT or ROLLBACK inside a statement text"));
        }
        return null;
    }

    /** What has ended without us may have been committed, in part or as a whole. */
    static Outcome unseen(Transaction transaction, TxStateException ended) {
        transaction.ends();
        committed(transaction, null);
        GivingBack.evict(transaction, "the transaction was ended behind our back", ended);
        return new Outcome.Unknown(ended);
    }

    private static Outcome refused(Transaction transaction, Throwable error, Reached reached) {
        DriverState driver = transaction.driverState();
        Failure failure = error instanceof SQLException sql
                ? Classifying.classify(
                        transaction,
                        sql,
                        Moment.of(Phase.COMMIT, transaction.prepared.wish()).driverState(driver))
                : null;
        if (failure != null
                && failure.kind() == FailureKind.TX_STATE
                && failure.atCommit() == CommitFate.UNKNOWN // or it is COMMIT that says so
                && transaction.prepared.plan().commit().fence() == Fence.IN_MESSAGE) {
            return unseen(transaction, Errors.endedUnseen(UnseenEnd.SOMETHING, error));
        }
        CommitFate fate = failure == null ? CommitFate.UNKNOWN : failure.atCommit();
        Fence fence = transaction.prepared.plan().commit().fence();
        boolean unsent = reached == Reached.NOTHING_SENT
                || (reached == Reached.NOT_SENT && fence != Fence.IN_MESSAGE); // a fence may have found it committed
        if (driver == DriverState.IDLE && transaction.isAnswered()) {
            unsent = false; // it has ended before
        }
        return switch (unsent ? CommitFate.ROLLED_BACK : fate) {
            case ROLLED_BACK, STILL_OPEN -> rolledBackInstead(transaction, error);
            case COMMITTED -> {
                committed(transaction, null);
                GivingBack.evict(transaction, "COMMIT was done and answered with an error", error);
                yield Transaction.COMMITTED;
            }
            case UNKNOWN -> {
                if (transaction.couldWriteNothing()) {
                    GivingBack.evict(transaction, "the answer to COMMIT was lost", error);
                    yield new Outcome.RolledBack(Reason.COMMIT_REFUSED, error);
                }
                Map<String, String> slots = transaction.lease().slots();
                GivingBack.evict(transaction, "the outcome of COMMIT is unknown", error);
                try {
                    yield Settling.settle(transaction, slots, error);
                } finally {
                    committed(transaction, null); // not before: it may have been carried out meanwhile
                }
            }
        };
    }
}
