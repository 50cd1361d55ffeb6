package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.Ambient;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.Outcome.Reason;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.TxTimeoutException;
import dev.holdfast.tx.spi.Feature;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One run of a body in its scope, in the steps that are the same whether a thread is blocked or a coroutine suspended:
 * {@link #open}, the body in {@link #frame}, {@link #bodyEnded}, the {@link #hooksBefore hooks before COMMIT}, {@link #end},
 * the {@link #hooksAfter hooks after the end}, {@link #told}. They come one after the other, in whichever threads.
 */
public abstract class Bracket {
    final EngineTransactor transactor;
    private @Nullable Scope scope;

    private Bracket(EngineTransactor transactor) {
        this.transactor = transactor;
    }

    /** The place in the pool that must be had before it is opened; null if it needs none. */
    public @Nullable Place place() {
        return null;
    }

    /**
     * What orders the scopes that cannot be open side by side; null if it can be open beside any. Those who suspend hold it
     * from before it is opened until after its end.
     *
     * @param make makes it, for the first of them
     */
    public <G> @Nullable G order(Class<G> type, Supplier<G> make) {
        return null;
    }

    /**
     * Opens the scope; from now on it must be ended.
     *
     * @param suspends whether the body may go on in other threads
     */
    public final void open(boolean suspends) {
        scope = begin(suspends);
    }

    abstract Scope begin(boolean suspends);

    /** Whether the scope shares the unit of the running one. */
    public boolean isJoined() {
        return false;
    }

    /** The handle for the body. */
    public final Tx tx() {
        return scope();
    }

    /** How long the body may take; null for no limit. */
    public final @Nullable Duration timeLeft() {
        Deadline deadline = scope().deadline;
        return deadline == null
                ? null
                : Duration.ofNanos(Math.max(0, deadline.left(transactor.engine().now())));
    }

    /** What the caller is told when that has passed; {@link #timeLeft} was not null. */
    public final TxTimeoutException expired() {
        Deadline deadline = Objects.requireNonNull(scope().deadline, "There is no limit");
        return deadline.expired(
                "The transaction on " + scope().server().profile,
                scope().inForce.label());
    }

    /** What is current while the body runs and while it is ended, inside what is current now. */
    public final Current.Frame frame() {
        Engine engine = transactor.engine();
        return Current.inner(engine, scope(), engine.ambient == Ambient.ON);
    }

    /**
     * Decides how the scope ends, when its body has.
     *
     * @param thrown by the body; null if it returned
     */
    public abstract void bodyEnded(@Nullable Throwable thrown);

    /** The hooks to be fired before COMMIT; null if there are none. In {@link #frame}. */
    public @Nullable HooksBefore hooksBefore() {
        return null;
    }

    /** Carries out what was decided. In {@link #frame}. */
    public abstract void end();

    /** The hooks after the end; null if there are none that fire now. */
    public @Nullable HookRound hooksAfter() {
        return null;
    }

    /**
     * What the caller is to be thrown; null for nothing.
     *
     * @param round of hooks that were fired; null if there was none
     * @param result of the body, if it returned
     */
    public abstract @Nullable Throwable told(@Nullable HookRound round, @Nullable Object result);

    /** How the unit ended; null for a scope that shares it. */
    @Nullable
    Outcome outcome() {
        return null;
    }

    final Scope scope() {
        return Objects.requireNonNull(scope, "open() comes first");
    }

    // ---- several of the steps, by blocking the thread

    /** Decides, fires the hooks before COMMIT, and carries out what was decided. */
    public final void endBlocking(@Nullable Throwable thrown) {
        bodyEnded(thrown);
        HooksBefore hooks = hooksBefore();
        if (hooks != null) {
            hooks.fire();
        }
        end();
    }

    /** Fires the hooks after the end, and answers what the caller is to be thrown; null for nothing. */
    public final @Nullable Throwable toldBlocking(@Nullable Object result) {
        HookRound round = hooksAfter();
        if (round != null) {
            round.fire();
        }
        return told(round, result);
    }

    // ---- the kinds

    /** Of a scope that shares the unit of the running one. */
    static final class Joined extends Bracket {
        private final Scope running;
        private final Entry.Decision.Join how;
        private final @Nullable Deadline deadline;
        private @Nullable Throwable error;

        Joined(EngineTransactor transactor, Scope running, Entry.Decision.Join how, @Nullable Deadline deadline) {
            super(transactor);
            this.running = running;
            this.how = how;
            this.deadline = deadline;
        }

        @Override
        Scope begin(boolean suspends) {
            Scope scope = new Scope(transactor, running, running.transaction, running.unit, how.inForce(), deadline);
            running.childOpened();
            return scope;
        }

        @Override
        public boolean isJoined() {
            return true;
        }

        @Override
        public void bodyEnded(@Nullable Throwable thrown) {
            error = thrown;
        }

        @Override
        public void end() {
            error = Ending.joined(running, scope(), error);
        }

        @Override
        public @Nullable Throwable told(@Nullable HookRound round, @Nullable Object result) {
            return error;
        }
    }

    /** Of a scope that has a unit of its own. */
    private abstract static class Owning extends Bracket {
        private Settle.@Nullable Verdict verdict;
        private @Nullable Outcome outcome;

        Owning(EngineTransactor transactor) {
            super(transactor);
        }

        Settle.Verdict decide(@Nullable Throwable thrown, Reason thrownIn) {
            return Ending.decide(scope(), thrown, thrownIn);
        }

        abstract Outcome carryOut(Settle.Verdict decided);

        /** Does what belongs to a body that has done well. */
        void finishBody() {}

        @Override
        public final void bodyEnded(@Nullable Throwable thrown) {
            Throwable failure = thrown;
            if (failure == null) {
                try {
                    finishBody();
                } catch (Throwable e) {
                    failure = e;
                }
            }
            verdict = decide(failure, Reason.BODY_FAILED);
        }

        @Override
        public final @Nullable HooksBefore hooksBefore() {
            Hooks hooks = Ending.hooksBefore(scope(), verdict());
            return hooks == null
                    ? null
                    : new HooksBefore(scope(), hooks, thrown -> verdict = decide(thrown, Reason.HOOK_FAILED));
        }

        @Override
        public final void end() {
            outcome = carryOut(verdict());
        }

        final Settle.Verdict verdict() {
            return Objects.requireNonNull(verdict, "bodyEnded() comes first");
        }

        @Override
        final Outcome outcome() {
            return Objects.requireNonNull(outcome, "end() comes first");
        }

        final @Nullable Throwable told(String what, @Nullable HookRound round, @Nullable Object result) {
            Throwable error = Ending.error(what, scope(), verdict(), outcome());
            List<Throwable> failed = round == null ? List.of() : round.failed();
            return Ending.afterHooks(error, failed, outcome(), result);
        }
    }

    /** Of a savepoint. */
    static final class Savepoint extends Owning {
        private final Scope running;
        private final Entry.Decision.Savepoint how;
        private final @Nullable Deadline deadline;
        private boolean keeps;
        private @Nullable Unit keptBefore;

        Savepoint(
                EngineTransactor transactor, Scope running, Entry.Decision.Savepoint how, @Nullable Deadline deadline) {
            super(transactor);
            this.running = running;
            this.how = how;
            this.deadline = deadline;
        }

        @Override
        public <G> G order(Class<G> type, Supplier<G> make) {
            return running.transaction.turn.innermost(running.unit).order(type, make);
        }

        /** The connection is its own to the end: siblings must not interleave. */
        @Override
        Scope begin(boolean suspends) {
            Transaction transaction = running.transaction;
            transaction.turn.takeToUse();
            boolean keepsTurn = false;
            try {
                running.requireOpen("A nested scope");
                flushBefore(transaction);
                boolean readOnly = how.inForce().access() == Access.READ_ONLY
                        && running.inForce.access() != Access.READ_ONLY
                        && transaction.prepared.server().profile.has(Feature.READ_ONLY_SAVEPOINT);
                Unit unit = transaction.savepoints.push(readOnly, how.standsForRoot());
                Scope scope = new Scope(transactor, running, transaction, unit, how.inForce(), deadline);
                if (suspends) {
                    keptBefore = transaction.turn.keepFor(unit);
                    keeps = true;
                    running.childOpened();
                } else {
                    keepsTurn = true;
                }
                return scope;
            } finally {
                if (!keepsTurn) {
                    transaction.turn.giveBack();
                }
            }
        }

        /** What was held back until now belongs to the unit around it. */
        private void flushBefore(Transaction transaction) {
            try {
                transaction.savepoints.flush(running);
            } catch (Throwable e) {
                running.poison(e);
                throw e;
            }
        }

        @Override
        void finishBody() {
            running.transaction.savepoints.flush(scope());
        }

        @Override
        Outcome carryOut(Settle.Verdict decided) {
            Transaction transaction = running.transaction;
            if (keeps && !transaction.turn.tryTake()) {
                TxStateException kept = Ending.keptTurn(); // and it stays a child that is open
                scope().over = true;
                scope().unit.ends();
                running.poison(kept);
                return new Outcome.RolledBack(Reason.CHILD_STILL_OPEN, kept);
            }
            try {
                return Ending.savepoint(scope(), decided);
            } finally {
                transaction.savepoints.forget();
                if (keeps) {
                    transaction.turn.keepFor(keptBefore);
                    running.childClosed();
                }
                transaction.turn.giveBack();
            }
        }

        @Override
        public @Nullable HookRound hooksAfter() {
            return how.standsForRoot() ? Ending.hooksAfter(scope(), outcome()) : null;
        }

        @Override
        public @Nullable Throwable told(@Nullable HookRound round, @Nullable Object result) {
            return told(how.standsForRoot() ? "The transaction" : "A nested scope", round, result);
        }
    }

    /** Of a transaction. */
    static class Root extends Owning {
        private final Transaction transaction;

        Root(EngineTransactor transactor, Transaction transaction) {
            super(transactor);
            this.transaction = transaction;
        }

        @Override
        public @Nullable Place place() {
            return Place.of(transaction);
        }

        @Override
        Scope begin(boolean suspends) {
            return new Scope(
                    transactor,
                    null,
                    transaction,
                    transaction.savepoints.root(),
                    transaction.prepared.options(),
                    transaction.deadline);
        }

        @Override
        Outcome carryOut(Settle.Verdict decided) {
            return Ending.root(scope(), decided);
        }

        @Override
        public @Nullable HookRound hooksAfter() {
            Ending.tell(scope(), outcome());
            return Ending.hooksAfter(scope(), outcome());
        }

        @Override
        public @Nullable Throwable told(@Nullable HookRound round, @Nullable Object result) {
            return told("The transaction", round, result);
        }
    }

    /** Of a transaction whose holder ends it by name. */
    static final class Unmanaged extends Root {
        private final UnmanagedScope unmanaged;
        private final boolean commits;

        Unmanaged(UnmanagedScope unmanaged, boolean commits) {
            super(unmanaged.transactor, unmanaged.transaction);
            this.unmanaged = unmanaged;
            this.commits = commits;
        }

        @Override
        Scope begin(boolean suspends) {
            return unmanaged;
        }

        @Override
        Settle.Verdict decide(@Nullable Throwable thrown, Reason thrownIn) {
            if (!commits) {
                return new Settle.Verdict.RollBackAndReturn(new Outcome.RolledBack(Reason.REQUESTED, null));
            }
            Settle.Verdict decided = super.decide(thrown, thrownIn);
            return unmanaged.unit.isOwnRequest() && decided instanceof Settle.Verdict.RollBackAndReturn requested
                    ? new Settle.Verdict.RollBackAndRefuse(requested.outcome()) // commit was asked for by name
                    : decided;
        }
    }
}
