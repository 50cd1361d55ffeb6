package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Completion;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.Outcome.Reason;
import org.jspecify.annotations.Nullable;

/** How a unit ends. Pure: the same facts give the same verdict. */
final class Settle {
    /** What is done with the unit, and what the caller is told. */
    sealed interface Verdict {
        /** Commit it, or release its savepoint. */
        record Commit() implements Verdict {
            private static final Commit COMMIT = new Commit();
        }

        /** Roll it back, and return the value all the same. */
        record RollBackAndReturn(Outcome.RolledBack outcome) implements Verdict {}

        /** Roll it back, and let what the body threw pass. */
        record RollBackAndRethrow(Outcome.RolledBack outcome) implements Verdict {}

        /** Roll it back, and say that the commit asked for did not happen. */
        record RollBackAndRefuse(Outcome.RolledBack outcome) implements Verdict {}
    }

    /**
     * What is known when the body is over.
     *
     * @param thrown by the body or a beforeCommit hook; null if it returned
     * @param thrownIn {@link Reason#BODY_FAILED} or {@link Reason#HOOK_FAILED}
     * @param ownRequest {@code setRollbackOnly} was called on the handle that owns the unit
     * @param poison the first failure of a joined scope, or its request; null if none, or if the unit had ended before
     * @param ended the first error that aborted, doomed or ended what the unit is part of; null if none
     * @param openChild names a child scope that is still open; null if none is
     * @param expired the whole timeout that passed; null if none has
     * @param completion in force
     */
    record Facts(
            @Nullable Throwable thrown,
            Reason thrownIn,
            boolean ownRequest,
            @Nullable Throwable poison,
            @Nullable Throwable ended,
            @Nullable Throwable openChild,
            @Nullable Throwable expired,
            Completion completion) {}

    private Settle() {}

    static Verdict decide(Facts facts) {
        if (facts.thrown() != null) {
            return new Verdict.RollBackAndRethrow(new Outcome.RolledBack(facts.thrownIn(), facts.thrown()));
        }
        if (facts.ownRequest()) {
            return new Verdict.RollBackAndReturn(new Outcome.RolledBack(Reason.REQUESTED, null));
        }
        if (facts.openChild() != null) {
            return refuse(Reason.CHILD_STILL_OPEN, facts.openChild());
        }
        if (facts.poison() != null) {
            return refuse(Reason.JOINED_SCOPE_FAILED, facts.poison());
        }
        if (facts.ended() != null) {
            return refuse(Reason.ENDED_BY_SERVER, facts.ended());
        }
        if (facts.expired() != null) {
            return refuse(Reason.TIMED_OUT, facts.expired());
        }
        return facts.completion() == Completion.COMMIT
                ? Verdict.Commit.COMMIT
                : new Verdict.RollBackAndReturn(new Outcome.RolledBack(Reason.FORCED, null));
    }

    private static Verdict refuse(Reason reason, Throwable cause) {
        return new Verdict.RollBackAndRefuse(new Outcome.RolledBack(reason, cause));
    }
}
