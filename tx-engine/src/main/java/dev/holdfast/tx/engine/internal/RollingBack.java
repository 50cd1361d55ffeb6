package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.engine.internal.Condition.State;
import dev.holdfast.tx.spi.CommitMessage;
import dev.holdfast.tx.spi.CommitMessage.Fence;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Phase;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/** Rolls a transaction back. */
final class RollingBack {
    private RollingBack() {}

    /**
     * Finds out whether what is about to be rolled back is still the transaction that was begun, where a statement may
     * have ended that and the commit message would tell: by all that comes before COMMIT.
     */
    static void fence(Transaction transaction) {
        CommitMessage commit = transaction.prepared.plan().commit();
        if (!transaction.unseenEnd.isInDoubt()
                || commit.fence() != Fence.IN_MESSAGE
                || commit.commitStep() == 0
                || !transaction.condition.is(State.ACTIVE)) {
            return;
        }
        Message message = commit.message();
        transaction.boundAnswers();
        try {
            transaction
                    .lease()
                    .perform(new Message(message.travel(), message.steps().subList(0, commit.commitStep())));
        } catch (SQLException e) {
            Failure failure = Classifying.classify(
                    transaction,
                    e,
                    Moment.of(Phase.COMMIT, transaction.prepared.wish()).driverState(transaction.driverState()));
            if (failure.kind() == FailureKind.TX_STATE) {
                transaction.unseenEnd.by(UnseenEnd.SOMETHING);
            }
        } catch (RuntimeException | Error e) { // the rollback will meet it, too
            transaction.condition.goneBy(e, State.LOST);
        }
    }

    /**
     * Rolls back, and gives the connection back or throws it away.
     *
     * @param first what a failure of the rollback is suppressed in; null if there is nothing
     */
    static void rollBack(Transaction transaction, @Nullable Throwable first) {
        transaction.ends();
        if (!transaction.isLeased()) {
            transaction.condition.over();
            return;
        }
        if (transaction.condition.is(State.LOST)) {
            GivingBack.evict(transaction, "the connection was lost", transaction.condition.gone());
            return;
        }
        transaction.boundAnswers();
        Lease lease = transaction.lease();
        try {
            lease.perform(transaction.prepared.plan().abort());
        } catch (SQLException | RuntimeException | Error e) {
            if (first != null) {
                Thrown.suppress(first, e);
            }
            GivingBack.evict(transaction, "the rollback failed", e);
            return;
        }
        Markers markers = transaction.prepared.markers();
        if (markers != null) {
            markers.rolledBack(lease.slots());
        }
        GivingBack.giveBack(transaction, first);
    }
}
