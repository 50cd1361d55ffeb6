package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Completion;
import dev.holdfast.tx.ConnectionBody;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.Hook;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxBody;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.LockPlan;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Objects;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** The handle of one call in a transaction; {@link Ending} ends it. */
class Scope extends TransactionUse implements Tx {
    private static final TxOptions IN_A_SAVEPOINT = TxOptions.none().propagation(Propagation.SAVEPOINT);

    final EngineTransactor transactor;
    final Unit unit;

    private final @Nullable Scope parent;
    private @Nullable GuardedConnection view;
    /** Besides that one; made when there is one. */
    private @Nullable Views otherViews;

    private int children;

    /**
     * A scope.
     *
     * @param parent the scope it was opened in; null for a root
     * @param unit what it rolls back with
     * @param deadline by which it must be done; null for no limit
     */
    Scope(
            EngineTransactor transactor,
            @Nullable Scope parent,
            Transaction transaction,
            Unit unit,
            TxOptions inForce,
            @Nullable Deadline deadline) {
        super(transaction, inForce, deadline);
        this.transactor = transactor;
        this.parent = parent;
        this.unit = unit;
        if (parent == null) {
            transaction.endedThrough(this);
        }
    }

    /** The outermost scope around this one: what its root began with. */
    Scope outermost() {
        Scope scope = this;
        while (scope.parent != null) {
            scope = scope.parent;
        }
        return scope;
    }

    /** Whether this is a test fixture, rather than something inside it. */
    boolean isFixture() {
        return parent == null && isInFixture();
    }

    boolean isInFixture() {
        return transaction.prepared.options().completion() == Completion.FIXTURE;
    }

    /** Whether this scope, rather than one around it, began the unit. */
    boolean ownsUnit() {
        return parent == null || parent.unit != unit;
    }

    void requireOpen(String what) {
        if (over) {
            throw Errors.ended(inForce.label(), what);
        }
    }

    // ---- what callers ask of a handle

    @Override
    public Connection connection() {
        requireOpen("A connection");
        GuardedConnection current = view;
        if (current != null && !current.isClosed()) {
            return current;
        }
        takeTurnFor("A connection");
        try {
            if (view == null || view.isClosed()) {
                view = new GuardedConnection(this);
            }
            return view;
        } finally {
            transaction.turn.giveBack();
        }
    }

    /** A view for one loan. */
    private GuardedConnection newView() {
        takeTurnFor("A connection");
        try {
            GuardedConnection fresh = new GuardedConnection(this);
            if (otherViews == null) {
                otherViews = new Views();
            }
            otherViews.add(fresh);
            return fresh;
        } finally {
            transaction.turn.giveBack();
        }
    }

    @Override
    public <T extends @Nullable Object> T withConnection(ConnectionBody<T> body) {
        requireOpen("A connection");
        return GuardedConnection.lend(newView(), body);
    }

    @Override
    public DataSource asDataSource() {
        return new ScopeDataSource(() -> {
            try {
                return newView();
            } catch (TxStateException e) {
                throw Refused.of(e);
            }
        });
    }

    @Override
    public Tx open() {
        requireOpen("To open");
        try {
            enter();
            exit();
        } catch (SQLException e) {
            if (e.getCause() instanceof TxException || e.getCause() instanceof TxStateException) {
                throw Thrown.as(e.getCause()); // ours, in the coat that JDBC wants
            }
            throw new TxException(
                    "The transaction could not be begun on " + server().profile + ": " + e.getMessage(),
                    classify(e),
                    inForce.label(),
                    e);
        }
        return this;
    }

    @Override
    public TxOptions options() {
        return inForce;
    }

    @Override
    public boolean isActive() {
        return !over && transaction.stoppedBy(unit) == null;
    }

    @Override
    public boolean isRollbackOnly() {
        return unit.isRollbackOnly() || transaction.stoppedBy(unit) != null;
    }

    @Override
    public void setRollbackOnly(String why) {
        Objects.requireNonNull(why, "why");
        takeTurnFor("setRollbackOnly");
        try {
            if (ownsUnit()) {
                unit.requestRollback();
            } else {
                poison(new TxStateException("a joined scope called setRollbackOnly: " + why));
            }
        } finally {
            transaction.turn.giveBack();
        }
    }

    /** A joined scope failed: the first error counts, and one that stopped the unit may have come before. */
    void poison(Throwable failure) {
        if (transaction.stoppedBy(unit) == null) {
            unit.poison(failure);
        }
    }

    /** Does something with the savepoints that no other thread may do at the same time. */
    void inTurn(String what, Consumer<SavepointStack> action) {
        takeTurnFor(what);
        try {
            action.accept(transaction.savepoints);
        } finally {
            transaction.turn.giveBack();
        }
    }

    /** Takes the turn for what no other thread may do at the same time; the caller gives it back. */
    private void takeTurnFor(String what) {
        requireOpen(what);
        transaction.turn.take();
        if (over) {
            transaction.turn.giveBack();
            requireOpen(what);
        }
    }

    @Override
    public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
        requireOpen("A nested scope");
        return transactor.run(this, options, body);
    }

    @Override
    public <T extends @Nullable Object> T nested(TxBody<T> body) {
        return transact(IN_A_SAVEPOINT, body);
    }

    @Override
    public @Nullable Failure classify(Throwable error) {
        return transactor.classify(error);
    }

    @Override
    public String lock(RowLock lock, String template) {
        requireOpen("A row lock");
        LockTemplate select = LockTemplate.of(template).fit(lock); // first: what is wrong is wrong on every database
        LockPlan plan = planned(lock);
        String sql = select.with(lock, plan);
        for (String note : plan.notes()) {
            transaction.tell(() -> new TxEvent.Noted(transaction.id(), inForce.label(), note));
        }
        takeTurnFor("A row lock");
        try {
            return transaction.locks.plan(sql, new PlannedLock(lock, plan));
        } finally {
            transaction.turn.giveBack();
        }
    }

    /** Plans know no labels, so that many transactions share one. */
    private LockPlan planned(RowLock lock) {
        try {
            return server().dialect.lock(lock, transaction.prepared.wish(), server().profile);
        } catch (TxUnsupportedException e) {
            throw e.label() == null && inForce.label() != null
                    ? new TxUnsupportedException(String.valueOf(e.getMessage()), inForce.label())
                    : e;
        }
    }

    @Override
    public void beforeCommit(Hook hook) {
        Objects.requireNonNull(hook, "hook");
        if (transaction.isOver() || unit.hookOwner().isOver()) {
            throw Hooks.tooLate("beforeCommit");
        }
        register("beforeCommit", hook, Hooks::beforeCommit);
    }

    @Override
    public void afterCommit(Hook hook) {
        Objects.requireNonNull(hook, "hook");
        register("afterCommit", hook, Hooks::afterCommit);
    }

    @Override
    public void afterRollback(Hook hook) {
        Objects.requireNonNull(hook, "hook");
        register("afterRollback", hook, Hooks::afterRollback);
    }

    @Override
    public void afterCompletion(Consumer<? super Outcome> hook) {
        Objects.requireNonNull(hook, "hook");
        register("afterCompletion", hook, Hooks::afterCompletion);
    }

    private <H> void register(String name, H hook, BiConsumer<Hooks, H> registration) {
        Unit owner = unit.hookOwner();
        if (over && owner.isFiringHooks()) {
            registration.accept(owner.hooks(), hook); // a hook registers a hook: it fires in the same round
        } else if (over) {
            throw Hooks.tooLate(name);
        } else {
            takeTurnFor(name);
            try {
                registration.accept(unit.hooks(), hook);
            } finally {
                transaction.turn.giveBack();
            }
        }
    }

    @Override
    public void closed(GuardedConnection closedView) {
        if (otherViews != null) {
            otherViews.remove(closedView);
        }
    }

    // ---- the end of the handle

    void childOpened() {
        transaction.turn.take();
        children++;
        transaction.turn.giveBack();
    }

    /** In turn. */
    void childClosed() {
        children--;
    }

    /** Scopes that were opened in this one and are not over; the turn is held by the caller. */
    int children() {
        return children;
    }

    /** No call of a driver is begun through this handle any more, and what was left open is closed. */
    void endHandle() {
        over = true;
        if (view != null) {
            view.abandon();
        }
        if (otherViews != null) {
            otherViews.closeAll();
        }
    }
}
