package dev.holdfast.tx.mysql;

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
enum MysqlFlavour {
    /** Some drivers are told {@code 5.5.5-} in front of the version, for old replicas' sake. */
    MARIADB(
            "MariaDB",
            Pattern.compile("^(?:5\\.5\\.5-)?(\\d+)\\.(\\d+)(?:\\.(\\d+))?.*MariaDB"),
            EnumSet.noneOf(Feature.class)),

    /**
     * TiDB manual: START TRANSACTION (READ ONLY is parsed, and writes are let through), SELECT (SKIP LOCKED is missing; FOR
     * SHARE takes no lock unless told to), Pessimistic Transaction (single statements are optimistic, and do not wait for a
     * marker row).
     */
    TIDB(
            "TiDB",
            Pattern.compile("-TiDB-v(\\d+)\\.(\\d+)(?:\\.(\\d+))?"),
            EnumSet.of(
                    Feature.READ_ONLY,
                    Feature.VERIFIABLE,
                    Feature.LOCK_SHARE,
                    Feature.LOCK_SKIP_LOCKED,
                    Feature.REPLICAS,
                    Feature.CAUSAL_READS)),

    /**
     * Vitess manual, MySQL Compatibility: {@code SET TRANSACTION} knows levels for the session only, and a transaction over
     * several shards may be committed in part.
     */
    VITESS(
            "Vitess",
            Pattern.compile("(?i)^(\\d+)\\.(\\d+)(?:\\.(\\d+))?.*(?:vitess|planetscale)"),
            EnumSet.of(
                    Feature.READ_ONLY,
                    Feature.LOCK_TIMEOUT,
                    Feature.STATEMENT_TIMEOUT,
                    Feature.VERIFIABLE,
                    Feature.LOCK_OF,
                    Feature.LOCK_NO_WAIT,
                    Feature.LOCK_SKIP_LOCKED,
                    Feature.LOCK_WAIT_AT_MOST,
                    Feature.REPLICAS,
                    Feature.CAUSAL_READS)),

    /**
     * Told by its variable {@code aurora_version}; what it says in {@code version()} is MySQL's text. Its readers share
     * the storage of the writer: what they have seen is not told by the ids of transactions.
     */
    AURORA("Aurora MySQL", Pattern.compile("(?!)"), EnumSet.of(Feature.CAUSAL_READS)),

    /** The original, and whoever calls himself so. */
    MYSQL("MySQL", Pattern.compile("^(\\d+)\\.(\\d+)(?:\\.(\\d+))?"), EnumSet.noneOf(Feature.class));

    final String title;
    private final Pattern version;

    @SuppressWarnings("ImmutableEnumChecker") // nobody else has it, and nothing changes it
    private final Set<Feature> missing;

    MysqlFlavour(String title, Pattern version, Set<Feature> missing) {
        this.title = title;
        this.version = version;
        this.missing = missing;
    }

    /**
     * The flavour of a server.
     *
     * @param version what {@code version()} said
     */
    static MysqlFlavour of(String version, boolean hasAuroraVersion) {
        return Arrays.stream(values())
                .filter(flavour -> flavour.version.matcher(version).find())
                .findFirst()
                .map(flavour -> flavour == MYSQL && hasAuroraVersion ? AURORA : flavour)
                .orElse(MYSQL);
    }

    /** The flavour a profile was made for. */
    static MysqlFlavour of(Profile profile) {
        return Arrays.stream(values())
                .filter(flavour -> flavour.title.equals(profile.flavour()))
                .findFirst()
                .orElse(MYSQL);
    }

    /** What it is documented not to do. */
    Feature[] missing() {
        return missing.toArray(Feature[]::new);
    }

    /** Major, minor and patch version in this text; zeros if there are none. */
    int[] versionIn(String text) {
        Matcher found = (this == AURORA ? MYSQL : this).version.matcher(text);
        if (!found.find()) {
            return new int[] {0, 0, 0};
        }
        String patch = found.group(3);
        return new int[] {
            Integer.parseInt(found.group(1)),
            Integer.parseInt(found.group(2)),
            patch == null ? 0 : Integer.parseInt(patch)
        };
    }

    /** Whether a version is recent enough to be used: older ones lack what plans rely on. */
    boolean isRecent(int[] version) {
        return switch (this) {
            case MARIADB -> version[0] > 10 || (version[0] == 10 && version[1] >= 6);
            case MYSQL -> version[0] >= 8 || version[0] == 0; // zero is another product's
            case AURORA, TIDB, VITESS -> true;
        };
    }

    /** Whether it is MySQL's own code, so that what is known of that holds. */
    boolean isMysql() {
        return this == MYSQL || this == AURORA;
    }
}
