package dev.holdfast.tx.postgres;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.ConstraintChecking;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.postgres.PostgresOptions.SynchronousCommit;
import dev.holdfast.tx.spi.Level;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.Wish;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The statements that options become. All of them end with the transaction. */
final class PostgresSettings {
    /**
     * How long after the whole timeout the server ends a transaction by itself. It is a net for a client that died: one that
     * lives has given up by then, and its COMMIT is not cut short.
     */
    private static final Duration GRACE = Duration.ofSeconds(1);

    private PostgresSettings() {}

    /**
     * What has to be said of the transaction in {@code SET TRANSACTION}. A level is sent even if it is the default that was
     * probed: somebody may have changed the session's since.
     */
    static List<Step.Sql> modes(TxOptions options, Profile profile) {
        List<String> modes = new ArrayList<>();
        Isolation isolation = options.isolation();
        Level level = isolation == null ? null : profile.levels().get(isolation);
        if (level != null) {
            modes.add("ISOLATION LEVEL " + level.nativeName());
        }
        if (options.access() == Access.READ_ONLY) {
            modes.add("READ ONLY");
        } else if (options.access() == Access.READ_WRITE && PostgresProfiles.isReadOnlyByDefault(profile)) {
            modes.add("READ WRITE");
        }
        Boolean deferrable = options.get(PostgresOptions.DEFERRABLE);
        if (deferrable != null) {
            modes.add(deferrable ? "DEFERRABLE" : "NOT DEFERRABLE");
        }
        return modes.isEmpty() ? List.of() : List.of(Step.sql("SET TRANSACTION " + String.join(", ", modes)));
    }

    /** Everything else. */
    static List<Step.Sql> locals(TxOptions options, Profile profile) {
        List<Step.Sql> locals = new ArrayList<>();
        Duration whole = options.wholeTimeout();
        addTimeout(locals, "lock_timeout", options.lockTimeout());
        addTimeout(locals, "statement_timeout", options.statementTimeout());
        addTimeout(locals, PostgresProfiles.wholeTimeoutSetting(profile), whole == null ? null : whole.plus(GRACE));
        SynchronousCommit synchronousCommit = options.get(PostgresOptions.SYNCHRONOUS_COMMIT);
        if (synchronousCommit != null) {
            locals.add(Step.sql(
                    "SET LOCAL synchronous_commit = " + synchronousCommit.name().toLowerCase(Locale.ROOT)));
        }
        ConstraintChecking checking = options.constraints();
        if (checking != null) {
            locals.add(Step.sql("SET CONSTRAINTS " + names(checking) + " " + checking.timing()));
        }
        return locals;
    }

    /** Shows the label, if there is one; it ends with the transaction as well. */
    static List<Step.Sql> label(TxOptions options) {
        return Boolean.TRUE.equals(options.get(PostgresOptions.LABEL_AS_APPLICATION_NAME))
                ? List.of(new Step.Sql(
                        "SET LOCAL application_name = '{" + Wish.LABEL + "}'", List.of(), List.of(Wish.LABEL)))
                : List.of();
    }

    /** Limits waiting for locks, from here to the end of the transaction. */
    static Step.Sql lockTimeout(Duration limit) {
        return timeout("lock_timeout", limit);
    }

    private static void addTimeout(List<Step.Sql> locals, String setting, @Nullable Duration limit) {
        if (limit != null) {
            locals.add(timeout(setting, limit));
        }
    }

    /** In milliseconds, rounded up: zero would mean no limit. */
    private static Step.Sql timeout(String setting, Duration limit) {
        long millis;
        try {
            millis = limit.plusNanos(999_999).toMillis();
        } catch (ArithmeticException forever) {
            millis = Integer.MAX_VALUE;
        }
        return Step.sql("SET LOCAL " + setting + " = " + Math.min(Math.max(millis, 1), Integer.MAX_VALUE));
    }

    private static String names(ConstraintChecking checking) {
        return checking.isAll()
                ? "ALL"
                : checking.names().stream().map(PostgresSettings::quoted).collect(Collectors.joining(", "));
    }

    /** Quotes each part of a name, so that it means what the catalog says, whatever is in it. */
    private static String quoted(String name) {
        return Arrays.stream(name.split("\\.", -1))
                .map(part -> '"' + part.replace("\"", "\"\"") + '"')
                .collect(Collectors.joining("."));
    }
}
