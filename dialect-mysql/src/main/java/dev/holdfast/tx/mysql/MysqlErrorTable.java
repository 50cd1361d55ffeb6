package dev.holdfast.tx.mysql;

import static dev.holdfast.tx.FailureEffect.ASK;
import static dev.holdfast.tx.FailureEffect.DOOMED;
import static dev.holdfast.tx.FailureEffect.ENDED;
import static dev.holdfast.tx.FailureEffect.LOST;
import static dev.holdfast.tx.FailureEffect.NONE;

import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.spi.Moment.Phase;
import java.io.EOFException;
import java.net.SocketException;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLRecoverableException;
import java.sql.SQLTimeoutException;
import java.sql.SQLTransientConnectionException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What errors mean: by the server's number (MySQL manual, Server Error Message Reference; MariaDB manual, Error Codes; TiDB
 * manual, Error Codes), else by the class of the SQLState, else by the type.
 *
 * <p>The number comes first, for the drivers agree on nothing else: Connector/J tells 1205 as SQLState 40001 and MariaDB's
 * driver as HY000, and a SIGNAL of the user's is to MariaDB's driver a {@code SQLTransientConnectionException}.
 */
final class MysqlErrorTable {
    /** What an error means as the answer to COMMIT. */
    enum Verdict {
        /** It was refused: COMMIT raises this and has rolled back, or it comes from what stands in front of it. */
        REFUSED,
        /** The same, if the server commits in one piece and nothing travelled behind COMMIT. */
        REFUSED_IF_WHOLE_AND_LAST,
        /** Nothing. */
        NONE
    }

    /**
     * One line.
     *
     * @param kind what it is
     * @param effect on the transaction
     * @param verdict as the answer to COMMIT
     */
    record Row(FailureKind kind, FailureEffect effect, Verdict verdict) {}

    // those that mean different things by server, setting or moment
    static final int NO_SUCH_SAVEPOINT_OR_ROUTINE = 1305;
    static final int LOCK_WAIT_TIMEOUT = 1205;
    static final int RECORD_CHANGED = 1020;
    static final int INTERRUPTED = 1317;
    static final int FORBIDDEN_BY_OPTION = 1290;
    static final int SERVER_READS_ONLY = 1836;

    /**
     * Of MariaDB's driver, by a URL with several hosts: it has lost the connection, and with it the transaction, and has made
     * another one, maybe to another host, in its place.
     */
    private static final String MOVED_BY_MARIADB_DRIVER = "25S03";

    /** Connector/J has no number and no SQLState for it. */
    private static final String CANCELLED_BY_CONNECTOR_J = "MySQLStatementCancelledException";

    private static final Map<Integer, Row> BY_CODE = new HashMap<>();
    private static final Map<String, Row> BY_STATE_CLASS = new HashMap<>();
    private static final Map<Class<? extends SQLException>, Row> BY_TYPE = new LinkedHashMap<>();

    /** Causes may go round in a circle. */
    private static final int DEEPEST = 16;

    private static final Row UNHEARD_OF = new Row(FailureKind.OTHER, NONE, Verdict.NONE);
    private static final Row SAYS_NOTHING = new Row(FailureKind.OTHER, ASK, Verdict.NONE);
    private static final Row CANCELLED = new Row(FailureKind.CANCELLED, NONE, Verdict.NONE);
    private static final Row POOL_EXHAUSTED = new Row(FailureKind.TOO_MANY_CONNECTIONS, NONE, Verdict.NONE);
    private static final Row NO_ANSWER = new Row(FailureKind.CONNECTION_LOST, LOST, Verdict.NONE);

    static {
        // the server has rolled everything back (MySQL manual, InnoDB Error Handling); so COMMIT answers, too, where it
        // is
        // certified (Galera, Group Replication) or prewritten (TiDB)
        put(FailureKind.DEADLOCK, ENDED, Verdict.REFUSED, 1213, 1614);
        put(FailureKind.SERIALIZATION, ENDED, Verdict.REFUSED, RECORD_CHANGED, 3101, 8002, 8005, 8022, 8028, 9007);
        put(FailureKind.TX_ABORTED, ENDED, Verdict.REFUSED, 1402, 8147);
        put(FailureKind.TX_TIMEOUT, ENDED, Verdict.REFUSED, 1613);
        put(FailureKind.TX_TIMEOUT, ENDED, Verdict.NONE, 8229);
        put(FailureKind.RESOURCES, ENDED, Verdict.REFUSED, 1206);

        // COMMIT waits for locks on metadata; one that times out has rolled back
        put(FailureKind.LOCK_TIMEOUT, NONE, Verdict.REFUSED, LOCK_WAIT_TIMEOUT);
        raised(FailureKind.LOCK_TIMEOUT, 9004); // of TiDB, which does not say how far COMMIT came
        put(FailureKind.LOCK_NOT_AVAILABLE, NONE, Verdict.REFUSED, 3572);
        put(FailureKind.DEADLOCK, NONE, Verdict.NONE, 3058); // of GET_LOCK

        // a server that was made read-only meanwhile refuses COMMIT, and rolls back
        put(FailureKind.READ_ONLY, NONE, Verdict.REFUSED, FORBIDDEN_BY_OPTION, 1792, SERVER_READS_ONLY);
        put(FailureKind.READ_ONLY, NONE, Verdict.REFUSED_IF_WHOLE_AND_LAST, 1036, 1874, 3989);

        // a marker row may travel in front of COMMIT, and optimistic servers check late
        constraint(FailureKind.UNIQUE, 1022, 1062, 1169, 1586, 1761, 1762, 1859);
        constraint(FailureKind.FOREIGN_KEY, 1216, 1217, 1451, 1452, 1557, 1834);
        constraint(FailureKind.CHECK, 1369, 3819, 4025);
        constraint(FailureKind.NOT_NULL, 1048, 1263, 1364);
        constraint(
                FailureKind.DATA,
                1242,
                1264,
                1265,
                1292,
                1300,
                1301,
                1365,
                1366,
                1406,
                1411,
                1416,
                1441,
                1690,
                3140,
                3141,
                3156);

        raised(
                FailureKind.RESOURCES,
                1021,
                1037,
                1038,
                1041,
                1114,
                1135,
                1436,
                1637,
                3170,
                8004,
                9001,
                9002,
                9003,
                9005,
                9006);
        raised(FailureKind.TOO_MANY_CONNECTIONS, 1040, 1203, 1226);
        raised(FailureKind.TX_STATE, 1179, 1192, 1196, 1223, 1399, 1400, 1401, 1568, 1766);
        raised(
                FailureKind.SYNTAX,
                1049,
                1050,
                1051,
                1054,
                1055,
                1060,
                1061,
                1064,
                1091,
                1109,
                1136,
                1140,
                1146,
                1149,
                1193,
                1222,
                1231,
                1232,
                1238,
                1241,
                NO_SUCH_SAVEPOINT_OR_ROUTINE,
                1318,
                1630);
        raised(FailureKind.UNSUPPORTED, 1031, 1178, 1235, 1286, 1289, 1295, 8048, 8130);
        raised(
                FailureKind.PERMISSION,
                1044,
                1045,
                1129,
                1130,
                1142,
                1143,
                1227,
                1370,
                1396,
                1410,
                1449,
                1698,
                1820,
                1862,
                3118);
        raised(FailureKind.STATEMENT_TIMEOUT, 1969, 3024);
        raised(FailureKind.CANCELLED, INTERRUPTED);
        raised(FailureKind.OTHER, 1105, 1644);

        // COMMIT went wrong on its way, and who knows how far it came; so did ROLLBACK
        put(FailureKind.OTHER, ENDED, Verdict.NONE, 1180, 3100);
        put(FailureKind.OTHER, ASK, Verdict.NONE, 1181);

        put(FailureKind.DATA, LOST, Verdict.NONE, 1153); // larger than the server takes: it hangs up
        put(
                FailureKind.CONNECTION_LOST,
                LOST,
                Verdict.NONE,
                1042,
                1043,
                1152,
                1154,
                1155,
                1156,
                1157,
                1158,
                1159,
                1160,
                1161,
                1184,
                2006,
                2013);
        put(FailureKind.SERVER_SHUTDOWN, LOST, Verdict.NONE, 1047, 1053, 1077, 1078, 1079, 1927, 3032, 3169);
        // the session idled: it was ended before COMMIT came
        put(FailureKind.SERVER_SHUTDOWN, LOST, Verdict.REFUSED, 4031);

        state("08", NO_ANSWER);
        state("0A", new Row(FailureKind.UNSUPPORTED, NONE, Verdict.NONE));
        state("21", new Row(FailureKind.DATA, NONE, Verdict.NONE));
        state("22", new Row(FailureKind.DATA, NONE, Verdict.NONE));
        state("25", new Row(FailureKind.TX_STATE, NONE, Verdict.NONE));
        state("28", new Row(FailureKind.PERMISSION, NONE, Verdict.NONE));
        state("40", new Row(FailureKind.SERIALIZATION, DOOMED, Verdict.NONE));
        state("42", new Row(FailureKind.SYNTAX, NONE, Verdict.NONE));
        state("70", CANCELLED);
        state("XA", new Row(FailureKind.TX_STATE, DOOMED, Verdict.NONE));

        BY_TYPE.put(SQLTimeoutException.class, new Row(FailureKind.STATEMENT_TIMEOUT, NONE, Verdict.NONE));
        BY_TYPE.put(SQLTransientConnectionException.class, NO_ANSWER);
        BY_TYPE.put(SQLNonTransientConnectionException.class, NO_ANSWER);
        BY_TYPE.put(SQLRecoverableException.class, NO_ANSWER);
    }

    private MysqlErrorTable() {}

    /** Whether an error's number is in the table. */
    static boolean knows(SQLException error) {
        return BY_CODE.containsKey(error.getErrorCode());
    }

    /** Whether a table is not there, is another than expected, or may not be used. */
    static boolean isOfTables(SQLException error) {
        return switch (error.getErrorCode()) {
            case 1054, 1142, 1143, 1146 -> true;
            default -> false;
        };
    }

    /** What an error means. */
    static Row row(SQLException error, Phase phase) {
        Row byCode = BY_CODE.get(error.getErrorCode());
        if (byCode != null) {
            return byCode;
        }
        String state = error.getSQLState();
        if (MOVED_BY_MARIADB_DRIVER.equals(state)) {
            return NO_ANSWER;
        }
        return state == null
                ? rowByType(error, phase)
                : BY_STATE_CLASS.getOrDefault(
                        state.substring(0, Math.min(2, state.length())), isCutShort(error) ? NO_ANSWER : UNHEARD_OF);
    }

    /** Connector/J tells by the cause alone that the connection was lost in the middle of a packet: the state is S1000. */
    private static boolean isCutShort(SQLException error) {
        Throwable cause = error.getCause();
        for (int depth = 0; cause != null && depth < DEEPEST; depth++) {
            if (cause instanceof EOFException || cause instanceof SocketException) {
                return true;
            }
            cause = cause.getCause();
        }
        return false;
    }

    private static Row rowByType(SQLException error, Phase phase) {
        if (phase == Phase.ACQUIRE) {
            // HikariCP: no connection came free in time, and none failed to be made either
            return error instanceof SQLTransientConnectionException ? POOL_EXHAUSTED : NO_ANSWER;
        }
        if (error.getClass().getSimpleName().equals(CANCELLED_BY_CONNECTOR_J)) {
            return CANCELLED;
        }
        return BY_TYPE.entrySet().stream()
                .filter(entry -> entry.getKey().isInstance(error))
                .map(Map.Entry::getValue)
                .findFirst()
                .orElse(SAYS_NOTHING);
    }

    private static void constraint(FailureKind kind, int... codes) {
        put(kind, NONE, Verdict.REFUSED_IF_WHOLE_AND_LAST, codes);
    }

    private static void raised(FailureKind kind, int... codes) {
        put(kind, NONE, Verdict.NONE, codes);
    }

    private static void put(FailureKind kind, FailureEffect effect, Verdict verdict, int... codes) {
        for (int code : codes) {
            @Nullable Row before = BY_CODE.put(code, new Row(kind, effect, verdict));
            if (before != null) {
                throw new IllegalStateException(code + " is in the table twice");
            }
        }
    }

    private static void state(String stateClass, Row row) {
        BY_STATE_CLASS.put(stateClass, row);
    }
}
