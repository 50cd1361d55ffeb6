package dev.holdfast.tx.mysql;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Level;
import dev.holdfast.tx.spi.Profile;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What options become: modes of the transaction, and variables of the session. A transaction takes its modes with it. A
 * variable stays, so it is kept in a variable of the user's, whose name begins with {@code @hf_}, until it is put back.
 */
final class MysqlSettings {
    /**
     * A variable of the session that is different during the transaction.
     *
     * @param name of the variable
     * @param value as it is assigned
     * @param type that a variable of the user's is cast to, for it may not have been assigned yet and have another one
     */
    record Variable(String name, String value, String type) {
        Variable(String name, String value) {
            this(name, value, "SIGNED");
        }

        private String kept() {
            return "@hf_" + name;
        }
    }

    /** The most seconds that any of the variables takes. */
    private static final long MOST_SECONDS = 31_536_000;

    private static final Duration LONGEST = Duration.ofSeconds(MOST_SECONDS);

    /**
     * How long after the whole timeout the server ends a transaction by itself. It is a net for a client that died: one that
     * lives has given up by then.
     */
    private static final Duration GRACE = Duration.ofSeconds(1);

    private static final long MOST_MILLIS = 4_294_967_295L;

    private MysqlSettings() {}

    /**
     * What has to be said of the transaction in {@code SET TRANSACTION}; null for nothing. A level is sent even if it is the
     * default that was probed: somebody may have changed the session's since. Vitess has the one level only.
     *
     * @param starts whether {@code START TRANSACTION} follows, which takes the access mode itself
     */
    static @Nullable String modes(TxOptions options, Profile profile, boolean starts) {
        List<String> modes = new ArrayList<>();
        Isolation isolation = options.isolation();
        Level level = isolation == null ? null : profile.levels().get(isolation);
        if (level != null && MysqlFlavour.of(profile) != MysqlFlavour.VITESS) {
            modes.add("ISOLATION LEVEL " + level.nativeName());
        }
        String access = access(options, profile);
        if (access != null && !starts) {
            modes.add(access);
        }
        return modes.isEmpty() ? null : "SET TRANSACTION " + String.join(", ", modes);
    }

    /** What begins a transaction where connections are on autocommit; it does not take a level. */
    static String start(TxOptions options, Profile profile) {
        List<String> words = new ArrayList<>();
        if (MysqlPlans.takesSnapshot(options)) {
            words.add("WITH CONSISTENT SNAPSHOT");
        }
        String access = access(options, profile);
        if (access != null) {
            words.add(access);
        }
        return words.isEmpty() ? "START TRANSACTION" : "START TRANSACTION " + String.join(", ", words);
    }

    private static @Nullable String access(TxOptions options, Profile profile) {
        if (options.access() == Access.READ_ONLY) {
            return "READ ONLY";
        }
        return options.access() == Access.READ_WRITE && MysqlProfiles.isReadOnlyByDefault(profile)
                ? "READ WRITE"
                : null;
    }

    /** The variables that are different during the transaction. */
    static List<Variable> variables(TxOptions options, Profile profile) {
        List<Variable> variables = new ArrayList<>();
        if (options.isolation() == Isolation.SNAPSHOT && MysqlProfiles.knowsSnapshotIsolation(profile)) {
            variables.add(new Variable(MysqlProfiles.SNAPSHOT_ISOLATION, "ON"));
        }
        Duration lock = options.lockTimeout();
        if (lock != null) {
            variables.add(lockTimeout(lock));
            variables.add(new Variable("lock_wait_timeout", Long.toString(wholeSeconds(lock))));
        }
        Duration statement = options.statementTimeout();
        MysqlFlavour flavour = MysqlFlavour.of(profile);
        if (statement != null) {
            variables.add(
                    flavour == MysqlFlavour.MARIADB
                            ? new Variable("max_statement_time", seconds(statement), "DECIMAL(20, 6)")
                            : new Variable("max_execution_time", Long.toString(millis(statement))));
        }
        Duration whole = options.wholeTimeout();
        String idleLimit = idleLimit(flavour);
        if (whole != null && idleLimit != null) {
            Duration end = whole.compareTo(LONGEST) >= 0 ? LONGEST : whole.plus(GRACE);
            variables.add(new Variable(idleLimit, Long.toString(wholeSeconds(end))));
        }
        return variables;
    }

    /**
     * The variable by which the server ends a session whose client does nothing, and its transaction with it; null if there is
     * none. MariaDB has one that counts in transactions only.
     */
    static @Nullable String idleLimit(MysqlFlavour flavour) {
        return switch (flavour) {
            case MARIADB -> "idle_transaction_timeout";
            case MYSQL, AURORA -> "wait_timeout";
            case TIDB, VITESS -> null;
        };
    }

    /** Limits waiting for row locks. */
    static Variable lockTimeout(Duration limit) {
        return new Variable("innodb_lock_wait_timeout", Long.toString(wholeSeconds(limit)));
    }

    /** Keeps the variables as they are and changes them, in one statement. */
    static String change(List<Variable> variables) {
        return "SET "
                + variables.stream()
                        .map(each -> each.kept() + " = @@" + each.name() + ", " + each.name() + " = " + each.value())
                        .collect(Collectors.joining(", "));
    }

    /** Puts the variables back, in one statement that may be run twice, or without the change having been made. */
    static String putBack(List<Variable> variables) {
        return "SET "
                + variables.stream()
                        .map(each -> each.name() + " = CAST(ifnull(" + each.kept() + ", @@" + each.name() + ") AS "
                                + each.type() + "), " + each.kept() + " = NULL")
                        .collect(Collectors.joining(", "));
    }

    /** Rounded up: less than a second is not to be had. */
    static long wholeSeconds(Duration limit) {
        long seconds = limit.getNano() == 0 ? limit.getSeconds() : limit.getSeconds() + 1;
        return Math.min(Math.max(seconds, 1), MOST_SECONDS);
    }

    /** Whether the server gives more time than asked for. */
    static boolean isRoundedUp(Duration limit) {
        return limit.compareTo(Duration.ofSeconds(wholeSeconds(limit))) < 0;
    }

    /** Rounded up: zero would mean no limit. */
    private static long millis(Duration limit) {
        return limit.compareTo(Duration.ofMillis(MOST_MILLIS)) >= 0
                ? MOST_MILLIS
                : Math.max(limit.plusNanos(999_999).toMillis(), 1);
    }

    private static String seconds(Duration limit) {
        long millis = Math.min(millis(limit), MOST_SECONDS * 1_000);
        return BigDecimal.valueOf(millis, 3).stripTrailingZeros().toPlainString();
    }
}
