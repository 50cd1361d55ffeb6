package dev.holdfast.tx.postgres;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.Level;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Positions;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Replication;
import dev.holdfast.tx.spi.Step;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Finds out what a server is, with one query. It uses nothing but {@code current_setting(name, true)}, which answers null for
 * a setting that is not there, and so raises no error on any member of the family.
 */
final class PostgresProfiles {
    private static final String VERSION = "version";
    private static final String VERSION_NUMBER = "server_version_num";
    private static final String ISOLATION = "default_transaction_isolation";
    private static final String READ_ONLY = "default_transaction_read_only";
    private static final String STANDBY = "in_hot_standby";
    private static final String AURORA = "aurora";
    private static final String LOG_BLOCK = "wal_block_size";

    /** The fact that the server is a standby. */
    private static final String IS_STANDBY = "standby";
    /** The fact that transactions are read-only unless they say otherwise. */
    private static final String IS_READ_ONLY = "read-only by default";
    /** The fact that names the setting behind which a dead client's transaction ends. */
    private static final String WHOLE_TIMEOUT = "setting for the whole timeout";

    private static final Message PROBE = Message.each(Step.query(
            "SELECT version(), current_setting('server_version_num', true),"
                    + " current_setting('default_transaction_isolation', true),"
                    + " current_setting('default_transaction_read_only', true),"
                    + " current_setting('in_hot_standby', true),"
                    + " (SELECT count(*) FROM pg_catalog.pg_proc WHERE proname = 'aurora_version'),"
                    + " current_setting('wal_block_size', true)",
            VERSION,
            VERSION_NUMBER,
            ISOLATION,
            READ_ONLY,
            STANDBY,
            AURORA,
            LOG_BLOCK));

    private static final String ROLE =
            "CASE WHEN pg_is_in_recovery() THEN '" + Replication.REPLICA + "' ELSE '" + Replication.PRIMARY + "' END";
    private static final Message STANDBY_ALONE = Message.each(Step.query("SELECT " + ROLE, Replication.ROLE));
    private static final Message STANDBY_AND_POSITION = Message.each(
            Step.query("SELECT " + ROLE + ", " + PostgresPositions.REPLAYED, Replication.ROLE, Positions.POSITION));

    private static final Feature[] ALL = {
        Feature.SAVEPOINTS,
        Feature.SAVEPOINT_RELEASE,
        Feature.READ_ONLY,
        Feature.READ_ONLY_SAVEPOINT,
        Feature.DEFERRED_CONSTRAINTS,
        Feature.IMMEDIATE_CONSTRAINTS,
        Feature.NAMED_CONSTRAINTS,
        Feature.LOCK_TIMEOUT,
        Feature.STATEMENT_TIMEOUT,
        Feature.VERIFIABLE,
        Feature.LOCK_UPDATE,
        Feature.LOCK_SHARE,
        Feature.LOCK_OF,
        Feature.LOCK_NO_WAIT,
        Feature.LOCK_SKIP_LOCKED,
        Feature.LOCK_WAIT_AT_MOST,
        Feature.TRANSACTIONAL_DDL,
        Feature.REPLICAS,
        Feature.CAUSAL_READS
    };

    /** What needs a server that writes. */
    private static final Feature[] OF_A_PRIMARY = {
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

    private static final Level READ_COMMITTED = new Level("READ COMMITTED", IsolationModel.RC);
    private static final Level REPEATABLE_READ = new Level("REPEATABLE READ", IsolationModel.SI);
    private static final Level SERIALIZABLE = new Level("SERIALIZABLE", IsolationModel.SER);

    private static final Map<Isolation, Level> ALL_LEVELS = new EnumMap<>(Map.of(
            Isolation.READ_UNCOMMITTED, READ_COMMITTED,
            Isolation.READ_COMMITTED, READ_COMMITTED,
            Isolation.REPEATABLE_READ, REPEATABLE_READ,
            Isolation.SNAPSHOT, REPEATABLE_READ,
            Isolation.SERIALIZABLE, SERIALIZABLE));

    private PostgresProfiles() {}

    static Message probe() {
        return PROBE;
    }

    static Profile of(Identity identity, Answers answers) {
        String text = answers.get(VERSION, "");
        PostgresFlavour flavour =
                PostgresFlavour.of(text, !answers.get(AURORA, "0").equals("0"));
        int[] version = flavour.versionIn(text);
        int postgres = Integer.parseInt(answers.get(VERSION_NUMBER, "0")) / 10_000;
        boolean standby = answers.get(STANDBY, "off").equals("on");
        Isolation byDefault = isolation(answers.get(ISOLATION, "read committed"));

        Profile.Builder profile = Profile.of(identity, flavour.title)
                .version(version[0], version[1])
                .defaultIsolation(byDefault)
                .features(ALL)
                .without(flavour.missing())
                .without(standby ? OF_A_PRIMARY : new Feature[0])
                .fact(IS_STANDBY, Boolean.toString(standby))
                .fact(LOG_BLOCK, answers.get(LOG_BLOCK, "8192"))
                .fact(
                        IS_READ_ONLY,
                        Boolean.toString(answers.get(READ_ONLY, "off").equals("on")))
                .fact(WHOLE_TIMEOUT, wholeTimeout(flavour, postgres));
        if (postgres < 13) {
            profile.without(Feature.VERIFIABLE);
        }
        levels(flavour, standby, byDefault)
                .forEach((asked, level) -> profile.level(asked, level.nativeName(), level.model()));
        if (flavour.isPostgres()) {
            profile.option(PostgresOptions.SYNCHRONOUS_COMMIT);
            profile.option(PostgresOptions.LABEL_AS_APPLICATION_NAME);
            if (!standby) {
                profile.option(PostgresOptions.DEFERRABLE);
            }
        }
        return profile.build();
    }

    /** PostgreSQL 18 as it is installed, seen through pgjdbc. */
    static Profile typical() {
        Identity identity = new Identity(
                "PostgreSQL", "18.0", "PostgreSQL JDBC Driver", "42.7", "jdbc:postgresql:", Identity.Autocommit.ON);
        return of(identity, new Answers(Map.of(VERSION, "PostgreSQL 18.0", VERSION_NUMBER, "180000")));
    }

    static Replication replication(Profile profile) {
        return profile.has(Feature.CAUSAL_READS)
                ? new Replication(
                        STANDBY_AND_POSITION,
                        new PostgresPositions(Long.parseLong(profile.facts().getOrDefault(LOG_BLOCK, "8192"))))
                : new Replication(STANDBY_ALONE, null);
    }

    static boolean isStandby(Profile profile) {
        return isTrue(profile, IS_STANDBY);
    }

    static boolean isReadOnlyByDefault(Profile profile) {
        return isTrue(profile, IS_READ_ONLY);
    }

    static String wholeTimeoutSetting(Profile profile) {
        return profile.facts().getOrDefault(WHOLE_TIMEOUT, "idle_in_transaction_session_timeout");
    }

    private static boolean isTrue(Profile profile, String fact) {
        return Boolean.parseBoolean(profile.fact(fact));
    }

    private static String wholeTimeout(PostgresFlavour flavour, int postgres) {
        return flavour.isPostgres() && postgres >= 17 ? "transaction_timeout" : "idle_in_transaction_session_timeout";
    }

    /**
     * What each flavour makes of each level. A standby cannot be serializable (PostgreSQL manual, Hot Standby), and
     * CockroachDB's repeatable read is off by default. The level that a server itself names as its default is there anyhow.
     */
    private static Map<Isolation, Level> levels(PostgresFlavour flavour, boolean standby, Isolation byDefault) {
        Set<Isolation> lacking = EnumSet.noneOf(Isolation.class);
        if (standby) {
            lacking.add(Isolation.SERIALIZABLE);
        }
        if (flavour == PostgresFlavour.COCKROACHDB) {
            lacking.add(Isolation.REPEATABLE_READ);
            lacking.add(Isolation.SNAPSHOT);
        }
        lacking.remove(byDefault);
        Map<Isolation, Level> levels = new EnumMap<>(ALL_LEVELS);
        levels.keySet().removeAll(lacking);
        return levels;
    }

    private static Isolation isolation(String setting) {
        String name = setting.toUpperCase(Locale.ROOT).replace(' ', '_');
        return ALL_LEVELS.keySet().stream()
                .filter(level -> level.name().equals(name))
                .findFirst()
                .orElse(Isolation.READ_COMMITTED);
    }
}
