package dev.holdfast.tx.postgres;

import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Profile;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The members of the family, as they name themselves in {@code version()}, and what each is documented not to do. What is
 * not documented is not declared.
 */
enum PostgresFlavour {
    /**
     * CockroachDB manual: Constraints (none deferrable), SET TRANSACTION (DEFERRABLE is not implemented), Online Schema
     * Changes (DDL may outlive the rollback of its transaction). It has neither transaction ids nor WAL positions.
     */
    COCKROACHDB(
            "CockroachDB",
            Pattern.compile("^CockroachDB\\b.*?\\bv(\\d+)\\.(\\d+)"),
            EnumSet.of(
                    Feature.READ_ONLY_SAVEPOINT,
                    Feature.DEFERRED_CONSTRAINTS,
                    Feature.IMMEDIATE_CONSTRAINTS,
                    Feature.NAMED_CONSTRAINTS,
                    Feature.VERIFIABLE,
                    Feature.TRANSACTIONAL_DDL,
                    Feature.REPLICAS,
                    Feature.CAUSAL_READS)),

    /**
     * YugabyteDB manual: PostgreSQL compatibility (deferrable constraints). Its row locks take no notice of
     * {@code lock_timeout}, as its developers say.
     */
    YUGABYTEDB(
            "YugabyteDB",
            Pattern.compile("^PostgreSQL\\b.*?-YB-(\\d+)\\.(\\d+)"),
            EnumSet.of(
                    Feature.READ_ONLY_SAVEPOINT,
                    Feature.DEFERRED_CONSTRAINTS,
                    Feature.IMMEDIATE_CONSTRAINTS,
                    Feature.NAMED_CONSTRAINTS,
                    Feature.VERIFIABLE,
                    Feature.LOCK_TIMEOUT,
                    Feature.LOCK_WAIT_AT_MOST,
                    Feature.TRANSACTIONAL_DDL,
                    Feature.REPLICAS,
                    Feature.CAUSAL_READS)),

    /**
     * Told by its function {@code aurora_version}; what it says in {@code version()} is PostgreSQL's text. Its readers share the
     * storage of the writer: what they have seen is not told by a place in the log.
     */
    AURORA("Aurora PostgreSQL", Pattern.compile("(?!)"), EnumSet.of(Feature.CAUSAL_READS)),

    /** The original, and whoever calls himself so. */
    POSTGRESQL("PostgreSQL", Pattern.compile("^PostgreSQL\\b\\D*(\\d+)(?:\\.(\\d+))?"), EnumSet.noneOf(Feature.class));

    final String title;
    private final Pattern version;

    @SuppressWarnings("ImmutableEnumChecker") // nobody else has it, and nothing changes it
    private final Set<Feature> missing;

    PostgresFlavour(String title, Pattern version, Set<Feature> missing) {
        this.title = title;
        this.version = version;
        this.missing = missing;
    }

    /**
     * The flavour of a server.
     *
     * @param version what {@code version()} said
     */
    static PostgresFlavour of(String version, boolean hasAuroraVersion) {
        if (hasAuroraVersion) {
            return AURORA;
        }
        return Arrays.stream(values())
                .filter(flavour -> flavour.version.matcher(version).find())
                .findFirst()
                .orElse(POSTGRESQL);
    }

    /** The flavour a profile was made for. */
    static PostgresFlavour of(Profile profile) {
        return Arrays.stream(values())
                .filter(flavour -> flavour.title.equals(profile.flavour()))
                .findFirst()
                .orElse(POSTGRESQL);
    }

    /** What it is documented not to do. */
    Feature[] missing() {
        return missing.toArray(Feature[]::new);
    }

    /** Major and minor version in this text; zeros if there are none. */
    int[] versionIn(String text) {
        Matcher found = (this == AURORA ? POSTGRESQL : this).version.matcher(text);
        if (!found.find()) {
            return new int[] {0, 0};
        }
        String minor = found.group(2);
        return new int[] {Integer.parseInt(found.group(1)), minor == null ? 0 : Integer.parseInt(minor)};
    }

    /** Whether it is PostgreSQL's own code, so that what is known of that holds. */
    boolean isPostgres() {
        return this == POSTGRESQL || this == AURORA;
    }
}
