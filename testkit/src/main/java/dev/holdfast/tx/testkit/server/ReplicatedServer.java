package dev.holdfast.tx.testkit.server;

import dev.holdfast.tx.testkit.ReplicatedUnderTest;
import dev.holdfast.tx.testkit.Untested;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * A server and another one that follows it, both beside the tests for as long as their JVM: there is one pair for each version.
 * How far the second is behind can be told to it. They are found as {@link TestServer} finds those without a container.
 */
public final class ReplicatedServer {
    private static final Map<String, ReplicatedServer> RUNNING = new HashMap<>();

    private static final long LIMIT_NANOS = TimeUnit.SECONDS.toNanos(20);

    private final String name;
    private final ServerUrl primary;
    private final ServerUrl replica;
    private final Ways ways;

    /** How one product is told. */
    interface Ways {
        /** Applies nothing from now on; what was applied before stays. */
        List<String> pause();

        /** Whether that has taken effect: a query for {@code t} or {@code 1}. */
        String isPaused();

        /** Applies again what has come. */
        List<String> resume();

        /** Follows nobody from now on, and takes writes. */
        List<String> promote();

        /** Applies what has come this late; none for at once. */
        List<String> delay(long seconds);
    }

    ReplicatedServer(String name, ServerUrl primary, ServerUrl replica, Ways ways) {
        this.name = name;
        this.primary = primary;
        this.replica = replica;
        this.ways = ways;
    }

    /**
     * A PostgreSQL with a standby.
     *
     * @param major the major version, such as 18
     * @throws Untested if there are no programs of it
     */
    public static ReplicatedServer postgres(int major) {
        String obstacle = new EmbeddedPostgresWay(major).obstacle();
        return of("PostgreSQL " + major, obstacle, () -> ReplicatedPostgres.start(major));
    }

    /**
     * One more standby of the PostgreSQL that {@link #postgres} has, for the caller alone: it may be promoted.
     *
     * @param major the major version, such as 18
     * @throws Untested if there are no programs of it
     */
    public static ReplicatedServer postgresToPromote(int major) {
        postgres(major);
        return ReplicatedPostgres.start(major);
    }

    /** The replica follows nobody from now on, and takes writes. */
    public void promote() throws SQLException {
        tell(replica, ways.promote());
    }

    /**
     * A MySQL with a replica, both with GTIDs.
     *
     * @param version 8.0 or 9
     * @throws Untested if there are no programs of it
     */
    public static ReplicatedServer mysql(String version) {
        String obstacle = LocalServer.mysql(version, List.of()).obstacle();
        return of("MySQL " + version, obstacle, () -> ReplicatedMysql.mysql(version));
    }

    /**
     * A MariaDB with a replica, both with GTIDs.
     *
     * @param version 10.11, or 11.4 where its programs are on the class path
     * @throws Untested if there are no programs of it
     */
    public static ReplicatedServer mariadb(String version) {
        String obstacle = ReplicatedMysql.wayToMariadb(version, List.of()).obstacle();
        return of("MariaDB " + version, obstacle, () -> ReplicatedMysql.mariadb(version));
    }

    private static ReplicatedServer of(String name, @Nullable String obstacle, Supplier<ReplicatedServer> start) {
        if (obstacle != null) {
            throw new Untested("There is no " + name + " with a replica to test on:\n- " + obstacle);
        }
        synchronized (RUNNING) {
            return RUNNING.computeIfAbsent(name, any -> start.get());
        }
    }

    /** What reports call it. */
    public String name() {
        return name;
    }

    /** The one that takes writes. */
    public ServerUrl primary() {
        return primary;
    }

    /** The one that follows it. */
    public ServerUrl replica() {
        return replica;
    }

    /** The replica applies nothing from now on. */
    public void pause() throws SQLException {
        tell(replica, ways.pause());
        long start = System.nanoTime();
        while (!List.of("t", "1").contains(ask(replica, ways.isPaused()))) {
            if (System.nanoTime() - start > LIMIT_NANOS) {
                throw new IllegalStateException(name + "'s replica does not pause");
            }
            Thread.onSpinWait();
        }
    }

    /** The replica applies again what has come. */
    public void resume() throws SQLException {
        tell(replica, ways.resume());
    }

    /**
     * The replica applies what comes so much later than it was committed.
     *
     * @param lag in whole seconds; zero for at once
     */
    public void delay(Duration lag) throws SQLException {
        tell(replica, ways.delay(lag.toSeconds()));
    }

    /**
     * The two of them, for cases.
     *
     * @param sessions fresh ones of a server
     */
    public ReplicatedUnderTest underTest(Function<? super ServerUrl, ? extends DataSource> sessions) {
        return new ReplicatedUnderTest() {
            @Override
            public DataSource primary() {
                return sessions.apply(primary);
            }

            @Override
            public DataSource replica() {
                return sessions.apply(replica);
            }

            @Override
            public void pause() throws SQLException {
                ReplicatedServer.this.pause();
            }

            @Override
            public void resume() throws SQLException {
                ReplicatedServer.this.resume();
            }
        };
    }

    static void tell(ServerUrl server, List<String> statements) throws SQLException {
        try (Connection connection = connect(server);
                Statement statement = connection.createStatement()) {
            for (String text : statements) {
                statement.execute(text);
            }
        }
    }

    static String ask(ServerUrl server, String query) throws SQLException {
        try (Connection connection = connect(server);
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            return String.valueOf(row.getString(1));
        }
    }

    private static Connection connect(ServerUrl server) throws SQLException {
        return DriverManager.getConnection(server.url());
    }

    @Override
    public String toString() {
        return name + " with a replica";
    }
}
