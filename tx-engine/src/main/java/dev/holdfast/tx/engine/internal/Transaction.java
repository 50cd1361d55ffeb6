package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxTimeoutException.Limit;
import dev.holdfast.tx.engine.internal.Condition.State;
import dev.holdfast.tx.spi.CommitMessage;
import dev.holdfast.tx.spi.CommitMessage.Fence;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Phase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One physical transaction, from before its connection is taken until that is given back. All of it is guarded by its
 * {@link Turn}.
 *
 * <p>It counts as open from before the first begin statement is sent, and as over only when COMMIT or the abort message
 * was answered, or the connection thrown away: what is uncertain is never given back to the pool.
 */
final class Transaction {
    /** What only events tell. */
    private record Heard(long id, long begun) {}

    static final Outcome COMMITTED = new Outcome.Committed();

    final Engine engine;
    /** For the server that it runs on; until it has begun, for the one it is tried on first. */
    Prepared prepared;

    final Turn turn;

    final Condition condition = new Condition();
    final SavepointStack savepoints;
    final UnseenEnd unseenEnd;
    final PlannedLocks locks = new PlannedLocks();

    final int attempt;
    /** By which all of it must be done; null for no limit. */
    final @Nullable Deadline deadline;

    private final @Nullable Heard heard;
    /** Null where transactions are not watched. */
    private final @Nullable Watched watched;

    private @Nullable Lease lease;
    /** How it came to its server; null where there is only one. */
    private @Nullable Route route;
    /** What is done again if its replica is lost; null if it never was on one. */
    private @Nullable FirstStatement first;

    private boolean answered;
    private volatile boolean over;
    /** Its end did not get the turn: whoever has it must leave nothing behind. */
    private volatile boolean abandoned;

    Transaction(Engine engine, Prepared prepared, int attempt, @Nullable Deadline deadline) {
        this.engine = engine;
        this.prepared = prepared;
        this.attempt = attempt;
        this.deadline = deadline;
        this.turn = new Turn(engine.patience);
        this.savepoints = new SavepointStack(this);
        this.unseenEnd = new UnseenEnd(prepared, condition);
        this.heard = engine.isHeard() ? new Heard(engine.nextTransaction(), engine.now()) : null;
        this.watched = engine.watch == null
                ? null
                : engine.watch.opened(id(), prepared.options().label(), engine.now());
    }

    /** The one through which it is ended, if anybody watches for its loss. */
    void endedThrough(Scope handle) {
        if (watched != null) {
            watched.handle(handle);
        }
    }

    /** Whether its end has begun: nothing can be done before COMMIT any more. */
    boolean isOver() {
        return over;
    }

    /** The lease; only while it is open. */
    Lease lease() {
        if (lease == null) {
            throw new IllegalStateException("No connection is held in state " + condition);
        }
        return lease;
    }

    boolean holds(Source source) {
        Lease held = lease;
        return held != null && held.source == source;
    }

    // ---- beginning

    /**
     * Makes sure that BEGIN and all pending savepoints, oldest first, were sent and answered.
     *
     * @param scopeDeadline by which the scope that asks must be done; null for no limit
     */
    void open(@Nullable Deadline scopeDeadline) throws SQLException {
        if (abandoned) {
            throw Refused.of(Errors.ended(prepared.options().label(), "A statement"));
        }
        if (condition.is(State.NEW)) {
            begin(scopeDeadline);
            if (abandoned) {
                rollBack(null);
                throw Refused.of(Errors.ended(prepared.options().label(), "A statement"));
            }
        }
        savepoints.send();
    }

    /** How it comes to its server; it is {@link Prepared#routed routed}. Decided at the first call. */
    Route route() {
        Route decided = route;
        if (decided == null) {
            decided = new Route(this, engine.replicas());
            route = decided;
        }
        return decided;
    }

    /** Has it run there. */
    void runsOn(Prepared there) {
        prepared = there;
        unseenEnd.movedTo(there);
    }

    /** Where it was sent, in the words of an error; null where there is only one server. */
    @Nullable
    String whereabouts() {
        return route == null ? null : route.words();
    }

    /** The connection that callers use. */
    Connection connection() {
        return first == null ? lease().connection : first.connection();
    }

    /**
     * Has it begun elsewhere, if it is because its replica is gone that its first statement failed.
     *
     * @throws SQLException if it could not be begun
     */
    boolean beginsElsewhere(SQLException error, @Nullable Deadline scopeDeadline) throws SQLException {
        if (answered || abandoned || route == null || !condition.is(State.ACTIVE)) {
            return false;
        }
        Deadline end = lease().answerTime().end();
        if ((end != null && end.hasPassed(engine.now())) || !route.isLost(error)) {
            return false;
        }
        evict("a replica failed at the first statement", error);
        condition.beginsAgain();
        try {
            begin(scopeDeadline);
            lease().answerTime().until(end);
        } catch (SQLException e) {
            Thrown.suppress(e, error);
            throw e;
        }
        return true;
    }

    private void begin(@Nullable Deadline scopeDeadline) throws SQLException {
        boolean again = first != null;
        long asked = engine.isHeard() ? engine.now() : 0;
        if (prepared.routed()) {
            Lease begun = route().begin(Acquiring.deadline(this, scopeDeadline));
            lease = begun;
            route().tell();
            if (begun != null) {
                leased();
                condition.opening();
                condition.opened();
                if (!again) {
                    first = new FirstStatement(this, scopeDeadline);
                    tellBegun(Duration.ofNanos(engine.now() - asked));
                }
                return;
            }
        }
        Connection connection = Acquiring.connection(this, scopeDeadline);
        long had = engine.isHeard() ? engine.now() : 0;
        lease = new Lease(
                prepared.server().source, connection, prepared.server().dialect.port());
        leased();
        condition.opening();
        Markers markers = prepared.markers();
        if (markers != null) {
            lease.useSlots(markers.next());
        }
        prepared.showLabel(lease);
        Execution execution = null;
        try {
            Deadline end = Deadline.sooner(deadline, scopeDeadline);
            if (end != null) {
                lease.answerTime().until(end);
            }
            execution = watchedBegin(lease, scopeDeadline);
            lease.perform(prepared.plan().begin());
            if (execution != null) {
                execution.over();
            }
            if (markers != null) {
                markers.requireTable(lease);
            }
            condition.opened();
        } catch (SQLException | RuntimeException | Error e) {
            SQLException told = null;
            try {
                if (execution != null) {
                    execution.over();
                }
                Failure failure = failed(e, Phase.BEGIN, execution, null, State.ENDED);
                Deadline expired = execution == null ? null : execution.expired(failure);
                told = expired == null
                        ? markers == null ? null : markers.told(failure, prepared)
                        : expired.expiredInJdbc(
                                "Beginning a transaction on " + prepared.server().profile,
                                prepared.options().label(),
                                failure);
            } finally {
                rollBack(e);
            }
            if (told != null) {
                throw told;
            }
            throw e;
        }
        if (engine.isHeard() && !again) {
            tellBegun(Duration.ofNanos(had - asked));
        }
    }

    private void leased() {
        if (watched != null) {
            watched.holdsConnectionTo(prepared.server());
        }
    }

    /** Where there is one writer, BEGIN waits for the one before; elsewhere it waits for nobody. */
    private @Nullable Execution watchedBegin(Lease lease, @Nullable Deadline scopeDeadline) throws SQLException {
        if (!prepared.server().profile.has(Feature.SINGLE_WRITER)) {
            return null;
        }
        Duration limit = prepared.options().statementTimeout();
        Deadline statementEnd = limit == null ? null : Deadline.after(engine.now(), Limit.STATEMENT, limit);
        Deadline end = Deadline.sooner(statementEnd, scopeDeadline);
        Caller caller = Current.caller();
        return end == null && caller == null
                ? null
                : Execution.of(lease.statement(), prepared.server().dialect.port(), end, null, caller);
    }

    private void tellBegun(Duration acquiring) {
        TxOptions options = prepared.options();
        engine.tell(() -> new TxEvent.Begun(
                id(),
                options.label(),
                options,
                attempt,
                acquiring,
                prepared.plan().notes()));
    }

    /** Sends what sets, releases or rolls back to a savepoint. */
    void performForSavepoint(Message message) throws SQLException {
        try {
            if (deadline != null) {
                lease().answerTime().until(deadline);
            }
            lease().perform(message);
            answered = true;
        } catch (SQLException | RuntimeException | Error e) {
            Failure failure = failed(e, Phase.SAVEPOINT, null, null, State.LOST);
            if (deadline != null && isLostAfter(deadline, failure)) {
                throw deadline.expiredInJdbc(
                        "A savepoint on " + prepared.server().profile,
                        prepared.options().label(),
                        failure);
            }
            throw failure.error();
        }
    }

    /** Whether a connection was lost when a limit had passed: whoever has cut it, nothing was answered in time. */
    boolean isLostAfter(@Nullable Deadline limit, Failure failure) {
        return limit != null && failure.effect() == FailureEffect.LOST && limit.hasPassed(engine.now());
    }

    // ---- using

    /**
     * Refuses a statement of a transaction that the server takes none of any more.
     *
     * @throws SQLException with the first error as the cause of its cause
     */
    void requireUsable() throws SQLException {
        if (condition.is(State.NEW) || condition.is(State.ACTIVE)) {
            Failure aborted = savepoints.aborted();
            if (aborted != null) {
                throw Errors.gone(prepared.server().profile, "has aborted the transaction", aborted.error());
            }
            return;
        }
        Throwable gone = condition.gone();
        if (gone != null) {
            String what = condition.is(State.DOOMED) ? "has doomed the transaction" : "has ended the transaction";
            throw Errors.gone(prepared.server().profile, what, gone);
        }
        throw Refused.of(Errors.ended(prepared.options().label(), "A statement"));
    }

    /** Whether the server has answered a statement of it. */
    boolean isAnswered() {
        return answered;
    }

    /** Whether a connection is held for it. */
    boolean isLeased() {
        return lease != null;
    }

    /** A statement was answered well. */
    void executed() {
        answered = true;
        if (unseenEnd.isSuspected()) { // or the driver would be asked after each statement
            unseenEnd.lookAfter(this::driverState, true);
        }
    }

    private void lookAfterFailed(FailureEffect effect) {
        if (unseenEnd.isSuspected()) {
            boolean sent = answered || effect != FailureEffect.NONE;
            unseenEnd.lookAfterFailed(effect, this::driverState, () -> AskedAfterErrors.state(this), sent);
        }
    }

    /**
     * Looks at an error: what it did to the transaction decides what can still be done with it.
     *
     * @param rowsOf the lock of the statement whose rows were read; null if there is none
     * @param crashed the state after an error that is not the database's
     * @return the error, classified; one that is not the database's is thrown
     */
    Failure failed(
            Throwable error, Phase phase, @Nullable Execution execution, @Nullable PlannedLock rowsOf, State crashed) {
        if (!(error instanceof SQLException sql)) {
            lookAfterFailed(FailureEffect.LOST);
            condition.goneBy(error, crashed);
            throw Thrown.as(error);
        }
        PlannedLock lock = execution == null || execution.lock == null ? rowsOf : execution.lock;
        Moment moment = Moment.of(phase, prepared.wish())
                .driverState(driverState())
                .lock(lock == null ? null : lock.lock())
                .cancelled(execution == null ? Moment.Cancelled.NOT : execution.cancelled());
        Failure failure = classify(sql, moment);
        FailureEffect effect = Condition.effect(failure.effect(), phase);
        lookAfterFailed(effect);
        if (phase == Phase.SAVEPOINT && failure.kind() == FailureKind.TX_STATE && unseenEnd.isCommittedByDefining()) {
            unseenEnd.by("a statement that commits by itself, and its savepoints are gone");
        }
        switch (effect) {
            case NONE -> {}
            case SCOPE -> savepoints.abortedBy(failure);
            case DOOMED -> condition.goneBy(sql, State.DOOMED);
            case ENDED -> condition.goneBy(sql, State.ENDED);
            case LOST -> {
                condition.goneBy(sql, State.LOST);
                if (route != null) {
                    route.failed(failure);
                }
            }
            case ASK -> throw new IllegalStateException("Nobody was asked about " + failure);
        }
        return failure;
    }

    /** What an error is and did; where it does not tell what it did, those who know are asked. */
    Failure classify(SQLException error, Moment moment) {
        Failure failure = prepared.server().dialect.classify(error, moment, prepared.server().profile);
        if (failure.effect() == FailureEffect.ASK) {
            FailureEffect known = Condition.effect(moment.driverState());
            failure = failure.effect(
                    known == FailureEffect.ASK ? AskedAfterErrors.effect(this, error, moment.phase()) : known);
        }
        engine.failures.remember(failure);
        return failure;
    }

    DriverState driverState() {
        return lease == null
                ? DriverState.UNKNOWN
                : prepared.server().dialect.port().state(lease.connection);
    }

    /** The first error that keeps the transaction, or its innermost unit, from going on; null if none does. */
    @Nullable
    Throwable stoppedBy() {
        return stoppedBy(savepoints.aborted());
    }

    /** The first error that keeps the transaction, or this unit, from going on; null if none does. */
    @Nullable
    Throwable stoppedBy(Unit unit) {
        return stoppedBy(SavepointStack.aborted(unit));
    }

    private @Nullable Throwable stoppedBy(@Nullable Failure aborted) {
        if (condition.gone() != null) {
            return condition.gone();
        }
        return aborted == null ? null : aborted.error();
    }

    /** The caller is about to get the driver's own connection: what the driver holds back must be out by then. */
    void escape() throws SQLException {
        lease().escape();
        Message held = prepared.server().dialect.beforeUnwrap(prepared.server().profile);
        if (!held.isEmpty() && driverState() == DriverState.IDLE) {
            lease().perform(held);
        }
    }

    // ---- ending

    /** Nothing can be done before COMMIT any more; and what was never begun never will be. */
    void ends() {
        over = true;
        if (condition.is(State.NEW)) {
            condition.over();
        }
        if (lease == null) {
            unwatch();
        }
    }

    /**
     * Finds out whether what is about to be rolled back is still the transaction that was begun, where a statement may
     * have ended that and the commit message would tell: by all that comes before COMMIT.
     */
    void fenceRollback() {
        CommitMessage commit = prepared.plan().commit();
        if (!unseenEnd.isInDoubt()
                || commit.fence() != Fence.IN_MESSAGE
                || commit.commitStep() == 0
                || !condition.is(State.ACTIVE)) {
            return;
        }
        Message message = commit.message();
        boundAnswers();
        try {
            lease().perform(new Message(message.travel(), message.steps().subList(0, commit.commitStep())));
        } catch (SQLException e) {
            Failure failure =
                    classify(e, Moment.of(Phase.COMMIT, prepared.wish()).driverState(driverState()));
            if (failure.kind() == FailureKind.TX_STATE) {
                unseenEnd.by(UnseenEnd.SOMETHING);
            }
        } catch (RuntimeException | Error e) { // the rollback will meet it, too
            condition.goneBy(e, State.LOST);
        }
    }

    /** What ends it is not cut short by its limit, but a caller who has one is not to wait for ever either. */
    void boundAnswers() {
        Lease held = lease;
        if (deadline == null || held == null) {
            return;
        }
        try {
            held.answerTime().atMost(engine.endWithin);
        } catch (SQLException | RuntimeException | Error e) { // what is sent next will meet it, too
            Log.LOGGER.log(System.Logger.Level.DEBUG, "The wait for the end of a transaction could not be limited", e);
        }
    }

    /**
     * Rolls back, and gives the connection back or throws it away.
     *
     * @param first what a failure of the rollback is suppressed in; null if there is nothing
     */
    void rollBack(@Nullable Throwable first) {
        ends();
        if (lease == null) {
            condition.over();
            return;
        }
        if (condition.is(State.LOST)) {
            evict("the connection was lost", condition.gone());
            return;
        }
        boundAnswers();
        try {
            lease.perform(prepared.plan().abort());
        } catch (SQLException | RuntimeException | Error e) {
            if (first != null) {
                Thrown.suppress(first, e);
            }
            evict("the rollback failed", e);
            return;
        }
        Markers markers = prepared.markers();
        if (markers != null) {
            markers.rolledBack(lease.slots());
        }
        giveBack(first);
    }

    /** Throws the connection away after an error that nothing foresaw, or while another thread keeps the turn. */
    void abandon(Throwable unforeseen) {
        abandoned = true;
        over = true;
        if (lease != null) {
            evict("an unforeseen error", unforeseen);
        } else {
            unwatch();
        }
    }

    void giveBack(@Nullable Throwable first) {
        Lease held = lease();
        try {
            if (held.isInDoubt()) {
                evict("what was to be put back could not be read", first);
                return;
            }
            if (held.isEscaped() && !isAsFound(held)) {
                evict("the driver's connection was unwrapped, and cannot be shown to be as it was", null);
                return;
            }
            held.giveBack();
            lease = null;
            left();
            condition.over();
        } catch (SQLException | RuntimeException | Error e) { // what was decided stands, whatever fails now
            if (first != null) {
                Thrown.suppress(first, e);
            }
            evict("its settings could not be put back", e);
        }
    }

    private boolean isAsFound(Lease held) throws SQLException {
        return prepared.server().dialect.port().state(held.connection) == DriverState.IDLE
                && prepared.server().isAsFound(held.connection);
    }

    void evict(String why, @Nullable Throwable cause) {
        Lease held = lease();
        lease = null;
        left();
        condition.over();
        held.evict();
        tell(() -> new TxEvent.Evicted(id(), prepared.options().label(), why, cause));
    }

    private void unwatch() {
        if (watched != null) {
            watched.over();
        }
    }

    private void left() {
        unwatch();
        if (route != null) {
            route.left();
        }
    }

    void tell(Supplier<TxEvent> event) {
        engine.tell(event);
    }

    /** Its number in events; 0 where nobody hears of them. */
    long id() {
        return heard == null ? 0 : heard.id();
    }

    /** How long ago it began; zero where nobody hears of it. */
    Duration lasted() {
        return heard == null ? Duration.ZERO : Duration.ofNanos(engine.now() - heard.begun());
    }
}
