package dev.holdfast.tx.mysql;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.Level;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.TestHooks;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Finds out what a server is. Its variables are asked for by {@code SHOW VARIABLES LIKE}, which answers with no row where
 * there is none of that name, and so raises no error on any member of the family.
 */
final class MysqlProfiles {
    private static final String VERSION = "version";
    /** The name of the variable that a row is about; nobody looks at it. */
    private static final String NAME = "name";

    private static final String ISOLATION = "transaction_isolation";
    private static final String OLD_ISOLATION = "tx_isolation";
    private static final String READ_ONLY = "transaction_read_only";
    private static final String OLD_READ_ONLY = "tx_read_only";
    private static final String AURORA = "aurora_version";
    private static final String SQL_MODE = "sql_mode";
    private static final String DATABASE = "database";
    /** The part of {@code sql_mode} with which a backslash in a string is nothing but that. */
    private static final String NO_BACKSLASH_ESCAPES = "NO_BACKSLASH_ESCAPES";

    /** MySQL: whether transactions have ids, by which replicas follow. */
    private static final String GTID_MODE = "gtid_mode";
    /** Whether there is a log that replicas could follow. MariaDB's transactions have ids in it. */
    private static final String LOG_BIN = "log_bin";

    /** MariaDB: whether REPEATABLE READ is snapshot isolation. Absent where the server does not know it. */
    static final String SNAPSHOT_ISOLATION = "innodb_snapshot_isolation";
    /** Whether 1205 rolls the transaction back, and not the statement alone. */
    static final String ROLLBACK_ON_TIMEOUT = "innodb_rollback_on_timeout";

    private static final List<String> VARIABLES = List.of(
            ISOLATION,
            OLD_ISOLATION,
            READ_ONLY,
            OLD_READ_ONLY,
            AURORA,
            SNAPSHOT_ISOLATION,
            ROLLBACK_ON_TIMEOUT,
            SQL_MODE,
            GTID_MODE,
            LOG_BIN);

    private static final Feature[] ALL = {
        Feature.SAVEPOINTS,
        Feature.SAVEPOINT_RELEASE,
        Feature.READ_ONLY,
        Feature.LOCK_TIMEOUT,
        Feature.STATEMENT_TIMEOUT,
        Feature.VERIFIABLE,
        Feature.LOCK_UPDATE,
        Feature.LOCK_SHARE,
        Feature.LOCK_OF,
        Feature.LOCK_NO_WAIT,
        Feature.LOCK_SKIP_LOCKED,
        Feature.LOCK_WAIT_AT_MOST,
        Feature.REPLICAS,
        Feature.CAUSAL_READS
    };

    private MysqlProfiles() {}

    static Message probe() {
        List<Step> steps = new ArrayList<>();
        steps.add(Step.query("SELECT VERSION()", VERSION));
        steps.add(Step.query("SELECT ifnull(DATABASE(), '')", DATABASE));
        VARIABLES.forEach(variable -> steps.add(Step.query("SHOW VARIABLES LIKE '" + variable + "'", NAME, variable)));
        return new Message(Message.Travel.EACH, steps);
    }

    static Profile of(Identity identity, Answers answers) {
        String text = answers.get(VERSION, identity.productVersion());
        MysqlFlavour flavour = MysqlFlavour.of(text, answers.get(AURORA) != null);
        int[] version = flavour.versionIn(text);
        Isolation byDefault = isolation(answers.get(ISOLATION, answers.get(OLD_ISOLATION, "REPEATABLE-READ")));
        Profile.Builder profile = Profile.of(identity, flavour.title)
                .version(version[0], version[1])
                .defaultIsolation(byDefault)
                .features(ALL)
                .without(flavour.missing())
                .fact(ROLLBACK_ON_TIMEOUT, Boolean.toString(isOn(answers, ROLLBACK_ON_TIMEOUT)))
                .fact(NO_BACKSLASH_ESCAPES, Boolean.toString(hasMode(answers, NO_BACKSLASH_ESCAPES)))
                .fact(READ_ONLY, Boolean.toString(isOn(answers, READ_ONLY) || isOn(answers, OLD_READ_ONLY)));
        if (!isOn(answers, flavour == MysqlFlavour.MARIADB ? LOG_BIN : GTID_MODE)) {
            profile.without(Feature.CAUSAL_READS);
        }
        String snapshots = answers.get(SNAPSHOT_ISOLATION);
        if (snapshots != null) {
            profile.fact(SNAPSHOT_ISOLATION, Boolean.toString(isOn(answers, SNAPSHOT_ISOLATION)));
        }
        String database = answers.get(DATABASE);
        if (database != null && database.isEmpty()) {
            profile.without(Feature.VERIFIABLE); // there is no place for a table
        } else if (database != null) {
            profile.fact(DATABASE, database);
        }
        levels(flavour, answers, byDefault)
                .forEach((asked, level) -> profile.level(asked, level.nativeName(), level.model()));
        if (flavour.isMysql() || flavour == MysqlFlavour.MARIADB) {
            profile.option(MysqlOptions.CONSISTENT_SNAPSHOT);
        }
        return profile.build();
    }

    /** MySQL as it is installed, seen through Connector/J on a pool of Holdfast's own. */
    static Profile typical() {
        Identity identity =
                new Identity("MySQL", "9.7.0", "MySQL Connector/J", "26.10", "jdbc:mysql:", Identity.Autocommit.OFF);
        return of(identity, new Answers(Map.of(VERSION, "9.7.0", ISOLATION, "REPEATABLE-READ")));
    }

    /** Whether 1205 rolls the transaction back, and not the statement alone. */
    static boolean rollsBackOnTimeout(Profile profile) {
        return Boolean.parseBoolean(profile.fact(ROLLBACK_ON_TIMEOUT));
    }

    /** The one that connections begin in; null where it was not asked for, or there is none. */
    static @Nullable String database(Profile profile) {
        return profile.fact(DATABASE);
    }

    /** Whether commits have positions. */
    static boolean knowsPositions(Profile profile) {
        return profile.has(Feature.CAUSAL_READS);
    }

    /** Whether snapshot isolation can be asked for, by a variable of the session. */
    static boolean knowsSnapshotIsolation(Profile profile) {
        return profile.fact(SNAPSHOT_ISOLATION) != null;
    }

    /** Whether a backslash in a string escapes what follows it. */
    static boolean escapesByBackslash(Profile profile) {
        return !Boolean.parseBoolean(profile.fact(NO_BACKSLASH_ESCAPES));
    }

    /** Whether transactions are read-only unless they say otherwise. */
    static boolean isReadOnlyByDefault(Profile profile) {
        return Boolean.parseBoolean(profile.fact(READ_ONLY));
    }

    private static boolean isOn(Answers answers, String variable) {
        String value = answers.get(variable, "OFF");
        return value.equalsIgnoreCase("ON") || value.equals("1");
    }

    private static boolean hasMode(Answers answers, String mode) {
        return List.of(answers.get(SQL_MODE, "").toUpperCase(Locale.ROOT).split(",", -1))
                .contains(mode);
    }

    private static Map<Isolation, Level> levels(MysqlFlavour flavour, Answers answers, Isolation byDefault) {
        Map<Isolation, Level> levels = new EnumMap<>(Isolation.class);
        if (flavour == MysqlFlavour.VITESS) {
            // over several shards there is no snapshot and no order, whatever each of them keeps
            IsolationModel model = byDefault == Isolation.READ_UNCOMMITTED ? IsolationModel.RU : IsolationModel.RC;
            levels.put(byDefault, new Level(byDefault.name().replace('_', ' '), model));
            return levels;
        }
        // on TiDB as on InnoDB: its transactions are pessimistic by default, so what writes or locks reads the latest
        // commit
        IsolationModel repeatable = isOn(answers, SNAPSHOT_ISOLATION) ? IsolationModel.SI : IsolationModel.RR_INNODB;
        levels.put(Isolation.READ_COMMITTED, new Level("READ COMMITTED", IsolationModel.RC));
        levels.put(Isolation.REPEATABLE_READ, new Level("REPEATABLE READ", repeatable));
        if (answers.get(SNAPSHOT_ISOLATION) != null) {
            levels.put(Isolation.SNAPSHOT, new Level("REPEATABLE READ", IsolationModel.SI));
        }
        if (flavour != MysqlFlavour.TIDB) {
            levels.put(Isolation.READ_UNCOMMITTED, new Level("READ UNCOMMITTED", IsolationModel.RU));
            levels.put(Isolation.SERIALIZABLE, new Level("SERIALIZABLE", IsolationModel.SER));
        }
        return levels;
    }

    private static Isolation isolation(String setting) {
        return switch (setting.toUpperCase(Locale.ROOT).replace(' ', '-')) {
            case "READ-UNCOMMITTED" -> Isolation.READ_UNCOMMITTED;
            case "READ-COMMITTED" -> Isolation.READ_COMMITTED;
            case "SERIALIZABLE" -> Isolation.SERIALIZABLE;
            default -> Isolation.REPEATABLE_READ;
        };
    }

    /**
     * What tests need. A {@code sleep} that is interrupted is no error by itself, only the row after it is (MySQL 8.0), so there are two. The servers'
     * {@code innodb_trx} is a copy, not renewed as long as somebody looks more often than ten times a second: where there is
     * nothing better, the question waits that long by itself.
     */
    static TestHooks testHooks(Profile profile) {
        TestHooks hooks = TestHooks.NONE
                .slow("select count(*) from (select 1 as n union all select 2) t where sleep(600) = 0")
                .sessionId("SELECT CONNECTION_ID()")
                .kill("KILL {session}");
        return switch (MysqlFlavour.of(profile)) {
            case MYSQL, AURORA ->
                hooks.idleLimit("SET wait_timeout = 1")
                        .isWaiting("SELECT 1 FROM performance_schema.data_lock_waits w"
                                + " JOIN performance_schema.threads t ON t.THREAD_ID = w.REQUESTING_THREAD_ID"
                                + " WHERE t.PROCESSLIST_ID = {session}");
            case MARIADB ->
                hooks.idleLimit("SET idle_transaction_timeout = 1")
                        .isWaiting("SELECT 1 FROM (SELECT sleep(0.11) AS slept) s WHERE EXISTS ("
                                + "SELECT 1 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
                                + " AND trx_mysql_thread_id = {session} + s.slept)");
            case TIDB, VITESS -> TestHooks.NONE;
        };
    }
}
