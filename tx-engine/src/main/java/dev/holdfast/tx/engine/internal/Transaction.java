package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.spi.CommitMessage.Fence;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Phase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
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
    /** Where it stands. */
    enum State {
        /** Nothing was sent. */
        NEW,
        /** BEGIN was sent, or is about to be, and not answered. */
        OPENING,
        /** Open on the server. */
        ACTIVE,
        /** Open on the server, but good for a rollback only. */
        DOOMED,
        /** Ended by the server. */
        ENDED,
        /** The connection is gone. */
        LOST,
        /** Ended by us. */
        OVER
    }

    /** What only events tell. */
    private record Heard(long id, long begun) {}

    static final Outcome COMMITTED = new Outcome.Committed();

    final Engine engine;
    final Prepared prepared;
    final Turn turn;

    final int attempt;
    /** By which all of it must be done; null for no limit. */
    final @Nullable Deadline deadline;

    private final @Nullable Heard heard;
    private State state = State.NEW;
    private @Nullable Lease lease;
    private final Unit root = Unit.root();
    private Unit top = root;
    private int savepoints;
    private boolean answered;
    private @Nullable Throwable gone;
    /** The statement that is being executed, if it may end the transaction without a word. */
    private @Nullable String suspect;
    /** That something has ended it without a word; null if nothing has. */
    private @Nullable TxStateException endedUnseen;

    private @Nullable Map<String, PlannedLock> locks;
    private volatile boolean over;
    /** Its end did not get the turn: whoever has it must leave nothing behind. */
    private volatile boolean abandoned;

    Transaction(Engine engine, Prepared prepared, int attempt, @Nullable Deadline deadline) {
        this.engine = engine;
        this.prepared = prepared;
        this.attempt = attempt;
        this.deadline = deadline;
        this.turn = new Turn(engine.patience);
        this.heard = engine.isHeard() ? new Heard(engine.nextTransaction(), engine.now()) : null;
    }

    State state() {
        return state;
    }

    Unit root() {
        return root;
    }

    Unit top() {
        return top;
    }

    /** Whether its end has begun: nothing can be done before COMMIT any more. */
    boolean isOver() {
        return over;
    }

    /** The lease; only while it is open. */
    Lease lease() {
        if (lease == null) {
            throw new IllegalStateException("No connection is held in state " + state);
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
        if (state == State.NEW) {
            begin(scopeDeadline);
            if (abandoned) {
                rollBack(null);
                throw Refused.of(Errors.ended(prepared.options().label(), "A statement"));
            }
        }
        if (!top.sent) {
            sendSavepoints(top);
        }
    }

    private void begin(@Nullable Deadline scopeDeadline) throws SQLException {
        long asked = engine.isHeard() ? engine.now() : 0;
        Connection connection = Acquiring.connection(this, scopeDeadline);
        long had = engine.isHeard() ? engine.now() : 0;
        lease = new Lease(prepared.server().source, connection);
        state = State.OPENING;
        try {
            lease.perform(prepared.plan().begin());
            state = State.ACTIVE;
        } catch (SQLException | RuntimeException | Error e) {
            try {
                failed(e, Phase.BEGIN, null, State.ENDED);
            } finally {
                rollBack(e);
            }
            throw e;
        }
        if (engine.isHeard()) {
            tellBegun(Duration.ofNanos(had - asked));
        }
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

    private void sendSavepoints(Unit unit) throws SQLException {
        if (unit.parent != null && !unit.parent.sent) {
            sendSavepoints(unit.parent);
        }
        Message set = unit.readOnly
                ? prepared.server().savepoints.setReadOnly(unit.savepoint)
                : prepared.server().savepoints.set(unit.savepoint);
        perform(set);
        unit.sent = true;
    }

    private void perform(Message message) throws SQLException {
        try {
            lease().perform(message);
            answered = true;
        } catch (SQLException | RuntimeException | Error e) {
            throw failed(e, Phase.SAVEPOINT, null, State.LOST).error();
        }
    }

    // ---- using

    /**
     * Refuses a statement of a transaction that the server takes none of any more.
     *
     * @throws SQLException with the first error as the cause of its cause
     */
    void requireUsable() throws SQLException {
        if (state == State.NEW || state == State.ACTIVE) {
            Failure aborted = abortedBy(top);
            if (aborted != null) {
                throw Errors.gone(prepared.server().profile, "has aborted the transaction", aborted.error());
            }
            return;
        }
        if (gone != null) {
            String what = state == State.DOOMED ? "has doomed the transaction" : "has ended the transaction";
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

    /**
     * A statement is about to be executed.
     *
     * @param sql its text; null where there is none
     */
    void executing(@Nullable String sql) {
        suspect = sql != null && mayEndUnseen(sql) ? sql : null;
    }

    private boolean mayEndUnseen(String sql) {
        return (definingCommits() && TransactionText.defines(sql)) || (isDriverTrusted() && sql.indexOf(';') >= 0);
    }

    private boolean definingCommits() {
        return !prepared.server().profile.has(Feature.TRANSACTIONAL_DDL);
    }

    /** Whether a driver that knows of no transaction is right, once a statement was answered. */
    private boolean isDriverTrusted() {
        return prepared.plan().commit().fence() == Fence.DRIVER_STATE;
    }

    /** A statement was answered well. */
    void executed() {
        answered = true;
        lookAfterSuspect(FailureEffect.NONE);
    }

    /**
     * What a server commits by itself it does not tell: it is known of the statement, or the driver has noticed.
     *
     * @param effect of the error that the statement ended with
     */
    private void lookAfterSuspect(FailureEffect effect) {
        String sql = suspect;
        suspect = null;
        if (sql == null || state != State.ACTIVE) {
            return;
        }
        DriverState driver = driverState();
        if (driver == DriverState.IDLE && !answered && effect == FailureEffect.NONE) {
            return; // the driver refused the statement itself, and still holds BEGIN back
        }
        if (driver == DriverState.IDLE
                || (driver == DriverState.UNKNOWN && definingCommits() && TransactionText.defines(sql))) {
            endedUnseen("'" + TransactionText.shortened(sql) + "'");
        }
    }

    private void endedUnseen(String by) {
        endedUnseen = Errors.endedUnseen(by);
        goneBy(endedUnseen, State.ENDED);
    }

    /** That it was ended neither by us nor by an error, so that its work may be committed; null if it was not. */
    @Nullable
    TxStateException endedUnseen() {
        return endedUnseen;
    }

    /**
     * Looks at an error: what it did to the transaction decides what can still be done with it.
     *
     * @param crashed the state after an error that is not the database's
     * @return the error, classified; one that is not the database's is thrown
     */
    Failure failed(Throwable error, Phase phase, @Nullable Execution execution, State crashed) {
        if (!(error instanceof SQLException sql)) {
            goneBy(error, crashed);
            throw Thrown.as(error);
        }
        Moment moment = Moment.of(phase, prepared.wish())
                .driverState(driverState())
                .lock(execution == null || execution.lock == null ? null : execution.lock.lock())
                .cancelled(execution == null ? Moment.Cancelled.NOT : execution.cancelled());
        Failure failure = classify(sql, moment);
        lookAfterSuspect(failure.effect()); // what commits by itself may do so and then fail
        if (phase == Phase.SAVEPOINT && failure.kind() == FailureKind.TX_STATE && definingCommits()) {
            endedUnseen("a statement that commits by itself, and its savepoints are gone");
        }
        switch (effect(failure.effect(), moment.driverState(), phase)) {
            case NONE, ASK -> {}
            case SCOPE -> innermostSent().abortedBy(failure);
            case DOOMED -> goneBy(sql, State.DOOMED);
            case ENDED -> goneBy(sql, State.ENDED);
            case LOST -> goneBy(sql, State.LOST);
        }
        return failure;
    }

    Failure classify(SQLException error, Moment moment) {
        Failure failure = prepared.server().dialect.classify(error, moment, prepared.server().profile);
        engine.failures.remember(failure);
        return failure;
    }

    private static FailureEffect effect(FailureEffect said, DriverState driver, Phase phase) {
        FailureEffect effect = said != FailureEffect.ASK
                ? said
                : switch (driver) {
                    case OPEN -> FailureEffect.NONE;
                    case FAILED -> FailureEffect.SCOPE;
                    case IDLE -> FailureEffect.ENDED;
                    case UNKNOWN -> FailureEffect.DOOMED;
                };
        if (phase == Phase.BEGIN && effect != FailureEffect.LOST) {
            return FailureEffect.ENDED; // whatever was begun is aborted at once
        }
        // A savepoint that could not be had or released leaves nothing to go back to.
        return phase == Phase.SAVEPOINT && effect == FailureEffect.NONE ? FailureEffect.DOOMED : effect;
    }

    DriverState driverState() {
        return lease == null
                ? DriverState.UNKNOWN
                : prepared.server().dialect.port().state(lease.connection);
    }

    private Unit innermostSent() {
        Unit unit = top;
        while (!unit.sent && unit.parent != null) {
            unit = unit.parent;
        }
        return unit;
    }

    private void goneBy(Throwable error, State newState) {
        if (gone == null) {
            gone = error;
        }
        if (state != State.OVER && state != State.LOST) {
            state = newState;
        }
    }

    /** The first error that keeps the transaction, or its innermost unit, from going on; null if none does. */
    @Nullable
    Throwable stoppedBy() {
        return stoppedBy(top);
    }

    /** The first error that keeps the transaction, or this unit, from going on; null if none does. */
    @Nullable
    Throwable stoppedBy(Unit unit) {
        if (gone != null) {
            return gone;
        }
        Failure aborted = abortedBy(unit);
        return aborted == null ? null : aborted.error();
    }

    private static @Nullable Failure abortedBy(Unit innermost) {
        for (Unit unit = innermost; unit != null; unit = unit.parent) {
            Failure aborted = unit.aborted();
            if (aborted != null) {
                return aborted;
            }
        }
        return null;
    }

    // ---- savepoints

    Unit push(boolean readOnly, boolean standsForRoot) {
        top = top.savepoint(RememberedSavepoints.name(++savepoints), readOnly, standsForRoot);
        return top;
    }

    /** Takes the innermost unit off, once it was released or rolled back. */
    void pop() {
        Unit parent = top.parent;
        if (parent != null) {
            top = parent;
        }
    }

    /** Releases the innermost savepoint, if it was ever sent. */
    void release() throws SQLException {
        if (top.sent) {
            perform(prepared.server().savepoints.release(top.savepoint));
        }
    }

    /** Undoes what came after the innermost savepoint, if it was ever sent and there is something left to undo. */
    void undo() throws SQLException {
        if (top.sent && state == State.ACTIVE) {
            perform(prepared.server().savepoints.rollbackTo(top.savepoint));
        }
    }

    /** The caller is about to get the driver's own connection: what the driver holds back must be out by then. */
    void escape() throws SQLException {
        lease().escape();
        Message held = prepared.server().dialect.beforeUnwrap(prepared.server().profile);
        if (!held.isEmpty() && driverState() == DriverState.IDLE) {
            lease().perform(held);
        }
    }

    // ---- locks

    /** What is watched over when this text is executed; the last lock that it was rendered for counts. */
    void plan(String sql, @Nullable PlannedLock lock) {
        if (lock != null) {
            if (locks == null) {
                locks = new HashMap<>();
            }
            locks.put(sql, lock);
        } else if (locks != null) {
            locks.remove(sql);
        }
    }

    @Nullable
    PlannedLock planned(@Nullable String sql) {
        return locks == null || sql == null ? null : locks.get(sql);
    }

    // ---- ending

    /** Nothing can be done before COMMIT any more; and what was never begun never will be. */
    void ends() {
        over = true;
        if (state == State.NEW) {
            state = State.OVER;
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
            state = gone == null ? State.OVER : state;
            return;
        }
        if (state == State.LOST) {
            evict("the connection was lost", gone);
            return;
        }
        try {
            lease.perform(prepared.plan().abort());
        } catch (SQLException | RuntimeException | Error e) {
            if (first != null) {
                Thrown.suppress(first, e);
            }
            evict("the rollback failed", e);
            return;
        }
        giveBack(first);
    }

    /** Throws the connection away after an error that nothing foresaw, or while another thread keeps the turn. */
    void abandon(Throwable unforeseen) {
        abandoned = true;
        over = true;
        if (lease != null) {
            evict("an unforeseen error", unforeseen);
        }
    }

    void giveBack(@Nullable Throwable first) {
        Lease held = lease();
        try {
            if (held.isEscaped() && !isAsFound(held)) {
                evict("the driver's connection was unwrapped, and cannot be shown to be as it was", null);
                return;
            }
            held.giveBack();
            lease = null;
            state = gone == null ? State.OVER : state;
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
        state = gone == null ? State.OVER : state;
        held.evict();
        tell(() -> new TxEvent.Evicted(id(), prepared.options().label(), why, cause));
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
