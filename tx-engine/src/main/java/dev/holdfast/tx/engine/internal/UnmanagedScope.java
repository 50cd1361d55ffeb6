package dev.holdfast.tx.engine.internal;

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
        end(ending("commit", true));
    }

    @Override
    public void rollback() {
        end(ending("rollback", false));
    }

    @Override
    public void close() {
        Bracket bracket = closing();
        if (bracket != null) {
            end(bracket);
        }
    }

    /** What ends it. */
    Bracket ending(String what, boolean commits) {
        if (!ended.compareAndSet(false, true)) {
            throw Errors.ended(inForce.label(), what);
        }
        return opened(commits);
    }

    /** What rolls it back; null if it was ended before. */
    @Nullable
    Bracket closing() {
        return ended.compareAndSet(false, true) ? opened(false) : null;
    }

    private Bracket opened(boolean commits) {
        Bracket bracket = new Bracket.Unmanaged(this, commits);
        bracket.open(false);
        return bracket;
    }

    private static void end(Bracket bracket) {
        bracket.endBlocking(null);
        @Nullable Throwable error = bracket.toldBlocking(null);
        if (error != null) {
            throw Thrown.as(error);
        }
    }
}
