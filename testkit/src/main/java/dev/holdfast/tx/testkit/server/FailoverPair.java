package dev.holdfast.tx.testkit.server;

import dev.holdfast.tx.testkit.Untested;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A primary and a replica of the caller's own: the first can be killed, and the second take over. What is acknowledged as
 * committed to those who come by {@link #url}, the replica has received. They are found as {@link ReplicatedServer} finds its own.
 */
public final class FailoverPair implements AutoCloseable {
    private static final long LIMIT_NANOS = TimeUnit.SECONDS.toNanos(60);
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private final String name;
    private final String url;
    private final ServerUrl primary;
    private final ServerUrl replica;
    private final Ways ways;
    private @Nullable Frozen frozen;

    /** How one product does it. */
    interface Ways {
        /** Ends the primary and all its processes, as a power cut would; returns when they are gone. */
        void kill();

        /** Stops the replica where it is. */
        Frozen freeze();

        /** Asks the primary how many COMMITs wait for the replica. */
        String waiting();

        /** Ends what the primary sends to the replica by, when all that was committed until now has been sent. */
        void cut() throws SQLException;

        /** Returns when the replica has read all that was sent to it, and has seen that nothing follows. */
        void awaitAllRead() throws SQLException;

        /** The replica applies all that it has received, and takes writes; returns when it does. */
        void promote() throws SQLException;

        /** Ends what still runs, and deletes the data. */
        void close();
    }

    FailoverPair(String name, String url, ServerUrl primary, ServerUrl replica, Ways ways) {
        this.name = name;
        this.url = url;
        this.primary = primary;
        this.replica = replica;
        this.ways = ways;
    }

    /**
     * A PostgreSQL with a synchronous standby.
     *
     * @param major the major version, such as 18
     * @throws Untested if there are no programs of it
     */
    public static FailoverPair postgres(int major) {
        require("PostgreSQL " + major, new EmbeddedPostgresWay(major).obstacle());
        return ReplicatedPostgres.pair(major);
    }

    /**
     * A MySQL with a semi-synchronous replica, by GTIDs, reached by MySQL's driver.
     *
     * @param version such as 9
     * @throws Untested if there are no programs of it
     */
    public static FailoverPair mysql(String version) {
        require("MySQL " + version, LocalServer.mysql(version, List.of()).obstacle());
        return FailoverMysql.mysql(version);
    }

    /**
     * A MariaDB with a semi-synchronous replica, by GTIDs, reached by MariaDB's driver.
     *
     * @param version 10.11
     * @throws Untested if there are no programs of it
     */
    public static FailoverPair mariadb(String version) {
        require("MariaDB " + version, LocalServer.mariadb(version, List.of()).obstacle());
        return FailoverMysql.mariadb(version);
    }

    private static void require(String server, @Nullable String obstacle) {
        if (obstacle != null) {
            throw new Untested("There is no " + server + " with a replica to test on:\n- " + obstacle);
        }
    }

    /** What reports call it. */
    public String name() {
        return name;
    }

    /** A URL that names both, for Holdfast to open a pool, of a user who writes to nothing but the primary. */
    public String url() {
        return url;
    }

    /** The one that takes writes until it is killed. */
    public ServerUrl primary() {
        return primary;
    }

    /** The one that takes writes once it was promoted. */
    public ServerUrl replica() {
        return replica;
    }

    /** Ends the primary and all its processes, as a power cut would; returns when they are gone. */
    public void killPrimary() {
        ways.kill();
    }

    /** Stops the replica where it is: from now on no COMMIT of those who come by {@link #url} ends. */
    public void freezeReplica() {
        frozen = ways.freeze();
    }

    /** Returns when so many COMMITs wait for the replica, by the primary's own account. */
    public void awaitWaiting(int commits) throws SQLException {
        await(primary, ways.waiting(), Integer.toString(commits));
    }

    /** The replica gets nothing of what is committed from now on, and all that was before. */
    public void cutReplica() throws SQLException {
        ways.cut();
    }

    private void goOn() {
        Frozen stopped = frozen;
        frozen = null;
        if (stopped != null) {
            stopped.goOn();
        }
    }

    /**
     * The replica applies all that it has received, and takes writes; returns when it does. If it is stopped, it goes on, and reads
     * all that it was sent.
     */
    public void promote() throws SQLException {
        boolean wasStopped = frozen != null;
        goOn();
        if (wasStopped) {
            ways.awaitAllRead();
        }
        ways.promote();
    }

    /** Ends what still runs, and deletes the data. */
    @Override
    public void close() {
        goOn();
        ways.close();
    }

    @Override
    public String toString() {
        return name + " with a replica that can take over";
    }

    /** What is asked again and again. */
    interface Question {
        String ask() throws SQLException;
    }

    /** Waits until a server answers this. */
    static void await(ServerUrl server, String query, String answer) throws SQLException {
        await(query, () -> ReplicatedServer.ask(server, query), answer);
    }

    static void await(String what, Question question, String answer) throws SQLException {
        long start = System.nanoTime();
        String seen = question.ask();
        while (!seen.equals(answer)) {
            if (System.nanoTime() - start > LIMIT_NANOS) {
                throw new IllegalStateException(what + " answers " + seen + ", not " + answer);
            }
            LockSupport.parkNanos(LOOK_NANOS);
            seen = question.ask();
        }
    }
}
