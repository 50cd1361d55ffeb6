package dev.holdfast.tx.testkit.server;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.JdbcDatabaseContainer;
import org.testcontainers.mariadb.MariaDBContainer;
import org.testcontainers.mssqlserver.MSSQLServerContainer;
import org.testcontainers.mysql.MySQLContainer;
import org.testcontainers.postgresql.PostgreSQLContainer;

/** A container, where Testcontainers is on the class path and Docker runs. */
final class InContainer implements Way {
    /** Ended by Testcontainers itself, which watches this JVM. */
    private static final Map<List<Object>, ServerUrl> RUNNING = new ConcurrentHashMap<>();

    private static final String LICENCE = "ACCEPT_EULA";

    private final String image;
    private final List<String> options;
    private final String library;
    private final String type;
    private final Supplier<ServerUrl> start;

    private InContainer(String image, List<String> options, String library, String type, Supplier<ServerUrl> start) {
        this.image = image;
        this.options = List.copyOf(options);
        this.library = library;
        this.type = type;
        this.start = start;
    }

    static InContainer postgres(int major) {
        String image = "postgres:" + major;
        String type = "org/testcontainers/postgresql/PostgreSQLContainer.class";
        return new InContainer(image, List.of(), "testcontainers-postgresql", type, () -> Postgres.start(image));
    }

    static InContainer mysql(String version, List<String> options) {
        String image = "mysql:" + version;
        String type = "org/testcontainers/mysql/MySQLContainer.class";
        return new InContainer(image, options, "testcontainers-mysql", type, () -> Mysql.start(image, options));
    }

    static InContainer mariadb(String version, List<String> options) {
        String image = "mariadb:" + version;
        String type = "org/testcontainers/mariadb/MariaDBContainer.class";
        return new InContainer(image, options, "testcontainers-mariadb", type, () -> Mariadb.start(image, options));
    }

    /** Only for those who accept its licence: it is not for us to do so. */
    static Way mssql(int year) {
        String tag = year + "-latest";
        if (!System.getenv().getOrDefault(LICENCE, "").equalsIgnoreCase("y")) {
            return new NoWay(
                    "no container of SQL Server " + tag + " was looked for, as nobody has accepted its licence,"
                            + " which the environment variable " + LICENCE + "=Y does");
        }
        String type = "org/testcontainers/mssqlserver/MSSQLServerContainer.class";
        return new InContainer("mssql:" + tag, List.of(), "testcontainers-mssqlserver", type, () -> Mssql.start(tag));
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
        return RUNNING.computeIfAbsent(List.of(image, options), any -> start.get());
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

    private static final class Mysql {
        static ServerUrl start(String image, List<String> options) {
            return Docker.started(
                    // tests make databases and look at the sessions of others
                    new MySQLContainer(image).withUsername("root").withCommand(command(options)),
                    "%s?user=%s&password=%s&sslMode=DISABLED&allowPublicKeyRetrieval=true");
        }
    }

    private static final class Mariadb {
        static ServerUrl start(String image, List<String> options) {
            return Docker.started(
                    new MariaDBContainer(image).withUsername("root").withCommand(command(options)),
                    "%s?user=%s&password=%s&sslMode=disable");
        }
    }

    private static String[] command(List<String> options) {
        return Stream.concat(Stream.of("--max-connections=200", "--innodb-flush-log-at-trx-commit=0"), options.stream())
                .toArray(String[]::new);
    }

    private static final class Mssql {
        static ServerUrl start(String tag) {
            String image = MSSQLServerContainer.IMAGE + ":" + tag;
            return Docker.started(new MSSQLServerContainer(image).acceptLicense(), "%s;user=%s;password=%s");
        }
    }
}
