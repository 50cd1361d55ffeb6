package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.Completion;
import dev.holdfast.tx.ConnectionBody;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Hook;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.Outcome.Reason;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxBody;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxHookException;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.TxTimeoutException.Limit;
import dev.holdfast.tx.spi.LockPlan;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Moment.Cancelled;
import dev.holdfast.tx.spi.Moment.Phase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** The handle of one call in a transaction. */
class Scope implements Tx, ConnectionUse {
    private static final TxOptions IN_A_SAVEPOINT = TxOptions.none().propagation(Propagation.SAVEPOINT);

    final EngineTransactor transactor;
    final Transaction transaction;
    final Unit unit;
    final TxOptions inForce;
    final @Nullable Deadline deadline;

    private final @Nullable Scope parent;
    private @Nullable GuardedConnection view;
    /** Besides that one; made when there is one. */
    private @Nullable Views otherViews;

    private int children;
    /** Not "open": that would be written, for all threads to see, each time one is made. */
    private volatile boolean over;

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
        this.transactor = transactor;
        this.parent = parent;
        this.transaction = transaction;
        this.unit = unit;
        this.inForce = inForce;
        this.deadline = deadline;
    }

    private Server server() {
        return transaction.prepared.server();
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
    private void poison(Throwable failure) {
        if (transaction.stoppedBy(unit) == null) {
            unit.poison(failure);
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
        LockPlan plan = server().dialect.lock(lock, transaction.prepared.wish(), server().profile);
        String sql = LockTemplate.render(template, lock, plan);
        for (String note : plan.notes()) {
            transaction.tell(() -> new TxEvent.Noted(transaction.id(), inForce.label(), note));
        }
        if (!plan.before().isEmpty() || lock.waiting() != RowLock.Waiting.BLOCK) {
            takeTurnFor("A row lock");
            try {
                transaction.plan(sql, new PlannedLock(lock, plan));
            } finally {
                transaction.turn.giveBack();
            }
        }
        return sql;
    }

    @Override
    public void beforeCommit(Hook hook) {
        Objects.requireNonNull(hook, "hook");
        if (transaction.isOver()) {
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
        if (transaction.isFiringHooks()) {
            registration.accept(
                    transaction.root().hooks(), hook); // a hook registers a hook: it fires in the same round
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

    // ---- what guards ask of the use they are in

    @Override
    public void takeTurn() throws SQLException {
        try {
            transaction.turn.take();
        } catch (TxStateException e) {
            throw Refused.of(e);
        }
    }

    @Override
    public void enter() throws SQLException {
        takeTurn();
        try {
            if (over) {
                throw Refused.of(Errors.ended(inForce.label(), "A statement"));
            }
            transaction.requireUsable();
            if (deadline != null && deadline.hasPassed(transaction.engine.now())) {
                throw deadline.expiredInJdbc("The transaction on " + server().profile, inForce.label(), null);
            }
            transaction.open();
        } catch (Throwable e) {
            transaction.turn.giveBack();
            throw beginError(Thrown.asSqlException(e));
        }
    }

    /** What the caller is told of an error of BEGIN: the limit that it comes from, if it does. */
    private SQLException beginError(SQLException error) {
        if (Refused.SQL_STATE.equals(error.getSQLState()) || inForce.lockTimeout() == null) {
            return error;
        }
        Failure failure = classify(error);
        Deadline expired = failure == null ? null : limitBehind(failure, null);
        return expired == null
                ? error
                : expired.expiredInJdbc("Beginning a transaction on " + server().profile, inForce.label(), failure);
    }

    @Override
    public void exit() {
        transaction.turn.giveBack();
    }

    @Override
    public Connection raw() {
        return transaction.lease().connection;
    }

    @Override
    public Lease lease() {
        return transaction.lease();
    }

    @Override
    public SQLException failed(Throwable error, @Nullable Execution execution) {
        if (error instanceof SQLException ours && ours.getCause() instanceof TxException) {
            return ours;
        }
        if (execution != null) {
            execution.fail();
            execution.over();
        }
        Failure failure = transaction.failed(error, Phase.STATEMENT, execution, Transaction.State.LOST);
        Deadline expired = limitBehind(failure, execution);
        return expired == null
                ? failure.error()
                : expired.expiredInJdbc("A statement on " + server().profile, inForce.label(), failure);
    }

    /** The limit of the options that an error comes from, whether we enforced it or the server did; null if none. */
    private @Nullable Deadline limitBehind(Failure failure, @Nullable Execution execution) {
        if (execution != null && execution.cancelled() != Cancelled.NOT) {
            return execution.deadline;
        }
        Duration statement = inForce.statementTimeout();
        if (failure.kind() == FailureKind.STATEMENT_TIMEOUT && statement != null) {
            return new Deadline(0, Limit.STATEMENT, statement);
        }
        Duration lock = inForce.lockTimeout();
        return failure.kind() == FailureKind.LOCK_TIMEOUT && lock != null ? new Deadline(0, Limit.LOCK, lock) : null;
    }

    @Override
    public @Nullable Execution executing(Statement statement, @Nullable String sql) throws SQLException {
        Duration limit = inForce.statementTimeout();
        Deadline statementEnd = limit == null ? null : Deadline.after(transaction.engine.now(), Limit.STATEMENT, limit);
        Deadline end = Deadline.sooner(statementEnd, deadline);
        PlannedLock lock = transaction.planned(sql);
        if (lock != null && !lock.plan().before().isEmpty()) {
            performForLock(lock.plan().before());
        }
        return end == null && lock == null ? null : Execution.of(statement, end, lock);
    }

    @Override
    public void executed(@Nullable Execution execution) throws SQLException {
        if (execution != null) {
            execution.over();
        }
        if (execution == null || !execution.isFailed()) {
            transaction.executed();
            if (execution != null
                    && execution.lock != null
                    && !execution.lock.plan().after().isEmpty()) {
                performForLock(execution.lock.plan().after());
            }
        }
    }

    private void performForLock(Message message) throws SQLException {
        try {
            transaction.lease().perform(message);
        } catch (SQLException e) {
            throw failed(e, null);
        }
    }

    @Override
    public void escaping() throws SQLException {
        transaction.escape();
    }

    @Override
    public boolean isOpen() {
        return !over;
    }

    @Override
    public Facts facts() {
        Access access = inForce.access();
        return new Facts(
                false,
                access == null ? null : access == Access.READ_ONLY,
                inForce.isolation() == null ? null : GuardedConnection.jdbcLevel(inForce.isolation()));
    }

    @Override
    public void closed(GuardedConnection closedView) {
        if (otherViews != null) {
            otherViews.remove(closedView);
        }
    }

    // ---- the end, called by whoever opened the scope

    void childOpened() {
        transaction.turn.take();
        children++;
        transaction.turn.giveBack();
    }

    void childClosed() {
        transaction.turn.take();
        children--;
        transaction.turn.giveBack();
    }

    /** Ends a scope that shares its unit: a failure inside is the failure of the unit. */
    void endJoined(@Nullable Throwable thrown) {
        Throwable failure = thrown;
        if (failure == null && deadline != null && deadline.hasPassed(transaction.engine.now())) {
            failure = deadline.expired("The scope on " + server().profile, inForce.label());
        }
        transaction.turn.take();
        try {
            if (failure != null) {
                poison(failure);
            }
            close();
        } finally {
            transaction.turn.giveBack();
        }
        if (thrown == null && failure != null) {
            throw Thrown.as(failure);
        }
    }

    /** No call of a driver is begun through this handle any more, and what was left open is closed. */
    private void close() {
        over = true;
        if (view != null) {
            view.abandon();
        }
        if (otherViews != null) {
            otherViews.closeAll();
        }
    }

    /** Decides how the unit ends, after its beforeCommit hooks where it is about to do well. */
    Settle.Verdict settle(@Nullable Throwable thrown) {
        Settle.Verdict verdict = Settle.decide(facts(thrown, Reason.BODY_FAILED));
        boolean doesWell = verdict instanceof Settle.Verdict.Commit
                || (verdict instanceof Settle.Verdict.RollBackAndReturn forced
                        && forced.outcome().reason() == Reason.FORCED);
        Hooks hooks = unit.hooksOrNull();
        if (!doesWell || !unit.isRoot() || hooks == null) {
            return verdict;
        }
        transaction.firingHooks(Thread.currentThread());
        try {
            hooks.fireBeforeCommit();
        } catch (Throwable e) {
            return Settle.decide(facts(e, Reason.HOOK_FAILED));
        } finally {
            transaction.firingHooks(null);
        }
        return Settle.decide(facts(null, Reason.BODY_FAILED));
    }

    private Settle.Facts facts(@Nullable Throwable thrown, Reason thrownIn) {
        Throwable openChild = children == 0
                ? null
                : new TxStateException(children + " scope(s) that joined it are still open in another thread");
        Throwable expired = deadline == null || !deadline.hasPassed(transaction.engine.now())
                ? null
                : deadline.expired("The transaction on " + server().profile, inForce.label());
        Completion completion = inForce.completion() == null ? Completion.COMMIT : inForce.completion();
        return new Settle.Facts(
                thrown,
                thrownIn,
                unit.isOwnRequest(),
                unit.poison(),
                transaction.stoppedBy(unit),
                openChild,
                expired,
                completion);
    }

    /** Carries the verdict on a root out. */
    Outcome endRoot(Settle.Verdict verdict) {
        if (!transaction.turn.tryTake()) {
            TxStateException kept = new TxStateException("another thread kept its turn on the connection");
            over = true;
            transaction.abandon(kept);
            return new Outcome.RolledBack(Reason.CHILD_STILL_OPEN, kept);
        }
        try {
            close();
            if (verdict instanceof Settle.Verdict.Commit) {
                return transaction.commit();
            }
            Outcome.RolledBack outcome = rolledBack(verdict);
            transaction.rollBack(outcome.cause());
            return outcome;
        } catch (Throwable unforeseen) {
            transaction.abandon(unforeseen);
            throw unforeseen;
        } finally {
            transaction.turn.giveBack();
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
    Outcome endSavepoint(Settle.Verdict verdict) {
        close();
        Outcome outcome = Transaction.COMMITTED;
        try {
            if (verdict instanceof Settle.Verdict.Commit) {
                transaction.release();
            } else {
                outcome = rolledBack(verdict);
                transaction.undo();
            }
        } catch (SQLException e) {
            outcome = new Outcome.RolledBack(Reason.ENDED_BY_SERVER, e);
        }
        transaction.pop();
        Hooks hooks = unit.hooksOrNull();
        if (hooks != null && unit.parent != null) {
            if (outcome instanceof Outcome.RolledBack undone) {
                unit.parent.hooks().adopt(hooks, undone);
            } else {
                unit.parent.hooks().adopt(hooks);
            }
        }
        return outcome;
    }

    /**
     * Fires the hooks of a root that has ended, outside of every transaction.
     *
     * @param error what the caller is to be thrown so far; failures of hooks are suppressed in it
     * @return what the caller is to be thrown; null for nothing
     */
    @Nullable
    Throwable fireHooks(Outcome outcome, @Nullable Throwable error, @Nullable Object result) {
        Hooks hooks = unit.hooksOrNull();
        if (hooks == null) {
            return error;
        }
        transaction.firingHooks(Thread.currentThread());
        Current.Frame before = Current.enter(transaction.engine, null, true);
        List<Throwable> failed;
        try {
            failed = hooks.fireAfter(outcome);
        } finally {
            Current.leave(before);
            transaction.firingHooks(null);
        }
        if (failed.isEmpty()) {
            return error;
        }
        if (error == null) {
            return new TxHookException(outcome, result, failed);
        }
        failed.forEach(failure -> Thrown.suppress(error, failure));
        return error;
    }
}
