package dev.holdfast.tx.postgres;

import static dev.holdfast.tx.CommitFate.COMMITTED;
import static dev.holdfast.tx.CommitFate.ROLLED_BACK;
import static dev.holdfast.tx.CommitFate.STILL_OPEN;
import static dev.holdfast.tx.CommitFate.UNKNOWN;
import static dev.holdfast.tx.FailureEffect.ASK;
import static dev.holdfast.tx.FailureEffect.DOOMED;
import static dev.holdfast.tx.FailureEffect.ENDED;
import static dev.holdfast.tx.FailureEffect.LOST;
import static dev.holdfast.tx.FailureEffect.NONE;
import static dev.holdfast.tx.FailureEffect.SCOPE;

import dev.holdfast.tx.CommitFate;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.postgres.PgjdbcPort.Origin;
import dev.holdfast.tx.postgres.PostgresErrorTable.Row;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Cancelled;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Wish.Carry;
import java.sql.SQLException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/*
 * What an error is, did and means.
 *
 * What it is follows from its SQLSTATE (PostgreSQL manual, Appendix A) and, for the few that mean several things, from the
 * moment. What it did to the transaction, the driver knows better than any table: pgjdbc keeps the state that the server
 * sends with each answer, and forgets it when the connection is gone. So the table speaks where the driver does not. What it
 * means as the answer to COMMIT: an error that the server answers with has rolled back, except where COMMIT did not travel
 * last, for then the error may be that of what came after it.
 */
final class PostgresFailures {
    private PostgresFailures() {}

    static Failure classify(SQLException error, Moment moment, Profile profile) {
        SQLException evidence = evidence(error);
        Row row = PostgresErrorTable.row(evidence, moment.phase());
        Origin origin = PgjdbcPort.origin(error);
        return Failure.of(error, kind(row, evidence, moment))
                .effect(effect(row, origin, moment, profile))
                .atCommit(fate(row, origin, moment, profile));
    }

    /** The first of the chain, causes included, that has a SQLSTATE: batches and pools wrap what the server said. */
    private static SQLException evidence(SQLException error) {
        for (Throwable each : chain(error)) {
            if (each instanceof SQLException sql && sql.getSQLState() != null) {
                return sql;
            }
        }
        return error;
    }

    /** An error, its causes, and what follows it, each once: they may go round in a circle. */
    static Set<Throwable> chain(SQLException error) {
        Set<Throwable> chain =
                Collections.newSetFromMap(new LinkedHashMap<>()); // errors are equal when they are the same
        for (Throwable each : error) {
            if (!chain.add(each)) {
                break;
            }
        }
        return chain;
    }

    private static FailureKind kind(Row row, SQLException evidence, Moment moment) {
        String state = String.valueOf(evidence.getSQLState());
        return switch (state) {
            case "57014" -> isStatementTimeout(moment) ? FailureKind.STATEMENT_TIMEOUT : FailureKind.CANCELLED;
            case "55P03" -> isNoWait(moment.lock()) ? FailureKind.LOCK_NOT_AVAILABLE : FailureKind.LOCK_TIMEOUT;
            // pgjdbc prepares it anew when the transaction is run again
            case "0A000" -> PgjdbcPort.isStalePlan(evidence) ? FailureKind.SERIALIZATION : row.kind();
            default -> row.kind();
        };
    }

    /** The server says the same, whether its timer or a request cancelled the statement. */
    private static boolean isStatementTimeout(Moment moment) {
        return moment.cancelled() == Cancelled.BY_LIMIT
                || (moment.cancelled() == Cancelled.NOT
                        && moment.wish().options().statementTimeout() != null);
    }

    private static boolean isNoWait(@Nullable RowLock lock) {
        return lock != null && lock.waiting() == RowLock.Waiting.NO_WAIT;
    }

    private static FailureEffect effect(Row row, Origin origin, Moment moment, Profile profile) {
        boolean gone = row.effect() == LOST && moment.driverState() == DriverState.UNKNOWN;
        return switch (moment.phase()) {
            case ACQUIRE, OUTSIDE -> gone ? LOST : NONE;
            case COMMIT -> gone ? LOST : effectOnCommit(row, moment.driverState());
            case BEGIN, STATEMENT, SAVEPOINT, ABORT ->
                switch (moment.driverState()) {
                    case OPEN -> origin != Origin.DRIVER && isDoomed(row, moment, profile) ? DOOMED : NONE;
                    case FAILED -> isDoomed(row, moment, profile) ? DOOMED : SCOPE;
                    // an error of the driver's own, when nothing was sent yet, has ended nothing
                    case IDLE -> origin == Origin.DRIVER ? NONE : ENDED;
                    case UNKNOWN -> effectByTable(row, origin, moment, profile);
                };
        };
    }

    private static FailureEffect effectOnCommit(Row row, DriverState state) {
        return switch (state) {
            case OPEN -> NONE;
            case FAILED -> SCOPE;
            case IDLE -> ENDED;
            // the fence in front of COMMIT was refused, so COMMIT was not reached
            case UNKNOWN -> row.kind() == FailureKind.TX_ABORTED ? SCOPE : row.effect() == ASK ? ASK : ENDED;
        };
    }

    private static FailureEffect effectByTable(Row row, Origin origin, Moment moment, Profile profile) {
        if (row.effect() == LOST || row.effect() == ASK || row.effect() == ENDED) {
            return row.effect();
        }
        if (origin == Origin.DRIVER) {
            return NONE;
        }
        return isDoomed(row, moment, profile) ? DOOMED : SCOPE;
    }

    /**
     * Whether only a rollback as a whole helps. A serialization failure lies in the snapshot, which a savepoint does not
     * renew; at READ COMMITTED, where each statement has its own, PostgreSQL goes on after a rollback to a savepoint.
     */
    private static boolean isDoomed(Row row, Moment moment, Profile profile) {
        IsolationModel model = profile.model(moment.wish().options().isolation());
        boolean snapshotPerStatement =
                PostgresFlavour.of(profile).isPostgres() && (model == IsolationModel.RC || model == IsolationModel.RU);
        return row.effect() == DOOMED && !snapshotPerStatement;
    }

    private static CommitFate fate(Row row, Origin origin, Moment moment, Profile profile) {
        if (moment.phase() == Phase.COMMIT && moment.driverState() == DriverState.FAILED) {
            return ROLLED_BACK;
        }
        if (moment.phase() == Phase.COMMIT && moment.driverState() == DriverState.OPEN) {
            return STILL_OPEN;
        }
        boolean last = PostgresFlavour.of(profile).isPostgres()
                && !moment.wish().carries(Carry.POSITION)
                && origin != Origin.DRIVER;
        return switch (row.verdict()) {
            case REFUSED -> ROLLED_BACK;
            case REFUSED_IF_LAST -> last ? ROLLED_BACK : UNKNOWN;
            case REFUSED_IF_LAST_AND_BY_SERVER -> last && origin == Origin.SERVER ? ROLLED_BACK : UNKNOWN;
            case DONE -> COMMITTED;
            case NONE -> UNKNOWN;
        };
    }
}
