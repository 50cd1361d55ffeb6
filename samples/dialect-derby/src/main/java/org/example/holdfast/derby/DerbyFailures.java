package org.example.holdfast.derby;

import dev.holdfast.tx.CommitFate;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Phase;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.HashMap;
import java.util.Map;

/**
 * What errors mean. What one is follows from its SQLState, or the class of it, its first two characters. What one did follows
 * from its code, which in Derby is a severity.
 */
final class DerbyFailures {
    /** What the severities of Derby say of the transaction. */
    private static final Map<Integer, FailureEffect> EFFECTS = Map.of(
            20_000, FailureEffect.NONE, // the statement is undone
            30_000, FailureEffect.ENDED, // the transaction
            40_000, FailureEffect.LOST, // the session is closed
            45_000, FailureEffect.LOST, // the database
            50_000, FailureEffect.LOST); // all of Derby

    /** Chains of causes may be rings. */
    private static final int DEEPEST = 50;

    private static final Map<String, FailureKind> KINDS = new HashMap<>();

    static {
        put(FailureKind.DEADLOCK, "40001");
        put(FailureKind.LOCK_TIMEOUT, "40XL1", "40XL2");
        put(FailureKind.UNIQUE, "23505", "23506", "23507"); // at once, at COMMIT, at SET CONSTRAINTS
        put(FailureKind.FOREIGN_KEY, "23503", "23516", "23517");
        put(FailureKind.CHECK, "23513", "23514", "23515");
        put(FailureKind.NOT_NULL, "23502");
        put(FailureKind.READ_ONLY, "25502", "25503", "25505");
        put(FailureKind.STATEMENT_TIMEOUT, "XCL52"); // Statement.setQueryTimeout
        put(FailureKind.PERMISSION, "28", "08004", "42500", "42501", "42502", "42503", "42504", "42507", "42508");
        put(FailureKind.DATA, "21", "22", "42821");
        put(FailureKind.TX_STATE, "25", "3B");
        put(FailureKind.UNSUPPORTED, "0A");
        put(FailureKind.SYNTAX, "42", "X0");
        put(FailureKind.CONNECTION_LOST, "08", "XJ004", "XJ040", "XJ041");
        put(FailureKind.SERVER_SHUTDOWN, "XJ015");
    }

    private DerbyFailures() {}

    private static void put(FailureKind kind, String... states) {
        for (String state : states) {
            KINDS.put(state, kind);
        }
    }

    static Failure classify(SQLException error, Moment moment) {
        SQLException deciding = deciding(error);
        FailureKind kind = kind(deciding, moment);
        FailureEffect effect = effect(deciding, kind);
        boolean refused = moment.phase() == Phase.COMMIT && effect == FailureEffect.ENDED;
        return Failure.of(error, kind).effect(effect).atCommit(refused ? CommitFate.ROLLED_BACK : CommitFate.UNKNOWN);
    }

    /** The first that says anything: pools and batches may wrap Derby's own error. */
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

    private static FailureKind kind(SQLException error, Moment moment) {
        if (moment.phase() == Phase.ACQUIRE && error instanceof SQLTransientConnectionException) {
            return FailureKind.TOO_MANY_CONNECTIONS; // the pool's
        }
        String state = error.getSQLState() == null ? "" : error.getSQLState();
        FailureKind kind = KINDS.get(state);
        return kind != null
                ? kind
                : KINDS.getOrDefault(state.substring(0, Math.min(2, state.length())), FailureKind.OTHER);
    }

    private static FailureEffect effect(SQLException error, FailureKind kind) {
        if (kind == FailureKind.CONNECTION_LOST) {
            return FailureEffect.LOST; // whoever raised it
        }
        return EFFECTS.getOrDefault(error.getErrorCode(), FailureEffect.ASK);
    }
}
