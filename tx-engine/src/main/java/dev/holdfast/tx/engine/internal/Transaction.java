package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.engine.internal.Condition.State;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Message;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.function.Consumer;
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
    /** It holds no connection for a moment, because it begins elsewhere. */
    private boolean moving;

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

    /** Whether its end did not get the turn: nothing is to be done in it any more. */
    boolean isAbandoned() {
        return abandoned;
    }

    /** Whether the server has answered a statement of it. */
    boolean isAnswered() {
        return answered;
    }

    /** Whether a connection is held for it. */
    boolean isLeased() {
        return lease != null;
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
            Beginning.begin(this, scopeDeadline);
            if (abandoned) {
                RollingBack.rollBack(this, null);
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

    /**
     * Whether no commit of it can have left anything: it is on a replica, whose server was told that the transaction, and not
     * only its database as of now, is READ ONLY. On a primary such a transaction may still have an effect, such as PostgreSQL's
     * NOTIFY.
     */
    boolean couldWriteNothing() {
        return route != null
                && route.isOnReplica()
                && prepared.wish().options().access() == Access.READ_ONLY
                && prepared.server().profile.has(Feature.READ_ONLY)
                && engine.primary.profile.has(Feature.READ_ONLY)
                && !unseenEnd.isInDoubt()
                && lease != null
                && !lease.isEscaped();
    }

    /** Where it was sent, in the words of an error; null where there is only one server. */
    @Nullable
    String whereabouts() {
        return route == null ? null : route.words();
    }

    /** Tells its route, if it has one, what became of it there. */
    void tellRoute(Failure failure) {
        if (route != null) {
            route.failed(failure);
        }
    }

    /** A connection is held for it. */
    void leased(Lease held) {
        lease = held;
        if (watched != null) {
            watched.holdsConnectionTo(prepared.server());
        }
    }

    /** It was begun on a replica: what is done first can be done again elsewhere. */
    void begunOnReplica(@Nullable Deadline scopeDeadline) {
        first = new FirstStatement(this, scopeDeadline);
    }

    /** Whether it was ever begun on a replica; then it was told of as begun. */
    boolean wasOnReplica() {
        return first != null;
    }

    /** Throws the connection of its lost replica away: nothing of it has happened, and it begins elsewhere. */
    void leaveReplica(SQLException error) {
        moving = true;
        GivingBack.evict(this, "a replica failed at the first statement", error);
        moving = false;
        condition.beginsAgain();
    }

    // ---- using

    /** The connection that callers use. */
    Connection connection() {
        return first == null ? lease().connection : first.connection();
    }

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

    /** The server has answered something that belongs to it. */
    void answered() {
        answered = true;
    }

    /** A statement was answered well. */
    void executed() {
        answered();
        if (unseenEnd.isSuspected()) { // or the driver would be asked after each statement
            unseenEnd.lookAfter(this::driverState, true);
        }
    }

    /** Whether a connection was lost when a limit had passed: whoever has cut it, nothing was answered in time. */
    boolean isLostAfter(@Nullable Deadline limit, Failure failure) {
        return limit != null && failure.effect() == FailureEffect.LOST && limit.hasPassed(engine.now());
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

    /** What ends it is not cut short by its limit, but a caller who has one, or is cancelled, is not to wait for ever either. */
    void boundAnswers() {
        Lease held = lease;
        if (held == null) {
            return;
        }
        try {
            if (deadline == null && !Current.isCallerCancelled()) {
                held.answersUntil(null); // the last statement, or a scope inside, may have had a limit
            } else {
                held.answerTime().atMost(engine.endWithin);
            }
        } catch (SQLException | RuntimeException | Error e) { // what is sent next will meet it, too
            Log.LOGGER.log(System.Logger.Level.DEBUG, "The wait for the end of a transaction could not be limited", e);
        }
    }

    /** Throws the connection away after an error that nothing foresaw. */
    void abandon(Throwable unforeseen) {
        abandon(unforeseen, Lease::evict);
    }

    /** As {@link #abandon}, while another thread keeps the turn: with some drivers, who closes waits for its statement. */
    void abandonBeside(Throwable kept) {
        abandon(kept, held -> Source.WAITERS.execute(held::evict));
    }

    private void abandon(Throwable why, Consumer<Lease> away) {
        abandoned = true;
        over = true;
        if (lease != null) {
            GivingBack.evict(this, "an unforeseen error", why, away);
        } else {
            unwatch();
        }
    }

    /** It holds no connection any more. */
    void left() {
        lease = null;
        if (!moving) {
            unwatch();
        }
        if (route != null) {
            route.left();
        }
        condition.over();
    }

    private void unwatch() {
        if (watched != null) {
            watched.over();
        }
    }

    // ---- telling

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
