package dev.holdfast.tx.sqlite;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Step;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;

/** What is asked of a database once, and what follows from the answers. */
final class SqliteFacts {
    static final String VERSION = "sqlite_version";
    static final String QUERY_ONLY = "query_only";
    static final String READ_UNCOMMITTED = "read_uncommitted";
    static final String FOREIGN_KEYS = "foreign_keys";
    static final String BUSY_TIMEOUT = "busy_timeout";
    static final String JOURNAL_MODE = "journal_mode";

    /** The pragmas that plans depend on, with what {@code Holdfast.connect} makes them. */
    private static final Map<String, String> PRAGMAS = pragmas();

    private static final Feature[] ALWAYS = {
        Feature.SAVEPOINTS,
        Feature.SAVEPOINT_RELEASE,
        Feature.READ_ONLY,
        Feature.BEGIN_MODE,
        Feature.LOCK_TIMEOUT,
        Feature.STATEMENT_TIMEOUT,
        Feature.TRANSACTIONAL_DDL,
        Feature.SINGLE_WRITER
    };

    /** Row locks are had by holding the write lock, and commits are settled by writing a row. */
    private static final Feature[] OF_WRITERS = {
        Feature.VERIFIABLE,
        Feature.LOCK_UPDATE,
        Feature.LOCK_SHARE,
        Feature.LOCK_OF,
        Feature.LOCK_NO_WAIT,
        Feature.LOCK_WAIT_AT_MOST
    };

    private SqliteFacts() {}

    private static Map<String, String> pragmas() {
        Map<String, String> pragmas = new LinkedHashMap<>();
        pragmas.put(QUERY_ONLY, "0");
        pragmas.put(READ_UNCOMMITTED, "0");
        pragmas.put(FOREIGN_KEYS, "1");
        pragmas.put(BUSY_TIMEOUT, "5000");
        pragmas.put(JOURNAL_MODE, "wal");
        return pragmas;
    }

    static Message probe() {
        Step version = Step.query("SELECT sqlite_version()", VERSION);
        return Message.each(Stream.concat(
                        Stream.of(version),
                        PRAGMAS.keySet().stream().map(pragma -> Step.query("PRAGMA " + pragma, pragma)))
                .toArray(Step[]::new));
    }

    static Profile profile(Identity identity, Answers answers) {
        String[] version = answers.get(VERSION, identity.productVersion()).split("\\D+");
        Profile.Builder profile = Profile.of(identity, "SQLite")
                .version(number(version, 0), number(version, 1))
                .defaultIsolation(Isolation.SERIALIZABLE)
                .features(ALWAYS);
        for (Isolation isolation : Isolation.values()) {
            profile.level(isolation, "SERIALIZABLE", IsolationModel.SER);
        }
        PRAGMAS.keySet().forEach(pragma -> profile.fact(pragma, answers.get(pragma, "0")));
        if (!"1".equals(answers.get(QUERY_ONLY))) {
            profile.features(OF_WRITERS);
        }
        if ("1".equals(answers.get(FOREIGN_KEYS))) {
            profile.features(Feature.DEFERRED_CONSTRAINTS);
        }
        return profile.build();
    }

    static Profile typical() {
        return profile(
                new Identity(
                                "SQLite",
                                "3.54.1",
                                "SQLite JDBC",
                                "3.54.1.0",
                                "jdbc:sqlite:example.db",
                                Identity.Autocommit.ON)
                        .driverSettings(Map.of(SqlitePort.CANCELLABLE_WAITS, "true")),
                new Answers(PRAGMAS));
    }

    /** Whether every connection of the data source refuses writes. */
    static boolean onlyReads(Profile profile) {
        return isOn(profile, QUERY_ONLY);
    }

    static boolean isOn(Profile profile, String pragma) {
        return "1".equals(profile.fact(pragma));
    }

    /** How long a connection of the data source waits for a lock, in milliseconds. */
    static long busyTimeout(Profile profile) {
        String millis = profile.fact(BUSY_TIMEOUT);
        return millis == null ? 0 : Long.parseLong(millis);
    }

    private static int number(String[] version, int index) {
        return index < version.length && !version[index].isEmpty() ? Integer.parseInt(version[index]) : 0;
    }
}
