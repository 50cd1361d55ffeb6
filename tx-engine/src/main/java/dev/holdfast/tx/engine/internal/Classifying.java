package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.engine.internal.Condition.State;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Phase;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/** Finds out what an error is, and what it did to a transaction. */
final class Classifying {
    private Classifying() {}

    /**
     * Looks at an error: what it did to the transaction decides what can still be done with it.
     *
     * @param rowsOf the lock of the statement whose rows were read; null if there is none
     * @param crashed the state after an error that is not the database's
     * @return the error, classified; one that is not the database's is thrown
     */
    static Failure failed(
            Transaction transaction,
            Throwable error,
            Phase phase,
            @Nullable Execution execution,
            @Nullable PlannedLock rowsOf,
            State crashed) {
        Condition condition = transaction.condition;
        UnseenEnd unseenEnd = transaction.unseenEnd;
        if (!(error instanceof SQLException sql)) {
            lookAfterFailed(transaction, FailureEffect.LOST);
            condition.goneBy(error, crashed);
            throw Thrown.as(error);
        }
        PlannedLock lock = execution == null || execution.lock == null ? rowsOf : execution.lock;
        Moment moment = Moment.of(phase, transaction.prepared.wish())
                .driverState(transaction.driverState())
                .lock(lock == null ? null : lock.lock())
                .cancelled(execution == null ? Moment.Cancelled.NOT : execution.cancelled());
        Failure failure = classify(transaction, sql, moment);
        FailureEffect effect = Condition.effect(failure.effect(), phase);
        lookAfterFailed(transaction, effect);
        if (phase == Phase.SAVEPOINT && failure.kind() == FailureKind.TX_STATE && unseenEnd.isCommittedByDefining()) {
            unseenEnd.by("a statement that commits by itself, and its savepoints are gone");
        }
        switch (effect) {
            case NONE -> {}
            case SCOPE -> transaction.savepoints.abortedBy(failure);
            case DOOMED -> condition.goneBy(sql, State.DOOMED);
            case ENDED -> condition.goneBy(sql, State.ENDED);
            case LOST -> {
                condition.goneBy(sql, State.LOST);
                transaction.tellRoute(failure);
            }
            case ASK -> throw new IllegalStateException("Nobody was asked about " + failure);
        }
        return failure;
    }

    private static void lookAfterFailed(Transaction transaction, FailureEffect effect) {
        if (transaction.unseenEnd.isSuspected()) {
            boolean sent = transaction.isAnswered() || effect != FailureEffect.NONE;
            transaction.unseenEnd.lookAfterFailed(
                    effect, transaction::driverState, () -> AskedAfterErrors.state(transaction), sent);
        }
    }

    /** What an error is and did; where it does not tell what it did, those who know are asked. */
    static Failure classify(Transaction transaction, SQLException error, Moment moment) {
        Server server = transaction.prepared.server();
        Failure failure = server.dialect.classify(error, moment, server.profile);
        if (failure.effect() == FailureEffect.ASK) {
            FailureEffect known = Condition.effect(moment.driverState());
            failure = failure.effect(
                    known == FailureEffect.ASK ? AskedAfterErrors.effect(transaction, error, moment.phase()) : known);
        }
        transaction.engine.failures.remember(failure);
        if (failure.effect() == FailureEffect.LOST) {
            server.source.lost();
        }
        WrongServer.suspect(transaction, failure);
        return failure;
    }
}
