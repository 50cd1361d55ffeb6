package dev.holdfast.tx.testkit.server;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.URLDecoder;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.postgresql.PostgreSQLContainer;

/** Finds a PostgreSQL to test on, whatever the machine has. */
public final class PostgresServers {
    /**
     * The environment variable that names a running server by its JDBC URL, user and password in it:
     * {@code jdbc:postgresql://host:5432/db?user=me&password=secret}. It is then used for every major version.
     */
    public static final String URL_VARIABLE = "HOLDFAST_POSTGRES_URL";

    /** The system property that, set to {@code true}, asks for a container instead of an embedded server. */
    public static final String CONTAINERS_PROPERTY = "holdfast.testcontainers";

    private PostgresServers() {}

    /**
     * A server that runs, started if need be. The first of these that applies:
     *
     * <ol>
     *   <li>the one named by {@link #URL_VARIABLE};
     *   <li>a container, if {@link #CONTAINERS_PROPERTY} is {@code true}, or if there are no binaries for this machine but
     *       there is Docker. It takes {@code org.testcontainers:testcontainers-postgresql} on the class path;
     *   <li>an {@link EmbeddedPostgresServer}.
     * </ol>
     *
     * <p>What was started ends with this JVM, and is the same for all who ask for this major version.
     *
     * @param major the major version, such as 18
     * @return where the server is
     * @throws IllegalStateException if there is none to be had; the message says why
     */
    public static ServerUrl find(int major) {
        String named = System.getenv(URL_VARIABLE);
        if (named != null && !named.isBlank()) {
            return parse(named);
        }
        boolean wanted = Boolean.getBoolean(CONTAINERS_PROPERTY);
        if (wanted || !EmbeddedPostgresServer.isAvailable(major)) {
            Throwable obstacle = obstacleToContainers();
            if (obstacle == null) {
                return Containers.find(major);
            }
            if (wanted) {
                throw new IllegalStateException(
                        CONTAINERS_PROPERTY + " is true, but no container can run here: " + obstacle, obstacle);
            }
        }
        EmbeddedPostgresServer server = EmbeddedPostgresServer.start(major);
        return new ServerUrl(server.url(), server.user(), server.password());
    }

    static ServerUrl parse(String url) {
        return new ServerUrl(url, parameter("user", url), parameter("password", url));
    }

    private static String parameter(String name, String url) {
        for (String parameter : url.substring(url.indexOf('?') + 1).split("&", -1)) {
            if (parameter.startsWith(name + "=")) {
                return URLDecoder.decode(parameter.substring(name.length() + 1), UTF_8);
            }
        }
        return "";
    }

    // Throwable: without the library, and with one that finds no Docker, these are errors
    private static @Nullable Throwable obstacleToContainers() {
        try {
            return Containers.dockerIsThere() ? null : new IllegalStateException("Docker does not answer");
        } catch (Throwable e) {
            return e;
        }
    }

    /** All that touches Testcontainers, so that it may be missing. */
    private static final class Containers {
        private static final Map<Integer, PostgreSQLContainer> RUNNING = new ConcurrentHashMap<>();

        static boolean dockerIsThere() {
            return DockerClientFactory.instance().isDockerAvailable();
        }

        static ServerUrl find(int major) {
            PostgreSQLContainer container = RUNNING.computeIfAbsent(major, Containers::start);
            return parse("%s&user=%s&password=%s"
                    .formatted(container.getJdbcUrl(), container.getUsername(), container.getPassword()));
        }

        // ended by Testcontainers itself, which watches this JVM
        private static PostgreSQLContainer start(int major) {
            PostgreSQLContainer container = new PostgreSQLContainer("postgres:" + major)
                    .withCommand(
                            "postgres",
                            "-c",
                            "fsync=off",
                            "-c",
                            "max_connections=200",
                            "-c",
                            "max_prepared_transactions=10",
                            "-c",
                            "deadlock_timeout=200ms",
                            "-c",
                            "lc_messages=C");
            container.start();
            return container;
        }
    }
}
