package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Completion;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.Outcome.Reason;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxHookException;
import dev.holdfast.tx.TxStateException;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Ends scopes: gathers the facts, has {@link Settle} decide, carries the verdict out, and says what the caller is told. */
final class Ending {
    private Ending() {}

    /**
     * Ends a scope that shares its unit: a failure inside is the failure of the unit.
     *
     * @return what the caller is to be thrown; null for nothing
     */
    static @Nullable Throwable joined(Scope running, Scope scope, @Nullable Throwable thrown) {
        Throwable failure = thrown;
        if (failure == null && scope.deadline != null && scope.deadline.hasPassed(scope.transaction.engine.now())) {
            failure = scope.deadline.expired("The scope on " + scope.server().profile, scope.inForce.label());
        }
        if (!scope.transaction.turn.tryTake()) {
            scope.over = true; // and it stays a child that is open, so that the root is rolled back
            TxStateException kept = keptTurn();
            if (failure == null) {
                return kept;
            }
            Thrown.suppress(failure, kept);
            return failure;
        }
        try {
            if (failure != null) {
                scope.poison(failure);
            }
            scope.endHandle();
            running.childClosed();
        } finally {
            scope.transaction.turn.giveBack();
        }
        return failure;
    }

    static TxStateException keptTurn() {
        return new TxStateException("another thread kept its turn on the connection");
    }

    /**
     * Decides how the unit ends.
     *
     * @param thrown by the body, or by a hook before COMMIT; null if all went well
     */
    static Settle.Verdict decide(Scope scope, @Nullable Throwable thrown, Reason thrownIn) {
        return Settle.decide(facts(scope, thrown, thrownIn));
    }

    /** The hooks that are to be fired before the verdict is carried out, if it is a good one; null if there are none. */
    static @Nullable Hooks hooksBefore(Scope scope, Settle.Verdict verdict) {
        boolean doesWell = verdict instanceof Settle.Verdict.Commit
                || (verdict instanceof Settle.Verdict.RollBackAndReturn forced
                        && forced.outcome().reason() == Reason.FORCED);
        return doesWell && scope.unit.firesHooks() ? scope.unit.hooksOrNull() : null;
    }

    private static Settle.Facts facts(Scope scope, @Nullable Throwable thrown, Reason thrownIn) {
        Throwable openChild = scope.children() == 0
                ? null
                : new TxStateException(scope.children() + " scope(s) that joined it are still open in another thread");
        Throwable expired = scope.deadline == null || !scope.deadline.hasPassed(scope.transaction.engine.now())
                ? null
                : scope.deadline.expired("The transaction on " + scope.server().profile, scope.inForce.label());
        Completion completion = scope.inForce.completion() == null ? Completion.COMMIT : scope.inForce.completion();
        return new Settle.Facts(
                thrown,
                thrownIn,
                scope.unit.isOwnRequest(),
                scope.unit.poison(),
                scope.transaction.stoppedBy(scope.unit),
                openChild,
                expired,
                completion);
    }

    /** Carries the verdict on a root out. */
    static Outcome root(Scope scope, Settle.Verdict verdict) {
        if (!scope.transaction.turn.tryTake()) {
            TxStateException kept = keptTurn();
            scope.over = true;
            scope.transaction.abandonBeside(kept);
            return new Outcome.RolledBack(Reason.CHILD_STILL_OPEN, kept);
        }
        try {
            // Others may have done something to it while the turn was waited for.
            boolean changed = scope.children() > 0
                    || scope.unit.poison() != null
                    || scope.transaction.stoppedBy(scope.unit) != null;
            Settle.Verdict last = verdict instanceof Settle.Verdict.Commit && changed
                    ? Settle.decide(facts(scope, null, Reason.BODY_FAILED))
                    : verdict;
            scope.endHandle();
            if (!(last instanceof Settle.Verdict.Commit)) {
                RollingBack.fence(scope.transaction);
            }
            TxStateException unseen = scope.transaction.unseenEnd.error();
            if (unseen != null) {
                tellUnseen(last, unseen);
                return Committing.unseen(scope.transaction, unseen);
            }
            if (last instanceof Settle.Verdict.Commit) {
                return Committing.commit(scope.transaction);
            }
            Outcome.RolledBack outcome = rolledBack(last);
            RollingBack.rollBack(scope.transaction, outcome.cause());
            return outcome;
        } catch (Throwable unforeseen) {
            scope.transaction.abandon(unforeseen);
            throw unforeseen;
        } finally {
            scope.transaction.turn.giveBack();
        }
    }

    /** What the body threw reaches the caller as it is, and by itself would pass for a rollback. */
    private static void tellUnseen(Settle.Verdict verdict, TxStateException unseen) {
        Throwable thrown = verdict instanceof Settle.Verdict.RollBackAndRethrow rethrowing
                ? rethrowing.outcome().cause()
                : null;
        // The error of a statement that was refused tells it by its cause.
        if (thrown != null && !(thrown.getCause() instanceof TxStateException)) {
            Thrown.suppress(thrown, unseen);
        }
    }

    private static Outcome.RolledBack rolledBack(Settle.Verdict verdict) {
        if (verdict instanceof Settle.Verdict.RollBackAndReturn returning) {
            return returning.outcome();
        }
        if (verdict instanceof Settle.Verdict.RollBackAndRethrow rethrowing) {
            return rethrowing.outcome();
        }
        return ((Settle.Verdict.RollBackAndRefuse) verdict).outcome();
    }

    /** Carries the verdict on a savepoint out; the turn is held by the caller. */
    static Outcome savepoint(Scope scope, Settle.Verdict verdict) {
        scope.endHandle();
        scope.unit.ends();
        Outcome outcome = Transaction.COMMITTED;
        try {
            if (verdict instanceof Settle.Verdict.Commit) {
                scope.transaction.savepoints.release();
            } else {
                outcome = rolledBack(verdict);
                scope.transaction.savepoints.undo();
            }
        } catch (SQLException | RuntimeException | Error e) {
            if (outcome instanceof Outcome.RolledBack undone && undone.cause() != null) {
                Thrown.suppress(undone.cause(), e);
            } else {
                outcome = new Outcome.RolledBack(Reason.ENDED_BY_SERVER, e);
            }
        }
        TxStateException unseen = scope.transaction.unseenEnd.error();
        if (unseen != null) {
            outcome = new Outcome.Unknown(unseen);
        }
        scope.transaction.savepoints.pop();
        Hooks hooks = scope.unit.hooksOrNull();
        if (hooks != null && scope.unit.parent != null && !scope.unit.firesHooks()) {
            if (outcome instanceof Outcome.RolledBack undone) {
                scope.unit.parent.hooks().adopt(hooks, undone);
            } else {
                scope.unit.parent.hooks().adopt(hooks);
            }
        }
        return outcome;
    }

    /** The hooks after the end of what fires its own; null if there are none. */
    static @Nullable HookRound hooksAfter(Scope scope, Outcome outcome) {
        Hooks hooks = scope.unit.hooksOrNull();
        return hooks == null ? null : new HookRound(scope, hooks, outcome);
    }

    /**
     * What the caller is told once the hooks after the end were fired.
     *
     * @param error so far, in which failures of hooks are suppressed
     * @return null for nothing
     */
    static @Nullable Throwable afterHooks(
            @Nullable Throwable error, List<Throwable> failed, Outcome outcome, @Nullable Object result) {
        if (failed.isEmpty()) {
            return error;
        }
        if (error == null) {
            return new TxHookException(outcome, result, failed);
        }
        failed.forEach(failure -> Thrown.suppress(error, failure));
        return error;
    }

    /** Tells the listeners that a root has ended. */
    static void tell(Scope scope, Outcome outcome) {
        Transaction transaction = scope.transaction;
        if (transaction.engine.isHeard()) {
            transaction.tell(() -> new TxEvent.Ended(
                    transaction.id(), scope.inForce.label(), outcome, transaction.attempt, transaction.lasted()));
        }
    }

    /** What the caller is told of a unit that ended like this; null if it went as asked. */
    static @Nullable Throwable error(String what, Scope scope, Settle.Verdict verdict, Outcome outcome) {
        Transaction transaction = scope.transaction;
        if (verdict instanceof Settle.Verdict.RollBackAndRethrow rethrow) {
            return rethrow.outcome().cause();
        }
        if (outcome instanceof Outcome.Unknown unknown) {
            return Errors.unknown(
                    transaction.prepared.server().profile,
                    scope.classify(unknown.cause()),
                    scope.inForce.label(),
                    unknown.cause());
        }
        if (outcome instanceof Outcome.RolledBack rolledBack
                && !(verdict instanceof Settle.Verdict.RollBackAndReturn)) {
            Throwable cause = rolledBack.cause();
            if (rolledBack.reason() == Outcome.Reason.TIMED_OUT && cause != null) {
                return cause;
            }
            return Errors.rolledBack(
                    transaction.prepared.server().profile,
                    what,
                    rolledBack,
                    cause == null ? null : scope.classify(cause),
                    scope.inForce.label());
        }
        return null;
    }
}
