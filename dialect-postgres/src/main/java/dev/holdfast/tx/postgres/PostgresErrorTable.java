package dev.holdfast.tx.postgres;

import static dev.holdfast.tx.FailureEffect.ASK;
import static dev.holdfast.tx.FailureEffect.DOOMED;
import static dev.holdfast.tx.FailureEffect.ENDED;
import static dev.holdfast.tx.FailureEffect.LOST;
import static dev.holdfast.tx.FailureEffect.SCOPE;

import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.spi.Moment.Phase;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLRecoverableException;
import java.sql.SQLTimeoutException;
import java.sql.SQLTransientConnectionException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What SQLSTATEs mean: the whole code, else its class, which is its first two characters (PostgreSQL manual, Appendix A).
 * What only CockroachDB raises is in its {@code pkg/sql/pgwire/pgcode/codes.go}.
 */
final class PostgresErrorTable {
    /** What an error means as the answer to COMMIT. */
    enum Verdict {
        /** It was refused, whatever travelled with it: nothing else raises this, or only what stands in front of it. */
        REFUSED,
        /** It was refused if nothing travelled behind it, which might have raised this instead. */
        REFUSED_IF_LAST,
        /** The same, and if it is certain that the server said it: the code is not in the table. */
        REFUSED_IF_LAST_AND_BY_SERVER,
        /** It was done all the same. */
        DONE,
        /** Nothing. */
        NONE
    }

    /**
     * One line.
     *
     * @param kind what it is
     * @param effect on the transaction, where the driver does not tell
     * @param verdict as the answer to COMMIT
     */
    record Row(FailureKind kind, FailureEffect effect, Verdict verdict) {}

    private static final Map<String, Row> ROWS = new HashMap<>();

    /** What errors without a SQLSTATE mean: they are the pool's, or the driver manager's. */
    private static final Map<Class<? extends SQLException>, Row> BY_TYPE = new LinkedHashMap<>();

    private static final Row UNHEARD_OF = new Row(FailureKind.OTHER, SCOPE, Verdict.REFUSED_IF_LAST_AND_BY_SERVER);
    private static final Row WITHOUT_STATE = new Row(FailureKind.OTHER, ASK, Verdict.NONE);
    private static final Row POOL_EXHAUSTED = new Row(FailureKind.TOO_MANY_CONNECTIONS, SCOPE, Verdict.NONE);
    private static final Row NO_ANSWER = new Row(FailureKind.CONNECTION_LOST, LOST, Verdict.NONE);

    static {
        refused(FailureKind.UNIQUE, "23505");
        refused(FailureKind.FOREIGN_KEY, "23503", "23001"); // 23001 for ON DELETE RESTRICT since PostgreSQL 18
        refused(FailureKind.CHECK, "23514");
        refused(FailureKind.NOT_NULL, "23502");
        refused(FailureKind.EXCLUSION, "23P01");
        refused(FailureKind.OTHER, "23");
        refused(FailureKind.TX_ABORTED, "25P02");
        refused(FailureKind.DEADLOCK, "40P01");
        put(DOOMED, Verdict.REFUSED, FailureKind.SERIALIZATION, "40001", "40000", "CR000");

        raised(FailureKind.UNSUPPORTED, "0A");
        raised(FailureKind.DATA, "21", "22");
        raised(FailureKind.CHECK, "44");
        raised(FailureKind.TX_STATE, "25", "0B", "2D", "3B");
        raised(FailureKind.READ_ONLY, "25006");
        raised(FailureKind.PERMISSION, "28", "42501");
        raised(FailureKind.SYNTAX, "26", "34", "3D", "3F", "42");
        raised(FailureKind.RESOURCES, "53", "54");
        raised(FailureKind.TOO_MANY_CONNECTIONS, "53300");
        raised(FailureKind.LOCK_TIMEOUT, "55P03");
        raised(FailureKind.CANCELLED, "57014");
        raised(FailureKind.OTHER, "20", "24", "27", "2F", "38", "39", "55", "58", "F0", "HV", "P0", "XX");

        // the session idled: it was ended before COMMIT came
        put(LOST, Verdict.REFUSED, FailureKind.TX_TIMEOUT, "25P03");
        put(LOST, Verdict.NONE, FailureKind.TX_TIMEOUT, "25P04");
        put(LOST, Verdict.NONE, FailureKind.CONNECTION_LOST, "08");
        put(LOST, Verdict.NONE, FailureKind.SERVER_SHUTDOWN, "57P01", "57P02", "57P03", "57P04", "57P05");

        // CockroachDB: the result is ambiguous; a node is out of reach; committed, but not all of its DDL
        put(ENDED, Verdict.NONE, FailureKind.OTHER, "40003");
        put(SCOPE, Verdict.NONE, FailureKind.OTHER, "58C00", "58C01");
        put(ENDED, Verdict.DONE, FailureKind.OTHER, "XXA00");

        BY_TYPE.put(SQLTimeoutException.class, new Row(FailureKind.STATEMENT_TIMEOUT, SCOPE, Verdict.NONE));
        BY_TYPE.put(SQLTransientConnectionException.class, NO_ANSWER);
        BY_TYPE.put(SQLNonTransientConnectionException.class, NO_ANSWER);
        BY_TYPE.put(SQLRecoverableException.class, NO_ANSWER);
    }

    private PostgresErrorTable() {}

    /** What an error means by its SQLSTATE or, without one, by its type. */
    static Row row(SQLException error, Phase phase) {
        String state = error.getSQLState();
        if (state == null) {
            return rowByType(error, phase);
        }
        Row whole = ROWS.get(state);
        if (whole != null) {
            return whole;
        }
        return ROWS.getOrDefault(state.substring(0, Math.min(2, state.length())), UNHEARD_OF);
    }

    private static Row rowByType(SQLException error, Phase phase) {
        if (phase == Phase.ACQUIRE) {
            // HikariCP: no connection came free in time, and none failed to be made either
            return error instanceof SQLTransientConnectionException ? POOL_EXHAUSTED : NO_ANSWER;
        }
        return BY_TYPE.entrySet().stream()
                .filter(entry -> entry.getKey().isInstance(error))
                .map(Map.Entry::getValue)
                .findFirst()
                .orElse(WITHOUT_STATE);
    }

    /** Raised by COMMIT too, where it checks what was deferred, and by nothing that could follow it. */
    private static void refused(FailureKind kind, String... states) {
        put(SCOPE, Verdict.REFUSED, kind, states);
    }

    private static void raised(FailureKind kind, String... states) {
        put(SCOPE, Verdict.REFUSED_IF_LAST, kind, states);
    }

    private static void put(FailureEffect effect, Verdict verdict, FailureKind kind, String... states) {
        for (String state : states) {
            ROWS.put(state, new Row(kind, effect, verdict));
        }
    }
}
