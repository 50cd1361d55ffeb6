package dev.holdfast.tx.testkit.server;

import java.net.URI;
import java.sql.SQLException;
import java.util.List;
import java.util.stream.Stream;

/** A MySQL or a MariaDB with a replica that follows it by GTIDs. */
final class ReplicatedMysql implements ReplicatedServer.Ways {
    private static final String PRIMARY_ID = "--server-id=1";
    private static final String REPLICA_ID = "--server-id=2";

    private final boolean mysql;

    private ReplicatedMysql(boolean mysql) {
        this.mysql = mysql;
    }

    static ReplicatedServer mysql(String version) {
        List<String> common =
                List.of("--log-bin=bin", "--gtid-mode=ON", "--enforce-gtid-consistency=ON", "--sync-binlog=0");
        ServerUrl primary = LocalServer.mysql(version, with(common, PRIMARY_ID)).go();
        ServerUrl replica = LocalServer.mysql(version, with(common, REPLICA_ID)).go();
        follow(
                replica,
                List.of(
                        "RESET " + (version.equals("8.0") ? "MASTER" : "BINARY LOGS AND GTIDS"),
                        version.equals("8.0")
                                ? "CHANGE MASTER TO MASTER_HOST='localhost', MASTER_PORT=" + port(primary)
                                        + ", MASTER_USER='test', MASTER_PASSWORD='test', MASTER_AUTO_POSITION=1,"
                                        + " GET_MASTER_PUBLIC_KEY=1"
                                : "CHANGE REPLICATION SOURCE TO SOURCE_HOST='localhost', SOURCE_PORT=" + port(primary)
                                        + ", SOURCE_USER='test', SOURCE_PASSWORD='test', SOURCE_AUTO_POSITION=1,"
                                        + " GET_SOURCE_PUBLIC_KEY=1",
                        version.equals("8.0") ? "START SLAVE" : "START REPLICA"));
        return new ReplicatedServer("MySQL " + version, primary, replica, new ReplicatedMysql(!version.equals("8.0")));
    }

    static Way wayToMariadb(String version, List<String> options) {
        return EmbeddedMariadb.VERSION.startsWith(version + ".")
                ? EmbeddedMariadb.way(options)
                : LocalServer.mariadb(version, options);
    }

    static ReplicatedServer mariadb(String version) {
        List<String> common = List.of("--log-bin=bin", "--gtid-strict-mode=ON", "--sync-binlog=0");
        ServerUrl primary = wayToMariadb(version, with(common, PRIMARY_ID)).go();
        ServerUrl replica = wayToMariadb(version, with(common, REPLICA_ID)).go();
        follow(
                replica,
                List.of(
                        "RESET MASTER",
                        "SET GLOBAL gtid_slave_pos=''",
                        "CHANGE MASTER TO MASTER_HOST='localhost', MASTER_PORT=" + port(primary)
                                + ", MASTER_USER='test', MASTER_PASSWORD='test', MASTER_USE_GTID=slave_pos",
                        "START SLAVE"));
        return new ReplicatedServer("MariaDB " + version, primary, replica, new ReplicatedMysql(false));
    }

    private static List<String> with(List<String> common, String more) {
        return Stream.concat(common.stream(), Stream.of(more)).toList();
    }

    static int port(ServerUrl server) {
        return URI.create(server.url().substring("jdbc:".length())).getPort();
    }

    private static void follow(ServerUrl replica, List<String> statements) {
        try {
            ReplicatedServer.tell(replica, statements);
        } catch (SQLException e) {
            throw new IllegalStateException("The replica does not follow its primary", e);
        }
    }

    @Override
    public List<String> pause() {
        return List.of(mysql ? "STOP REPLICA SQL_THREAD" : "STOP SLAVE SQL_THREAD");
    }

    /** The thread has ended when the statement has. */
    @Override
    public String isPaused() {
        return "select 1";
    }

    @Override
    public List<String> resume() {
        return List.of(mysql ? "START REPLICA SQL_THREAD" : "START SLAVE SQL_THREAD");
    }

    @Override
    public List<String> promote() {
        return mysql
                ? List.of("STOP REPLICA", "RESET REPLICA ALL", "SET GLOBAL read_only = OFF")
                : List.of("STOP SLAVE", "RESET SLAVE ALL", "SET GLOBAL read_only = OFF");
    }

    /** MariaDB takes it only while nothing is fetched either. */
    @Override
    public List<String> delay(long seconds) {
        return mysql
                ? List.of(
                        "STOP REPLICA SQL_THREAD",
                        "CHANGE REPLICATION SOURCE TO SOURCE_DELAY=" + seconds,
                        "START REPLICA SQL_THREAD")
                : List.of("STOP SLAVE", "CHANGE MASTER TO MASTER_DELAY=" + seconds, "START SLAVE");
    }
}
