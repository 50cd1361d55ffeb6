package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.UnmanagedTx;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** A root that its holder ends. */
final class UnmanagedScope extends Scope implements UnmanagedTx {
    private final AtomicBoolean ended = new AtomicBoolean();

    UnmanagedScope(EngineTransactor transactor, Transaction transaction) {
        super(
                transactor,
                null,
                transaction,
                transaction.savepoints.root(),
                transaction.prepared.options(),
                transaction.deadline);
    }

    @Override
    public void commit() {
        endOnce("commit");
        Settle.Verdict verdict = Ending.settle(this, null);
        if (unit.isOwnRequest() && verdict instanceof Settle.Verdict.RollBackAndReturn requested) {
            verdict = new Settle.Verdict.RollBackAndRefuse(requested.outcome()); // commit was asked for by name
        }
        end(verdict);
    }

    @Override
    public void rollback() {
        endOnce("rollback");
        end(requested());
    }

    @Override
    public void close() {
        if (ended.compareAndSet(false, true)) {
            end(requested());
        }
    }

    private void endOnce(String what) {
        if (!ended.compareAndSet(false, true)) {
            throw Errors.ended(inForce.label(), what);
        }
    }

    private static Settle.Verdict requested() {
        return new Settle.Verdict.RollBackAndReturn(new Outcome.RolledBack(Outcome.Reason.REQUESTED, null));
    }

    private void end(Settle.Verdict verdict) {
        Outcome outcome = Ending.root(this, verdict);
        @Nullable Throwable error = Ending.afterRoot(this, verdict, outcome, null);
        if (error != null) {
            throw Thrown.as(error);
        }
    }
}
