package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.CausalToken;
import dev.holdfast.tx.Completion;
import dev.holdfast.tx.ConnectionBody;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.Reads;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxBody;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRejectedException;
import dev.holdfast.tx.TxTimeoutException.Limit;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.UnmanagedTx;
import dev.holdfast.tx.Work;
import dev.holdfast.tx.spi.Wish;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** An engine with defaults: the brackets around each kind of call. */
final class EngineTransactor implements Transactor {
    private final Engine engine;
    private final TxOptions defaults;
    private final Propagation propagation;
    /** Of a root that asks for nothing; what most calls need. */
    private final Prepared plain;

    EngineTransactor(Engine engine, TxOptions defaults) {
        this.engine = engine;
        this.defaults = defaults;
        this.propagation = defaults.propagation() == null ? Propagation.REUSE : defaults.propagation();
        this.plain = engine.prepare(defaults);
    }

    Engine engine() {
        return engine;
    }

    // ---- entries

    @Override
    public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
        return run(Current.scope(engine), options, body);
    }

    @Override
    public <T extends @Nullable Object> T withConnection(ConnectionBody<T> body) {
        Scope running = Current.scope(engine);
        if (running != null) {
            return running.isFixture() ? lentInFixture(running, body) : running.withConnection(body);
        }
        engine.requireOpen();
        Loan loan = new Loan(engine);
        Current.Frame before = Current.enter(engine, loan);
        try {
            return GuardedConnection.lend(loan.view(), body);
        } finally {
            Current.leave(before);
        }
    }

    @Override
    public DataSource asDataSource() {
        return new ScopeDataSource(() -> {
            Scope running = Current.scope(engine);
            if (running != null) {
                return running.asDataSource().getConnection();
            }
            engine.requireOpenForJdbc();
            return new Loan(engine).view();
        });
    }

    @Override
    public UnmanagedTx begin(TxOptions options) {
        engine.requireOpen();
        Scope running = Current.scope(engine);
        if (options.retry() != null) {
            throw new TxRejectedException(
                    "begin was asked for a retry policy, but there is no body to run again; use transact",
                    options.label());
        }
        if (running != null && running.transaction.prepared.options().completion() == Completion.FIXTURE) {
            throw new TxRejectedException(
                    "begin was called inside a test fixture, and what it commits would stay; use transact there",
                    options.label());
        }
        Propagation asked = options.propagation();
        if (asked == Propagation.MANDATORY
                || asked == Propagation.SAVEPOINT
                || (running != null && (asked == Propagation.REUSE || asked == Propagation.ROOT_ONLY))) {
            throw new TxRejectedException(
                    "begin always starts a root, and propagation " + asked + " does not allow it here; leave it out",
                    options.label());
        }
        Prepared prepared = engine.prepareToStart(defaults.overlay(options));
        Transaction transaction = new Transaction(engine, prepared, 1, deadline(prepared.options(), null));
        return new UnmanagedScope(this, transaction);
    }

    @Override
    public @Nullable Tx current() {
        Scope running = Current.scope(engine);
        return running == null || running.isFixture() ? null : running;
    }

    @Override
    public <T extends @Nullable Object> T outside(Work<T> work) {
        return inFrame(outsideOf(Current.scope(engine)), work);
    }

    /** Where work outside of a scope runs; null for outside of every transaction. */
    @Nullable
    Scope outsideOf(@Nullable Scope running) {
        if (running == null || !running.isInFixture()) {
            return null;
        }
        note(running, running.inForce.label(), "work outside of the transaction stays inside a test fixture");
        return running.outermost();
    }

    @Override
    public <T extends @Nullable Object> T within(Tx tx, Work<T> work) {
        return inFrame(chosen(tx), work);
    }

    /** The scope that work is to run within. */
    Scope chosen(Tx tx) {
        if (!(tx instanceof Scope scope) || scope.transaction.engine != engine) {
            throw new IllegalArgumentException("The transaction belongs to another Transactor than " + this);
        }
        scope.requireOpen("To run work within it");
        Scope running = Current.scope(engine);
        if (running != null && running.isInFixture() && !scope.isInFixture()) {
            throw new TxRejectedException(
                    "within was called inside a test fixture with a transaction from outside, and its work would stay;"
                            + " work with one that was started inside",
                    scope.inForce.label());
        }
        return scope;
    }

    /** A savepoint, so that a statement that fails leaves the fixture usable; as on its own, what was done before stays. */
    private <T extends @Nullable Object> T lentInFixture(Scope fixture, ConnectionBody<T> body) {
        fixture.requireOpen("A connection");
        Entry.Decision.Savepoint how =
                new Entry.Decision.Savepoint(fixture.inForce.completion(Completion.COMMIT), List.of(), false);
        Bracket bracket = new Bracket.Savepoint(this, fixture, how, fixture.deadline);
        T result = none();
        Throwable thrown = null;
        bracket.open(false);
        Current.Frame before = Current.enter(bracket.frame());
        try {
            try {
                result = inFrame(fixture, () -> bracket.tx().withConnection(body));
            } catch (Throwable e) {
                thrown = e;
            }
            bracket.endBlocking(null);
        } finally {
            Current.leave(before);
        }
        Throwable error = bracket.toldBlocking(result);
        if (thrown != null) {
            throw Thrown.as(thrown);
        }
        if (error != null) {
            throw Thrown.as(error);
        }
        return result;
    }

    private <T extends @Nullable Object> T inFrame(@Nullable Scope scope, Work<T> work) {
        Current.Frame before = Current.enter(engine, scope, true);
        try {
            return work.perform();
        } catch (Throwable e) {
            throw Thrown.as(e);
        } finally {
            Current.leave(before);
        }
    }

    @Override
    public Transactor withOptions(UnaryOperator<TxOptions> change) {
        return new EngineTransactor(engine, change.apply(defaults));
    }

    @Override
    public String explain(TxOptions options) {
        Prepared prepared = engine.prepare(defaults.overlay(options));
        return prepared.server().profile.server() + " " + prepared.options() + "\n"
                + prepared.plan().describe();
    }

    @Override
    public @Nullable Failure classify(Throwable error) {
        return engine.failures.behind(Objects.requireNonNull(error, "error"));
    }

    @Override
    public CausalToken causalToken() {
        return engine.token();
    }

    @Override
    public void close() {
        engine.close();
    }

    @Override
    public String toString() {
        return "Transactor for " + engine.primary.profile;
    }

    // ---- the brackets

    /** Starts a scope as {@link Entry} decides, runs the body in it, and ends it; again, where that is asked for. */
    <T extends @Nullable Object> T run(@Nullable Scope running, TxOptions asked, TxBody<T> body) {
        Call call = call(running, asked);
        while (true) {
            Bracket bracket = call.next();
            T result = none();
            Throwable thrown = null;
            bracket.open(false);
            Current.Frame before = Current.enter(bracket.frame());
            try {
                try {
                    result = body.apply(bracket.tx());
                } catch (Throwable e) {
                    thrown = e;
                }
                bracket.endBlocking(thrown);
            } finally {
                Current.leave(before);
            }
            Throwable error = bracket.toldBlocking(result);
            if (error == null) {
                return result;
            }
            if (!call.isAgainAfter(bracket, error)) {
                throw Thrown.as(error);
            }
        }
    }

    /**
     * Decides how a call starts.
     *
     * @param running what it would join; null for nothing
     * @throws TxException if it cannot be started
     */
    Call call(@Nullable Scope running, TxOptions asked) {
        engine.requireOpen();
        Entry.Running facts = running == null ? null : facts(running);
        Entry.Decision decision = Entry.decide(facts, asked, propagation);
        if (running != null && facts != null && !(decision instanceof Entry.Decision.Start)) {
            refuseWhatIsLacking(running, facts, asked, decision);
        }
        if (decision instanceof Entry.Decision.Reject reject) {
            throw new TxRejectedException(
                    "The scope was rejected on " + engine.primary.profile + ": " + reject.why(), asked.label());
        }
        if (running != null && !(decision instanceof Entry.Decision.Start)) {
            refuseWritesOnReplica(running, asked);
        }
        if (running != null && decision instanceof Entry.Decision.Join join) {
            Deadline deadline = deadline(asked, running);
            return new Call(attempt -> new Bracket.Joined(this, running, join, deadline), null);
        }
        if (running != null && decision instanceof Entry.Decision.Savepoint savepoint) {
            return savepoint.standsForRoot()
                    ? inFixture(running, defaults.overlay(asked))
                    : savepoint(running, savepoint, deadline(asked, running), null);
        }
        boolean isPlain = asked.equals(TxOptions.none()) && engine.separate == null && !engine.mayLeadElsewhere(plain);
        Prepared prepared = isPlain ? plain : engine.prepareToStart(defaults.overlay(asked));
        Deadline deadline = deadline(prepared.options(), running);
        return new Call(
                attempt -> new Bracket.Root(this, new Transaction(engine, prepared, attempt, deadline)),
                attempts(prepared.options(), deadline));
    }

    private @Nullable Attempts attempts(TxOptions options, @Nullable Deadline deadline) {
        RetryPolicy policy = options.retry();
        return policy == null ? null : new Attempts(engine, policy, deadline);
    }

    private Call savepoint(
            Scope running, Entry.Decision.Savepoint how, @Nullable Deadline deadline, @Nullable Attempts attempts) {
        return new Call(attempt -> new Bracket.Savepoint(this, running, how, deadline), attempts);
    }

    /** What the database could never do is refused as that: no other place for the scope would help. */
    private void refuseWhatIsLacking(Scope running, Entry.Running facts, TxOptions asked, Entry.Decision decision) {
        if (decision instanceof Entry.Decision.Reject) {
            Prepared root = running.transaction.prepared;
            (root.routed() ? engine.primary : root.server()).prepare(asked); // a replica can do less
        } else if (asked.statementTimeout() != null && facts.around() == Entry.Around.REAL) {
            // the one option of a server's that a joined scope may bring along
            running.transaction.prepared.server().prepare(TxOptions.none().statementTimeout(asked.statementTimeout()));
        }
        String lacking = Entry.lacking(facts, asked, propagation);
        if (lacking != null) {
            throw new TxUnsupportedException("The scope was refused: " + lacking, asked.label());
        }
    }

    /** What would be a root: with the defaults, the refusals and the attempts of one, each in a savepoint. */
    private Call inFixture(Scope running, TxOptions options) {
        engine.prepare(options); // what no root could have is refused here as well
        if (!(Entry.decide(facts(running), options, propagation) instanceof Entry.Decision.Savepoint how)) {
            throw new IllegalStateException("The defaults change how a scope starts");
        }
        how.notes().forEach(note -> note(running, options.label(), note));
        Deadline deadline = deadline(options, running);
        return savepoint(running, how, deadline, attempts(options, deadline));
    }

    private static void note(Scope running, @Nullable String label, String note) {
        Transaction transaction = running.transaction;
        transaction.tell(() -> new TxEvent.Noted(transaction.id(), label, note));
    }

    private void refuseWritesOnReplica(Scope running, TxOptions asked) {
        Prepared root = running.transaction.prepared;
        boolean mayBeThere = root.routed() && !(root.options().reads() instanceof Reads.Primary);
        if (asked.access() == Access.READ_WRITE && (mayBeThere || root.wish().target() == Wish.Target.REPLICA)) {
            throw new TxRejectedException(
                    "The scope was rejected on " + engine.primary.profile
                            + ": READ_WRITE is asked for inside a transaction that goes to a reader; make the root"
                            + " READ_WRITE, or use SEPARATE",
                    asked.label());
        }
    }

    private static Entry.Running facts(Scope running) {
        running.requireOpen("A nested scope");
        Prepared root = running.transaction.prepared;
        Entry.Around around =
                root.options().completion() == Completion.FIXTURE ? Entry.Around.FIXTURE : Entry.Around.REAL;
        return new Entry.Running(running.inForce, root.server().profile, around);
    }

    private @Nullable Deadline deadline(TxOptions options, @Nullable Scope outer) {
        Duration whole = options.wholeTimeout();
        Deadline own = whole == null ? null : Deadline.after(engine.now(), Limit.WHOLE, whole);
        return Deadline.sooner(own, outer == null ? null : outer.deadline);
    }

    /** The result of a body that has none yet; never returned to a caller. */
    @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"})
    private static <T extends @Nullable Object> T none() {
        return null;
    }
}
