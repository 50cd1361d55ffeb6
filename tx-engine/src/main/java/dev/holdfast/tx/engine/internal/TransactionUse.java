package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.TxTimeoutException.Limit;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Moment.Phase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The connection of a transaction as the guards of one scope use it: in turn, within the limits, and as long as it is open. */
abstract class TransactionUse implements ConnectionUse {
    private record FetchSize(Statement statement, int rows) {}

    final Transaction transaction;
    final TxOptions inForce;
    /** By which the scope must be done; null for no limit. */
    final @Nullable Deadline deadline;
    /** That its statements end with; null for none. */
    private final @Nullable String comment;
    /** Of the statement that is being executed, if it must not be used. */
    private @Nullable FetchSize hint;

    /** Not "open": that would be written, for all threads to see, each time one is made. */
    volatile boolean over;

    TransactionUse(Transaction transaction, TxOptions inForce, @Nullable Deadline deadline) {
        this.transaction = transaction;
        this.inForce = inForce;
        this.deadline = deadline;
        this.comment = inForce.isLabelInSql() ? LabelComment.of(inForce.label()) : null;
    }

    @Override
    public final Server server() {
        return transaction.prepared.server();
    }

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
        try {
            transaction.turn.takeToUse();
        } catch (TxStateException e) {
            throw Refused.of(e);
        }
        try {
            if (over) {
                throw Refused.of(Errors.ended(inForce.label(), "A statement"));
            }
            transaction.requireUsable();
            if (deadline != null && deadline.hasPassed(transaction.engine.now())) {
                throw deadline.expiredInJdbc("The transaction on " + server().profile, inForce.label(), null);
            }
            transaction.open(deadline);
        } catch (Throwable e) {
            transaction.turn.giveBack();
            throw beginError(Thrown.asSqlException(e));
        }
    }

    /** What the caller is told of an error of BEGIN: the limit that it comes from, if it does. */
    private SQLException beginError(SQLException error) {
        boolean told = Refused.SQL_STATE.equals(error.getSQLState()) || error.getCause() instanceof TxException;
        Deadline whole = Deadline.sooner(transaction.deadline, deadline);
        if (told || (whole == null && inForce.lockTimeout() == null)) {
            return error;
        }
        Failure failure = transaction.engine.failures.behind(error);
        Deadline expired =
                failure == null ? null : transaction.isLostAfter(whole, failure) ? whole : limitBehind(failure, null);
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
        return transaction.connection();
    }

    @Override
    public Lease lease() {
        return transaction.lease();
    }

    @Override
    public SQLException failed(Throwable error, @Nullable Execution execution, @Nullable PlannedLock rowsOf) {
        if (error instanceof SQLException ours && ours.getCause() instanceof TxException) {
            return ours;
        }
        if (execution != null) {
            execution.fail();
            if (isGone()) {
                execution.overForGood();
            } else {
                execution.over();
            }
        }
        try {
            giveFetchSizeBack();
        } catch (SQLException e) {
            Thrown.suppress(error, e);
        }
        Failure failure =
                Classifying.failed(transaction, error, Phase.STATEMENT, execution, rowsOf, Condition.State.LOST);
        if (execution != null && execution.lock != null && failure.effect() == FailureEffect.NONE) {
            afterFailed(execution.lock, failure);
        }
        if (failure.kind() == FailureKind.READ_ONLY && transaction.whereabouts() != null) {
            return Errors.writeWhereRead(String.valueOf(transaction.whereabouts()), failure);
        }
        Deadline expired = limitBehind(failure, execution);
        return expired == null
                ? failure.error()
                : expired.expiredInJdbc("A statement on " + server().profile, inForce.label(), failure);
    }

    /** The limit of the options that an error comes from, whether we enforced it or the server did; null if none. */
    private @Nullable Deadline limitBehind(Failure failure, @Nullable Execution execution) {
        Deadline expired = execution == null ? null : execution.expired(failure);
        if (expired != null) {
            return expired;
        }
        if (execution != null && transaction.isLostAfter(execution.deadline, failure)) {
            return execution.deadline;
        }
        Duration statement = inForce.statementTimeout();
        if (failure.kind() == FailureKind.STATEMENT_TIMEOUT && statement != null) {
            return new Deadline(0, Limit.STATEMENT, statement);
        }
        Duration lock = inForce.lockTimeout();
        return failure.kind() == FailureKind.LOCK_TIMEOUT && lock != null ? new Deadline(0, Limit.LOCK, lock) : null;
    }

    /** Whether the driver has closed the connection by itself. */
    private boolean isGone() {
        return transaction.isLeased() && transaction.lease().isClosed();
    }

    @Override
    public @Nullable Execution executing(Statement statement, @Nullable String sql) throws SQLException {
        if (deadline != null && deadline.hasPassed(transaction.engine.now())) {
            throw deadline.expiredInJdbc("The transaction on " + server().profile, inForce.label(), null);
        }
        Duration limit = inForce.statementTimeout();
        Deadline statementEnd = limit == null ? null : Deadline.after(transaction.engine.now(), Limit.STATEMENT, limit);
        Deadline end = Deadline.sooner(statementEnd, deadline);
        Caller caller = Current.caller();
        if (caller != null && caller.isCancelled()) {
            throw Refused.of(new TxStateException("The statement was not sent to " + server().profile
                    + ", for its caller was cancelled; the transaction will be rolled back"));
        }
        answersUntil(end); // also without a limit: the last statement, or another scope, may have had one
        PlannedLock lock = transaction.locks.planned(sql);
        if (lock != null && !lock.plan().after().isEmpty()) {
            readAtOnce(statement);
        }
        if (lock != null && !lock.plan().before().isEmpty()) {
            performForLock(lock.plan().before(), end);
        }
        transaction.unseenEnd.executing(sql, transaction::driverState);
        return end == null && lock == null && caller == null
                ? null
                : Execution.of(statement, server().dialect.port(), end, lock, caller);
    }

    private void answersUntil(@Nullable Deadline end) throws SQLException {
        try {
            transaction.lease().answersUntil(end);
        } catch (SQLException | RuntimeException | Error e) {
            throw failed(e, null, null);
        }
    }

    /**
     * What is set for a lock is put back when its statement was answered. A row that the server reads later would be locked
     * without it, and some drivers send nothing while rows are coming; so all of them are read at once. A fetch size is a
     * hint, and is given back.
     */
    private void readAtOnce(Statement statement) throws SQLException {
        int rows = statement.getFetchSize();
        if (rows != 0) {
            statement.setFetchSize(0);
            hint = new FetchSize(statement, rows);
        }
    }

    private void giveFetchSizeBack() throws SQLException {
        FetchSize given = hint;
        hint = null;
        if (given != null) {
            given.statement.setFetchSize(given.rows);
        }
    }

    @Override
    public final String sent(String sql) {
        return comment == null ? sql : LabelComment.in(sql, comment);
    }

    @Override
    public void executed(@Nullable Execution execution) throws SQLException {
        boolean late = false;
        if (execution != null) {
            execution.over();
            late = execution.isLate(transaction.engine.now());
        }
        giveFetchSizeBack();
        if (execution == null || !execution.isFailed()) {
            transaction.executed();
            if (execution != null
                    && execution.lock != null
                    && !execution.lock.plan().after().isEmpty()) {
                performForLock(execution.lock.plan().after(), execution.deadline);
            }
            if (execution != null && execution.deadline != null && execution.deadline.limit() == Limit.STATEMENT) {
                answersUntil(deadline); // what comes next is not limited by it
            }
            if (execution != null && late) {
                throw Objects.requireNonNull(execution.deadline)
                        .expiredInJdbc(
                                "A statement on " + server().profile,
                                inForce.label(),
                                mayHaveBeenEnded(FailureKind.STATEMENT_TIMEOUT, "its limit"));
            }
        }
    }

    @Override
    public void answeredThoughCancelled() throws SQLException {
        throw mayHaveBeenEnded(FailureKind.CANCELLED, "its cancel").error();
    }

    /**
     * An answer that comes after the limit or the cancel may be that of a statement that was ended: MariaDB 11.4 says of some
     * that no row was changed. As nobody can tell, it counts as ended, and what it may have done is rolled back with its scope.
     */
    private Failure mayHaveBeenEnded(FailureKind kind, String by) {
        Failure failure = new AnsweredLate(
                        "A statement on " + server().profile + " was answered after " + by
                                + ", so it counts as ended by that, and its scope takes no more statements",
                        kind)
                .failure();
        transaction.savepoints.abortedBy(failure);
        return failure;
    }

    /** What was changed for a lock would hold for the rest of a transaction that goes on without it. */
    private void afterFailed(PlannedLock lock, Failure failure) {
        if (lock.plan().after().isEmpty()) {
            return;
        }
        try {
            performForLock(lock.plan().after(), null);
        } catch (SQLException e) {
            Thrown.suppress(failure.error(), e);
        }
    }

    private void performForLock(Message message, @Nullable Deadline end) throws SQLException {
        try {
            transaction.lease().perform(message);
        } catch (SQLException e) {
            SQLException told = failed(e, null, null);
            Failure failure = transaction.engine.failures.behind(e);
            if (end != null && failure != null && transaction.isLostAfter(end, failure)) {
                throw end.expiredInJdbc("A statement on " + server().profile, inForce.label(), failure);
            }
            throw told;
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
}
