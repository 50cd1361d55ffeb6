package dev.holdfast.tx.sqlite;

import static dev.holdfast.tx.FailureEffect.ASK;
import static dev.holdfast.tx.FailureEffect.DOOMED;
import static dev.holdfast.tx.FailureEffect.NONE;

import dev.holdfast.tx.CommitFate;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Cancelled;
import dev.holdfast.tx.spi.Moment.Phase;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLRecoverableException;
import java.sql.SQLTransientConnectionException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/*
 * By the extended result code (sqlite.org/rescode.html), or else by the primary one, its low byte.
 *
 * What an error did to the transaction cannot be told from its code: any constraint may be declared ON CONFLICT ROLLBACK,
 * and SQLITE_FULL, IOERR, NOMEM, BUSY and INTERRUPT end the transaction or do not (lang_transaction.html). So the state
 * that the driver reports after the error decides, and the table only what holds where it reports none.
 *
 * COMMIT: sqlite-jdbc on autocommit runs "begin" and "commit" after each statement that has none open, our COMMIT
 * included. An interrupt that hits those two is raised by our COMMIT, which was done. And a commit whose write-ahead log
 * could not be synced, or whose journal was deleted but its folder not synced, is found committed after a crash. So
 * INTERRUPT, IOERR and NOMEM settle nothing, whatever the state. Neither does "no transaction is active": nobody saw it
 * end.
 */
/** The table of errors. */
final class SqliteFailures {
    /** What an answer to COMMIT means. */
    private enum AtCommit {
        /** It was refused, and is open unless the driver says otherwise. */
        REFUSED,
        /** As the driver says. */
        AS_STATE,
        /** It may have been done. */
        IN_DOUBT
    }

    /** What is said of a code: {@code untold} is the effect where the driver reports no state. */
    private record Row(int code, FailureKind kind, FailureEffect untold, AtCommit atCommit) {
        Row kind(FailureKind other) {
            return new Row(code, other, untold, atCommit);
        }
    }

    /** A text of SQLite's or of sqlite-jdbc's, neither of which translates any, where the code does not tell enough. */
    private record Text(String part, Row row) {}

    private static final Row UNKNOWN_CODE = row(-1, FailureKind.OTHER, ASK);

    private static final Map<Integer, Row> BY_CODE = Stream.of(
                    row(1, FailureKind.SYNTAX, NONE),
                    row(3, FailureKind.PERMISSION, NONE),
                    row(4, FailureKind.TX_ABORTED, ASK), // ABORT
                    new Row(5, FailureKind.LOCK_TIMEOUT, ASK, AtCommit.REFUSED), // BUSY
                    row(517, FailureKind.SERIALIZATION, DOOMED), // BUSY_SNAPSHOT
                    row(6, FailureKind.LOCK_TIMEOUT, ASK), // LOCKED, in a shared cache
                    new Row(7, FailureKind.RESOURCES, ASK, AtCommit.IN_DOUBT), // NOMEM
                    row(8, FailureKind.READ_ONLY, NONE),
                    new Row(9, FailureKind.CANCELLED, ASK, AtCommit.IN_DOUBT), // INTERRUPT
                    new Row(10, FailureKind.RESOURCES, ASK, AtCommit.IN_DOUBT), // IOERR
                    row(11, FailureKind.OTHER, ASK), // CORRUPT
                    row(13, FailureKind.RESOURCES, ASK), // FULL
                    row(14, FailureKind.OTHER, ASK), // CANTOPEN
                    row(15, FailureKind.LOCK_TIMEOUT, ASK), // PROTOCOL: lost the race for the locks of the log
                    row(17, FailureKind.SERIALIZATION, ASK), // SCHEMA, changed by others again and again
                    row(18, FailureKind.DATA, NONE), // TOOBIG
                    new Row(19, FailureKind.OTHER, ASK, AtCommit.REFUSED), // CONSTRAINT
                    new Row(275, FailureKind.CHECK, ASK, AtCommit.REFUSED),
                    new Row(787, FailureKind.FOREIGN_KEY, ASK, AtCommit.REFUSED),
                    new Row(1299, FailureKind.NOT_NULL, ASK, AtCommit.REFUSED),
                    new Row(1555, FailureKind.UNIQUE, ASK, AtCommit.REFUSED), // PRIMARYKEY
                    new Row(2067, FailureKind.UNIQUE, ASK, AtCommit.REFUSED),
                    new Row(2579, FailureKind.UNIQUE, ASK, AtCommit.REFUSED), // ROWID
                    new Row(3091, FailureKind.DATA, ASK, AtCommit.REFUSED), // DATATYPE, of STRICT tables
                    row(20, FailureKind.DATA, NONE), // MISMATCH
                    row(22, FailureKind.UNSUPPORTED, NONE), // NOLFS
                    row(23, FailureKind.PERMISSION, NONE), // AUTH
                    row(25, FailureKind.SYNTAX, NONE), // RANGE, of a parameter's number
                    row(26, FailureKind.OTHER, ASK), // NOTADB
                    row(101, FailureKind.SYNTAX, NONE)) // DONE: executeQuery of what returns no rows
            .collect(Collectors.toUnmodifiableMap(Row::code, row -> row));

    private static final Row TX_STATE = row(1, FailureKind.TX_STATE, ASK);
    private static final Row CLOSED = row(0, FailureKind.CONNECTION_LOST, FailureEffect.LOST);

    private static final List<Text> BY_TEXT = List.of(
            new Text("cannot start a transaction within a transaction", TX_STATE),
            new Text(
                    "cannot commit - no transaction is active",
                    new Row(1, FailureKind.TX_STATE, ASK, AtCommit.IN_DOUBT)),
            new Text("cannot rollback - no transaction is active", TX_STATE),
            new Text("no such savepoint: ", TX_STATE),
            new Text("from within a transaction", TX_STATE),
            // A statement that writes is half read: closing its result set helps, waiting does not.
            new Text("SQL statements in progress", new Row(5, FailureKind.TX_STATE, ASK, AtCommit.REFUSED)),
            // ON DELETE RESTRICT and ON UPDATE RESTRICT raise the code of a trigger.
            new Text("FOREIGN KEY constraint failed", new Row(1811, FailureKind.FOREIGN_KEY, ASK, AtCommit.REFUSED)),
            new Text("database connection closed", CLOSED),
            new Text("The database has been closed", CLOSED));

    private static final Set<Phase> INSIDE = Set.of(Phase.STATEMENT, Phase.SAVEPOINT, Phase.COMMIT);

    private SqliteFailures() {}

    private static Row row(int code, FailureKind kind, FailureEffect untold) {
        return new Row(code, kind, untold, AtCommit.AS_STATE);
    }

    static Failure classify(SQLException error, Moment moment) {
        Row row = row(error, moment);
        Failure failure = Failure.of(error, row.kind()).effect(effect(row, moment));
        return moment.phase() == Phase.COMMIT ? failure.atCommit(fate(row, moment.driverState())) : failure;
    }

    private static Row row(SQLException error, Moment moment) {
        SQLException deciding = deciding(error);
        int code = SqlitePort.code(deciding);
        Row row = byText(code, String.valueOf(deciding.getMessage()));
        if (row == null) {
            row = BY_CODE.get(code);
        }
        if (row == null) {
            row = code == 0 ? byType(deciding, moment.phase()) : BY_CODE.getOrDefault(code & 0xff, UNKNOWN_CODE);
        }
        if (row.code() == 9 && moment.cancelled() == Cancelled.BY_LIMIT) {
            return row.kind(FailureKind.STATEMENT_TIMEOUT);
        }
        if (row.code() == 5 && row.kind() == FailureKind.LOCK_TIMEOUT && moment.cancelled() != Cancelled.NOT) {
            // a wait that is cancelled ends as one that was too long
            return row.kind(
                    moment.cancelled() == Cancelled.BY_LIMIT ? FailureKind.STATEMENT_TIMEOUT : FailureKind.CANCELLED);
        }
        if (row.code() == 14 && moment.phase() == Phase.ACQUIRE) {
            return row.kind(FailureKind.CONNECTION_LOST);
        }
        return row;
    }

    private static @Nullable Row byText(int code, String message) {
        for (Text text : BY_TEXT) {
            if (text.row().code() == code && message.contains(text.part())) {
                return text.row();
            }
        }
        return null;
    }

    /** Of errors that no database raised: the driver's own, or the pool's. */
    private static Row byType(SQLException error, Phase phase) {
        if (error instanceof SQLFeatureNotSupportedException) {
            return row(0, FailureKind.UNSUPPORTED, NONE);
        }
        if (error instanceof SQLTransientConnectionException && phase == Phase.ACQUIRE) {
            return row(0, FailureKind.TOO_MANY_CONNECTIONS, NONE);
        }
        boolean lost = error instanceof SQLTransientConnectionException
                || error instanceof SQLNonTransientConnectionException
                || error instanceof SQLRecoverableException
                || (error.getSQLState() != null && error.getSQLState().startsWith("08"));
        return lost ? CLOSED : UNKNOWN_CODE;
    }

    private static FailureEffect effect(Row row, Moment moment) {
        if (row.untold() == FailureEffect.LOST) {
            return FailureEffect.LOST;
        }
        if (!INSIDE.contains(moment.phase())) {
            return NONE; // no transaction that it could have done anything to
        }
        return switch (moment.driverState()) {
            case IDLE -> FailureEffect.ENDED;
            case OPEN -> row.untold() == DOOMED ? DOOMED : NONE;
            case FAILED, UNKNOWN -> row.untold();
        };
    }

    private static CommitFate fate(Row row, DriverState state) {
        if (row.atCommit() == AtCommit.IN_DOUBT || row.untold() == FailureEffect.LOST) {
            return CommitFate.UNKNOWN;
        }
        return switch (state) {
            case IDLE -> CommitFate.ROLLED_BACK;
            case OPEN -> CommitFate.STILL_OPEN;
            case FAILED, UNKNOWN -> row.atCommit() == AtCommit.REFUSED ? CommitFate.STILL_OPEN : CommitFate.UNKNOWN;
        };
    }

    /**
     * The error that tells most: the first of SQLite's own, else the first with a code, else the first with a SQLState,
     * among the error and all that hang on it. A batch hides the error in its cause, a pool behind it, in its chain or its
     * cause.
     */
    private static SQLException deciding(SQLException error) {
        List<SQLException> all = connected(error);
        return all.stream()
                .filter(SqlitePort::isDriverError)
                .findFirst()
                .or(() -> all.stream().filter(one -> one.getErrorCode() != 0).findFirst())
                .or(() -> all.stream().filter(one -> one.getSQLState() != null).findFirst())
                .orElse(error);
    }

    private static List<SQLException> connected(SQLException error) {
        List<SQLException> found = new ArrayList<>();
        Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        Deque<Throwable> ahead = new ArrayDeque<>(List.of(error));
        while (!ahead.isEmpty()) {
            Throwable next = ahead.remove();
            if (!seen.add(next)) {
                continue;
            }
            if (next instanceof SQLException sql) {
                found.add(sql);
                if (sql.getNextException() != null) {
                    ahead.add(sql.getNextException());
                }
            }
            if (next.getCause() != null) {
                ahead.add(next.getCause());
            }
        }
        return found;
    }
}
