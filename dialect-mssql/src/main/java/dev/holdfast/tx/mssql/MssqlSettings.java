package dev.holdfast.tx.mssql;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Level;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Step;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * What options change in the session. Each setting is read before, and put back after.
 *
 * @param name of the slot for what it was
 * @param read an expression for what it is, never null: a commit message must not lack a value
 * @param statement that sets it, up to the value
 * @param value during the transaction
 */
record MssqlSettings(String name, String read, String statement, String value) {
    private static final String READ_LEVEL =
            "CASE (SELECT transaction_isolation_level FROM sys.dm_exec_sessions WHERE session_id = @@SPID)"
                    + " WHEN 1 THEN 'READ UNCOMMITTED' WHEN 3 THEN 'REPEATABLE READ' WHEN 4 THEN 'SERIALIZABLE'"
                    + " WHEN 5 THEN 'SNAPSHOT' ELSE 'READ COMMITTED' END";
    private static final String READ_XACT_ABORT = "CASE WHEN @@OPTIONS & 16384 = 0 THEN 'OFF' ELSE 'ON' END";
    private static final String READ_LOCK_TIMEOUT = "@@LOCK_TIMEOUT";
    private static final String LOCK_TIMEOUT = "SET LOCK_TIMEOUT ";

    /** What the options ask for. A level is sent even if it is the default that was probed: the session's may differ. */
    static List<MssqlSettings> of(TxOptions options, Profile profile) {
        List<MssqlSettings> settings = new ArrayList<>();
        Isolation isolation = options.isolation();
        Level level = isolation == null ? null : profile.levels().get(isolation);
        if (level != null) {
            settings.add(new MssqlSettings(
                    "isolation_was", READ_LEVEL, "SET TRANSACTION ISOLATION LEVEL ", level.nativeName()));
        }
        Duration lockTimeout = options.lockTimeout();
        if (lockTimeout != null) {
            settings.add(lockTimeout("lock_timeout_was", lockTimeout));
        }
        Boolean xactAbort = options.get(MssqlOptions.XACT_ABORT);
        if (xactAbort != null) {
            settings.add(
                    new MssqlSettings("xact_abort_was", READ_XACT_ABORT, "SET XACT_ABORT ", xactAbort ? "ON" : "OFF"));
        }
        return settings;
    }

    /** Limits waiting for locks; in milliseconds, rounded up, for zero would mean not to wait at all. */
    static MssqlSettings lockTimeout(String name, Duration limit) {
        long millis = limit.plusNanos(999_999).toMillis();
        long sent = Math.min(Math.max(millis, 1), Integer.MAX_VALUE);
        return new MssqlSettings(name, READ_LOCK_TIMEOUT, LOCK_TIMEOUT, Long.toString(sent));
    }

    /** Puts a lock timeout back whose slot has this name; left out where it was never read. */
    static Step putLockTimeoutBack(String name) {
        return putBack(LOCK_TIMEOUT, name);
    }

    /** One query for what all of them are. */
    static Step.Sql readAll(List<MssqlSettings> settings) {
        return Step.query(
                "SELECT "
                        + String.join(
                                ", ", settings.stream().map(MssqlSettings::read).toList()),
                settings.stream().map(MssqlSettings::name).toArray(String[]::new));
    }

    Step set() {
        return Step.sql(statement + value);
    }

    Step putBack() {
        return putBack(statement, name);
    }

    private static Step putBack(String statement, String name) {
        return new Step.Sql(statement + "{" + name + "}", List.of(), List.of(name));
    }
}
