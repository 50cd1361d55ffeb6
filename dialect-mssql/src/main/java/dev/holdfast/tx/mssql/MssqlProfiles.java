package dev.holdfast.tx.mssql;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.Level;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Step;
import java.util.EnumMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Finds out what a server is, with one query of functions and subqueries: it answers one row whatever the user may see, and
 * null for what is not known. No feature depends on the version, which Azure SQL gives as 12 for ever.
 */
final class MssqlProfiles {
    private static final String EDITION = "engine_edition";
    private static final String VERSION = "product_version";
    private static final String RCSI = "read_committed_snapshot";
    private static final String SNAPSHOT_STATE = "snapshot_isolation_state";
    private static final String UPDATEABILITY = "updateability";
    private static final String IS_READ_ONLY = "is_read_only";
    private static final String LEVEL = "isolation";
    private static final String XACT_ABORT = "xact_abort";
    private static final String BABELFISH = "babelfish";
    private static final String DATABASE = "database";

    /** The fact that READ COMMITTED reads row versions instead of waiting for locks. */
    private static final String READS_VERSIONS = "read committed snapshot";
    /** The fact that the database, as this connection sees it, takes no writes. */
    private static final String ONLY_READS = "only reads";
    /** The fact that XACT_ABORT is on in a new session. */
    private static final String ABORTS = "xact_abort by default";

    /** Azure Synapse: no savepoints, one level, no row locks. */
    private static final Set<Integer> WAREHOUSES = Set.of(6, 11);

    /** Azure SQL has this number, too, so it is refused only when the edition is known. */
    private static final int LAST_TOO_OLD = 12;

    /** In Azure SQL Database {@code DB_ID()} is not the number in {@code sys.databases}: the name is. */
    private static final Message PROBE = Message.each(Step.query(
            "SELECT CAST(SERVERPROPERTY('EngineEdition') AS int),"
                    + " CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)),"
                    + " (SELECT CAST(is_read_committed_snapshot_on AS int) FROM sys.databases WHERE name = DB_NAME()),"
                    + " (SELECT snapshot_isolation_state FROM sys.databases WHERE name = DB_NAME()),"
                    + " (SELECT CAST(is_read_only AS int) FROM sys.databases WHERE name = DB_NAME()),"
                    + " CAST(DATABASEPROPERTYEX(DB_NAME(), 'Updateability') AS nvarchar(128)),"
                    + " (SELECT transaction_isolation_level FROM sys.dm_exec_sessions WHERE session_id = @@SPID),"
                    + " CASE WHEN @@OPTIONS & 16384 = 0 THEN 'OFF' ELSE 'ON' END,"
                    + " CAST(SERVERPROPERTY('Babelfish') AS int),"
                    + " QUOTENAME(DB_NAME())",
            EDITION,
            VERSION,
            RCSI,
            SNAPSHOT_STATE,
            IS_READ_ONLY,
            UPDATEABILITY,
            LEVEL,
            XACT_ABORT,
            BABELFISH,
            DATABASE));

    private static final Feature[] ALWAYS = {
        Feature.SAVEPOINTS, Feature.LOCK_TIMEOUT, Feature.STATEMENT_TIMEOUT, Feature.TRANSACTIONAL_DDL
    };

    private static final Feature[] WHERE_ROWS_ARE_LOCKED = {
        Feature.VERIFIABLE,
        Feature.LOCK_UPDATE,
        Feature.LOCK_SHARE,
        Feature.LOCK_OF,
        Feature.LOCK_NO_WAIT,
        Feature.LOCK_SKIP_LOCKED,
        Feature.LOCK_WAIT_AT_MOST,
        Feature.REPLICAS
    };

    private MssqlProfiles() {}

    static Message probe() {
        return PROBE;
    }

    static Profile of(Identity identity, Answers answers) {
        int number = number(answers.get(EDITION, "3"));
        if (WAREHOUSES.contains(number)) {
            throw unknown(identity, "Azure Synapse, which has neither savepoints nor locks on rows");
        }
        if (MssqlEdition.of(number) == MssqlEdition.SQL_SERVER
                && number(answers.get(VERSION, "").split("\\.", -1)[0]) == LAST_TOO_OLD) {
            throw unknown(identity, "SQL Server 2014, and older than 2016");
        }
        if ("1".equals(answers.get(BABELFISH))) {
            throw unknown(identity, "Babelfish, which passes over what table hints ask for");
        }
        boolean onlyReads = "READ_ONLY".equals(answers.get(UPDATEABILITY));
        boolean secondary = onlyReads && !"1".equals(answers.get(IS_READ_ONLY));
        String[] version = answers.get(VERSION, identity.productVersion()).split("\\.", -1);
        Map<Isolation, Level> levels = levels("1".equals(answers.get(SNAPSHOT_STATE)), secondary);

        Profile.Builder profile = Profile.of(identity, MssqlEdition.of(number).title)
                .version(number(version[0]), version.length < 2 ? 0 : number(version[1]))
                .defaultIsolation(byDefault(answers.get(LEVEL, "2"), levels))
                .features(ALWAYS)
                .option(MssqlOptions.XACT_ABORT)
                .fact(READS_VERSIONS, String.valueOf(!"0".equals(answers.get(RCSI))))
                .fact(ONLY_READS, String.valueOf(onlyReads))
                .fact(ABORTS, String.valueOf("ON".equals(answers.get(XACT_ABORT))));
        String database = answers.get(DATABASE);
        if (database != null) {
            profile.fact(DATABASE, database);
        }
        levels.forEach((isolation, level) -> profile.level(isolation, level.nativeName(), level.model()));
        // A database that is only read takes no locks on rows, and passes over hints that ask for them.
        return profile.features(onlyReads ? new Feature[] {Feature.READ_ONLY} : WHERE_ROWS_ARE_LOCKED)
                .build();
    }

    static Profile typical() {
        Identity identity = new Identity(
                "Microsoft SQL Server",
                "17.00.1000",
                "Microsoft JDBC Driver 13.6 for SQL Server",
                "13.6.2.0",
                "jdbc:sqlserver:",
                Identity.Autocommit.ON);
        return of(
                identity,
                new Answers(Map.of(
                        EDITION, "3",
                        VERSION, "17.0.1000.7",
                        RCSI, "0",
                        SNAPSHOT_STATE, "0",
                        IS_READ_ONLY, "0",
                        UPDATEABILITY, "READ_WRITE",
                        LEVEL, "2",
                        XACT_ABORT, "OFF")));
    }

    /** Whether READ COMMITTED reads row versions; also where it is not known, for then it is better planned for. */
    static boolean readsVersions(Profile profile) {
        return isTrue(profile, READS_VERSIONS);
    }

    /** The one that connections begin in, in brackets; null where it was not asked for. */
    static @Nullable String database(Profile profile) {
        return profile.fact(DATABASE);
    }

    static boolean onlyReads(Profile profile) {
        return isTrue(profile, ONLY_READS);
    }

    static boolean abortsByDefault(Profile profile) {
        return isTrue(profile, ABORTS);
    }

    private static boolean isTrue(Profile profile, String fact) {
        return Boolean.parseBoolean(profile.fact(fact));
    }

    /**
     * SNAPSHOT needs ALLOW_SNAPSHOT_ISOLATION, fully on. A readable secondary reads from snapshots at every level
     * (SQL Server documentation, Offload read-only workload to secondary replica), which is less than SERIALIZABLE.
     */
    private static Map<Isolation, Level> levels(boolean snapshots, boolean secondary) {
        Map<Isolation, Level> levels = new EnumMap<>(Isolation.class);
        put(levels, Isolation.READ_UNCOMMITTED, secondary ? IsolationModel.SI : IsolationModel.RU);
        put(levels, Isolation.READ_COMMITTED, secondary ? IsolationModel.SI : IsolationModel.RC);
        put(levels, Isolation.REPEATABLE_READ, secondary ? IsolationModel.SI : IsolationModel.RR_LOCKING);
        if (snapshots) {
            put(levels, Isolation.SNAPSHOT, IsolationModel.SI);
        }
        if (!secondary) {
            put(levels, Isolation.SERIALIZABLE, IsolationModel.SER);
        }
        return levels;
    }

    private static void put(Map<Isolation, Level> levels, Isolation isolation, IsolationModel model) {
        levels.put(isolation, new Level(isolation.name().replace('_', ' '), model));
    }

    /** The numbers are those of {@code sys.dm_exec_sessions}; 0 is unspecified. What cannot be had is not the default. */
    private static Isolation byDefault(String number, Map<Isolation, Level> levels) {
        Isolation said = switch (number) {
            case "1" -> Isolation.READ_UNCOMMITTED;
            case "3" -> Isolation.REPEATABLE_READ;
            case "4" -> Isolation.SERIALIZABLE;
            case "5" -> Isolation.SNAPSHOT;
            default -> Isolation.READ_COMMITTED;
        };
        return levels.containsKey(said) ? said : Isolation.READ_COMMITTED;
    }

    private static int number(String text) {
        try {
            return Integer.parseInt(text.strip());
        } catch (NumberFormatException unknown) {
            return 0;
        }
    }

    private static TxUnsupportedException unknown(Identity identity, String what) {
        return new TxUnsupportedException(
                "The database at " + identity.url() + " is " + what + ": Holdfast has no dialect for it");
    }
}
