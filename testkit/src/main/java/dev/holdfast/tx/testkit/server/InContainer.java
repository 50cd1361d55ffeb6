package dev.holdfast.tx.testkit.server;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.JdbcDatabaseContainer;
import org.testcontainers.mariadb.MariaDBContainer;
import org.testcontainers.postgresql.PostgreSQLContainer;

/** A container, where Testcontainers is on the class path and Docker runs. */
final class InContainer implements Way {
    /** Ended by Testcontainers itself, which watches this JVM. */
    private static final Map<String, ServerUrl> RUNNING = new ConcurrentHashMap<>();

    private final String image;
    private final String library;
    private final String type;
    private final Supplier<ServerUrl> start;

    private InContainer(String image, String library, String type, Supplier<ServerUrl> start) {
        this.image = image;
        this.library = library;
        this.type = type;
        this.start = start;
    }

    static InContainer postgres(int major) {
        String image = "postgres:" + major;
        String type = "org/testcontainers/postgresql/PostgreSQLContainer.class";
        return new InContainer(image, "testcontainers-postgresql", type, () -> Postgres.start(image));
    }

    static InContainer mariadb(String version) {
        String image = "mariadb:" + version;
        String type = "org/testcontainers/mariadb/MariaDBContainer.class";
        return new InContainer(image, "testcontainers-mariadb", type, () -> Mariadb.start(image));
    }

    @Override
    public @Nullable String obstacle() {
        String wanted = System.getProperty(TestServer.CONTAINERS_PROPERTY, "");
        if (wanted.equals("false")) {
            return TestServer.CONTAINERS_PROPERTY + " is false";
        }
        String obstacle = obstacleHere();
        if (obstacle != null && wanted.equals("true")) {
            throw new IllegalStateException(
                    TestServer.CONTAINERS_PROPERTY + " is true, but no container can run here: " + obstacle);
        }
        return obstacle;
    }

    private @Nullable String obstacleHere() {
        if (InContainer.class.getClassLoader().getResource(type) == null) {
            return "org.testcontainers:" + library + " is not on the class path, so no container was looked for";
        }
        try {
            return Docker.isThere() ? null : "Docker does not answer";
        } catch (Throwable e) { // errors, too, where there is no Docker
            return "there is no Docker: " + e;
        }
    }

    @Override
    public ServerUrl go() {
        return RUNNING.computeIfAbsent(image, any -> start.get());
    }

    /* What touches Testcontainers, library by library, so that each may be missing. */

    private static final class Docker {
        static boolean isThere() {
            return DockerClientFactory.instance().isDockerAvailable();
        }

        static ServerUrl started(JdbcDatabaseContainer<?> container, String url) {
            container.start();
            return GivenUrl.parse(
                    url.formatted(container.getJdbcUrl(), container.getUsername(), container.getPassword()));
        }
    }

    private static final class Postgres {
        static ServerUrl start(String image) {
            return Docker.started(
                    new PostgreSQLContainer(image)
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
                                    "lc_messages=C"),
                    "%s&user=%s&password=%s");
        }
    }

    private static final class Mariadb {
        static ServerUrl start(String image) {
            return Docker.started(
                    new MariaDBContainer(image)
                            .withCommand("--max-connections=200", "--innodb-flush-log-at-trx-commit=0"),
                    "%s?user=%s&password=%s");
        }
    }
}
