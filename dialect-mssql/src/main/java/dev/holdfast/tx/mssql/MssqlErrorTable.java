package dev.holdfast.tx.mssql;

import static dev.holdfast.tx.CommitFate.ROLLED_BACK;
import static dev.holdfast.tx.CommitFate.STILL_OPEN;
import static dev.holdfast.tx.CommitFate.UNKNOWN;
import static dev.holdfast.tx.FailureEffect.ASK;
import static dev.holdfast.tx.FailureEffect.DOOMED;
import static dev.holdfast.tx.FailureEffect.ENDED;
import static dev.holdfast.tx.FailureEffect.LOST;
import static dev.holdfast.tx.FailureEffect.NONE;

import dev.holdfast.tx.CommitFate;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import java.util.HashMap;
import java.util.Map;

/**
 * What error numbers mean (SQL Server documentation, Database engine events and errors; those of Azure in Troubleshoot
 * connectivity issues). The effect is that with {@code XACT_ABORT} off, of an error that the caller's own statement raised. A
 * procedure or trigger may have had it on, or have rolled back in a CATCH block and raised the error again: the number is the
 * same then.
 */
final class MssqlErrorTable {
    /** From here on numbers are the users': THROW and RAISERROR. */
    static final int FIRST_OF_USERS = 50_000;

    /** A foreign key or a check: the number is the same. */
    static final int CONSTRAINT = 547;

    /** A lock was not had in time, or not at once. */
    static final int LOCK_TIMEOUT = 1222;

    /** The database of the login cannot be opened: forbidden, missing, or, on Azure, on its way. */
    static final int CANNOT_OPEN = 4060;

    /**
     * One line.
     *
     * @param kind what it is
     * @param effect on the transaction while XACT_ABORT is off
     * @param atCommit as the answer to COMMIT
     * @param underAbort what XACT_ABORT makes of an effect that is none
     */
    record Row(FailureKind kind, FailureEffect effect, CommitFate atCommit, FailureEffect underAbort) {}

    private static final Map<Integer, Row> ROWS = new HashMap<>();

    /** A number that is not in the table may have ended the transaction or not. */
    private static final Row UNHEARD_OF = new Row(FailureKind.OTHER, ASK, UNKNOWN, ASK);

    /**
     * Procedures raise these, by RAISERROR or THROW, and often after a rollback of their own. The number does not tell whether
     * there was one.
     */
    private static final Row OF_USERS = new Row(FailureKind.OTHER, ASK, UNKNOWN, ASK);

    static {
        undone(FailureKind.UNIQUE, 2601, 2627);
        undone(FailureKind.NOT_NULL, 515);
        undone(FailureKind.OTHER, CONSTRAINT);
        undone(FailureKind.CHECK, 550);
        // What does not fit: of a number too large, a text too long, a division by zero, only the statement is undone
        // ... and of a subquery that has more than one row ...
        undone(FailureKind.DATA, 220, 232, 512, 517, 2628, 8115, 8134, 8152);
        // ... and a text that is no number, date or id ends the batch and the transaction.
        ended(FailureKind.DATA, 235, 241, 242, 244, 245, 248, 293, 295, 296, 8114, 8169, 9803);
        ended(FailureKind.UNIQUE, 1505);

        ended(FailureKind.DEADLOCK, 1205);
        ended(FailureKind.SERIALIZATION, 3960, 3961, 41301, 41302, 41305, 41325, 41839);
        undone(FailureKind.LOCK_TIMEOUT, LOCK_TIMEOUT);
        ended(FailureKind.UNSUPPORTED, 3951, 3952, 3953, 3956);
        put(FailureKind.UNSUPPORTED, ASK, UNKNOWN, 40510, 40512, 40515, 40517, 41317, 41332, 41333, 41368);

        undone(FailureKind.READ_ONLY, 3906);
        // BEGIN TRANSACTION could not run in a database that is being recovered, or is in bypass mode
        put(FailureKind.SERVER_SHUTDOWN, ASK, UNKNOWN, 3908);

        put(FailureKind.TX_ABORTED, DOOMED, STILL_OPEN, 3930, 3931);
        ended(FailureKind.TX_ABORTED, 3998);
        put(FailureKind.TX_STATE, ENDED, UNKNOWN, 3616); // of a trigger, and says that it was rolled back
        // Nobody can tell whether what is gone was committed or rolled back.
        put(FailureKind.TX_STATE, ASK, UNKNOWN, 628, 3902, 3903, 3609, 3971, 226, 266, 6401, 3910, 3918, 3988, 3989);

        put(FailureKind.RESOURCES, ASK, UNKNOWN, 701, 802, 1101, 1105, 1203, 1204, 1221, 9002, 40544);
        put(FailureKind.RESOURCES, ASK, UNKNOWN, 8621, 8623, 8628, 8631, 8645, 8651);
        ended(FailureKind.RESOURCES, 3957, 3958, 3966, 41805, 41823, 41840);

        undone(FailureKind.PERMISSION, 229, 230, 262, 297, 300, 371, 15151, 15247);
        refusedLogin(FailureKind.PERMISSION, 916, 18452, 18456, 18470, 18486, 18487, 18488, CANNOT_OPEN);
        compiled(
                101, 102, 105, 103, 104, 107, 108, 109, 110, 111, 113, 116, 119, 120, 121, 128, 130, 132, 134, 137, 142,
                145);
        compiled(
                147, 148, 154, 155, 156, 157, 170, 178, 189, 195, 201, 206, 207, 208, 209, 213, 214, 257, 264, 306, 319,
                402);
        compiled(1001, 1018, 1023, 1033, 1038, 1046, 1047, 2705, 2714, 2715, 2760, 2809, 2812, 3701, 4104, 4121, 4701);
        // 544: a value for an identity column
        compiled(544, 8101, 8117, 8120, 8144, 8145, 8146, 8155, 8178, 10734);
        // DDL that ran and failed may have ended the batch
        put(FailureKind.SYNTAX, ASK, UNKNOWN, 1750, 1767, 1769, 1776, 1913, 3726, 3727, 3728, 4902, 4922);
        // READPAST at a level that has none; hints that contradict each other
        compiled(650, 1065, 1069);

        lost(FailureKind.CONNECTION_LOST, 20, 64, 121, 233, 258, 10051, 10053, 10054, 10060, 10061, 11001, 26023);
        lost(FailureKind.SERVER_SHUTDOWN, 596, 615, 913, 921, 922, 924, 926, 927, 942, 945, 976, 978, 983, 988, 3449);
        lost(FailureKind.SERVER_SHUTDOWN, 4221, 6005, 9001, 17142, 17147, 17148, 18401, 18451, 21, 823, 824, 825);
        lost(FailureKind.SERVER_SHUTDOWN, 40020, 40143, 40166, 40197, 40501, 40540, 40613, 42108, 42109);
        lost(FailureKind.TOO_MANY_CONNECTIONS, 10922, 10928, 10929, 10936, 17300, 17809, 18461, 49918, 49919, 49920);
        lost(FailureKind.TX_TIMEOUT, 40549);
        lost(FailureKind.RESOURCES, 40550, 40551, 40552, 40553, 40554, 40557);
    }

    private MssqlErrorTable() {}

    /** What a number means. */
    static Row row(int number) {
        Row known = ROWS.get(number);
        if (known != null) {
            return known;
        }
        return number >= FIRST_OF_USERS ? OF_USERS : UNHEARD_OF;
    }

    /** Only the statement is undone. */
    private static void undone(FailureKind kind, int... numbers) {
        put(kind, NONE, UNKNOWN, numbers);
    }

    /** The server has rolled the transaction back, so COMMIT, too, was refused where it answers COMMIT. */
    private static void ended(FailureKind kind, int... numbers) {
        put(kind, ENDED, ROLLED_BACK, numbers);
    }

    /** The connection is not to be used again. */
    private static void lost(FailureKind kind, int... numbers) {
        put(kind, LOST, UNKNOWN, numbers);
    }

    /** There never was a connection. */
    private static void refusedLogin(FailureKind kind, int... numbers) {
        put(kind, ASK, UNKNOWN, numbers);
    }

    /** Found before the statement ran: most leave the transaction even under XACT_ABORT, but not all. */
    private static void compiled(int... numbers) {
        for (int number : numbers) {
            ROWS.put(number, new Row(FailureKind.SYNTAX, NONE, UNKNOWN, ASK));
        }
    }

    private static void put(FailureKind kind, FailureEffect effect, CommitFate atCommit, int... numbers) {
        for (int number : numbers) {
            ROWS.put(number, new Row(kind, effect, atCommit, effect == NONE ? ENDED : effect));
        }
    }
}
