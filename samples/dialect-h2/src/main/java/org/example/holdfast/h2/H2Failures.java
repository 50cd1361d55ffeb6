package org.example.holdfast.h2;

import static dev.holdfast.tx.FailureEffect.ASK;
import static dev.holdfast.tx.FailureEffect.DOOMED;
import static dev.holdfast.tx.FailureEffect.ENDED;
import static dev.holdfast.tx.FailureEffect.LOST;
import static dev.holdfast.tx.FailureEffect.NONE;

import dev.holdfast.tx.CommitFate;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.RowLock.Waiting;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Cancelled;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Profile;
import java.sql.SQLDataException;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.SQLIntegrityConstraintViolationException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLSyntaxErrorException;
import java.sql.SQLTransientConnectionException;
import java.util.List;
import java.util.Map;

/** What errors mean: by H2's code, else by the JDBC type, which H2 chooses for all the others. */
final class H2Failures {
    private record Row(FailureKind kind, FailureEffect effect) {}

    private record OfType(Class<? extends SQLException> type, Row row) {}

    private static final int LOCK_TIMEOUT = 50200;

    private static final Map<Integer, Row> BY_CODE = Map.ofEntries(
            Map.entry(23502, new Row(FailureKind.NOT_NULL, NONE)),
            Map.entry(23503, new Row(FailureKind.FOREIGN_KEY, NONE)), // the row is still referred to
            Map.entry(23505, new Row(FailureKind.UNIQUE, NONE)),
            Map.entry(23506, new Row(FailureKind.FOREIGN_KEY, NONE)), // there is no row to refer to
            Map.entry(23513, new Row(FailureKind.CHECK, NONE)),
            Map.entry(28000, new Row(FailureKind.PERMISSION, NONE)),
            Map.entry(40001, new Row(FailureKind.DEADLOCK, ENDED)), // H2 has rolled back, and goes on in a new one
            Map.entry(LOCK_TIMEOUT, new Row(FailureKind.LOCK_TIMEOUT, NONE)),
            Map.entry(57014, new Row(FailureKind.CANCELLED, NONE)),
            Map.entry(90040, new Row(FailureKind.PERMISSION, NONE)), // for administrators only
            Map.entry(90053, new Row(FailureKind.DATA, NONE)), // a scalar subquery with two rows
            Map.entry(90063, new Row(FailureKind.TX_STATE, DOOMED)), // no such savepoint: something has committed
            Map.entry(90096, new Row(FailureKind.PERMISSION, NONE)),
            Map.entry(90097, new Row(FailureKind.READ_ONLY, NONE)),
            Map.entry(90108, new Row(FailureKind.RESOURCES, ASK)));

    private static final Row CONNECTION_LOST = new Row(FailureKind.CONNECTION_LOST, LOST);

    private static final List<OfType> BY_TYPE = List.of(
            new OfType(SQLSyntaxErrorException.class, new Row(FailureKind.SYNTAX, NONE)),
            new OfType(SQLDataException.class, new Row(FailureKind.DATA, NONE)),
            new OfType(SQLIntegrityConstraintViolationException.class, new Row(FailureKind.OTHER, NONE)),
            new OfType(SQLFeatureNotSupportedException.class, new Row(FailureKind.UNSUPPORTED, NONE)),
            new OfType(SQLNonTransientConnectionException.class, CONNECTION_LOST));

    private static final Row UNKNOWN = new Row(FailureKind.OTHER, ASK);
    private static final Row POOL_EXHAUSTED = new Row(FailureKind.TOO_MANY_CONNECTIONS, NONE);

    /** Chains of causes may be rings. */
    private static final int DEEPEST = 50;

    private H2Failures() {}

    static Failure classify(SQLException error, Moment moment, Profile profile) {
        SQLException deciding = deciding(error);
        Row row = row(deciding, moment);
        boolean refused = moment.phase() == Phase.COMMIT && row.effect() == ENDED;
        return Failure.of(error, kind(row, deciding, moment, profile))
                .effect(row.effect())
                .atCommit(refused ? CommitFate.ROLLED_BACK : CommitFate.UNKNOWN);
    }

    /** The first that says anything: pools and batches may wrap H2's own error. */
    private static SQLException deciding(SQLException error) {
        int depth = 0;
        for (Throwable each : error) {
            if (each instanceof SQLException sql && sql.getSQLState() != null) {
                return sql;
            }
            if (++depth == DEEPEST) {
                break;
            }
        }
        return error;
    }

    private static Row row(SQLException error, Moment moment) {
        Row row = BY_CODE.get(error.getErrorCode());
        if (row != null) {
            return row;
        }
        if (moment.phase() == Phase.ACQUIRE && error instanceof SQLTransientConnectionException) {
            return POOL_EXHAUSTED;
        }
        if (error.getSQLState() != null && error.getSQLState().startsWith("08")) {
            return CONNECTION_LOST;
        }
        return BY_TYPE.stream()
                .filter(of -> of.type().isInstance(error))
                .map(OfType::row)
                .findFirst()
                .orElse(UNKNOWN);
    }

    /** The same code is raised for different reasons; what was asked for tells them apart. */
    private static FailureKind kind(Row row, SQLException error, Moment moment, Profile profile) {
        return switch (row.kind()) {
            case DEADLOCK ->
                profile.model(moment.wish().options().isolation()) == IsolationModel.SI
                        ? FailureKind.SERIALIZATION
                        : FailureKind.DEADLOCK;
            case LOCK_TIMEOUT -> {
                if (moment.lock() != null && moment.lock().waiting() == Waiting.NO_WAIT) {
                    yield FailureKind.LOCK_NOT_AVAILABLE;
                }
                yield H2Plans.isHeldToWork(moment.wish().options(), profile)
                        ? FailureKind.STATEMENT_TIMEOUT
                        : FailureKind.LOCK_TIMEOUT;
            }
            case CANCELLED ->
                moment.cancelled() == Cancelled.BY_LIMIT ? FailureKind.STATEMENT_TIMEOUT : FailureKind.CANCELLED;
            default -> row.kind();
        };
    }
}
