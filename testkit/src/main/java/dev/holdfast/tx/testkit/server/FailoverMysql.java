package dev.holdfast.tx.testkit.server;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.stream.Stream;

/**
 * A MySQL or a MariaDB with a semi-synchronous replica: a commit is in the replica's relay log before it is done on the
 * primary, and so before anybody is told.
 */
final class FailoverMysql implements FailoverPair.Ways {
    /** Longer than anything here lasts: after it the primary would go on without the replica. */
    private static final String WAIT_MILLIS = "600000";

    /** A user who may not write where it is forbidden. */
    private static final List<String> ORDINARY_USER =
            List.of("CREATE USER 'app'@'%' IDENTIFIED BY 'app'", "GRANT ALL ON test.* TO 'app'@'%'");

    private final LocalServer.Own primary;
    private final LocalServer.Own replica;
    private final boolean mysql;

    private FailoverMysql(LocalServer.Own primary, LocalServer.Own replica, boolean mysql) {
        this.primary = primary;
        this.replica = replica;
        this.mysql = mysql;
    }

    static FailoverPair mysql(String version) {
        List<String> common = List.of(
                "--log-bin=bin",
                "--gtid-mode=ON",
                "--enforce-gtid-consistency=ON",
                "--sync-binlog=0",
                "--plugin-load=semisync_source.so;semisync_replica.so");
        LocalServer.Own primary = LocalServer.own(LocalServer.mysql(version, with(common, "--server-id=1")));
        LocalServer.Own replica = LocalServer.own(
                LocalServer.mysql(version, with(common, "--server-id=2", "--rpl-semi-sync-replica-enabled=ON")));
        int port = ReplicatedMysql.port(primary.url());
        tell(
                replica,
                List.of(
                        "RESET BINARY LOGS AND GTIDS",
                        "CHANGE REPLICATION SOURCE TO SOURCE_HOST='localhost', SOURCE_PORT=" + port
                                + ", SOURCE_USER='test', SOURCE_PASSWORD='test', SOURCE_AUTO_POSITION=1,"
                                + " GET_SOURCE_PUBLIC_KEY=1",
                        "START REPLICA",
                        "SET GLOBAL super_read_only=ON"));
        tell(
                primary,
                List.of(
                        "SET GLOBAL rpl_semi_sync_source_timeout=" + WAIT_MILLIS,
                        "SET GLOBAL rpl_semi_sync_source_enabled=ON"));
        awaitStatus(primary, "Rpl_semi_sync_source_clients", "1");
        tell(primary, ORDINARY_USER);
        awaitUser(replica);
        String both = "jdbc:mysql://localhost:%d,localhost:%d/test?user=app&password=app"
                        .formatted(port, ReplicatedMysql.port(replica.url()))
                + "&sslMode=DISABLED&allowPublicKeyRetrieval=true";
        return new FailoverPair(
                "MySQL " + version, both, primary.url(), replica.url(), new FailoverMysql(primary, replica, true));
    }

    static FailoverPair mariadb(String version) {
        List<String> common = List.of("--log-bin=bin", "--gtid-strict-mode=ON", "--sync-binlog=0");
        LocalServer.Own primary = LocalServer.own(LocalServer.mariadb(version, with(common, "--server-id=1")));
        LocalServer.Own replica = LocalServer.own(
                LocalServer.mariadb(version, with(common, "--server-id=2", "--rpl-semi-sync-slave-enabled=ON")));
        int port = ReplicatedMysql.port(primary.url());
        tell(
                replica,
                List.of(
                        "RESET MASTER",
                        "SET GLOBAL gtid_slave_pos=''",
                        "CHANGE MASTER TO MASTER_HOST='localhost', MASTER_PORT=" + port
                                + ", MASTER_USER='test', MASTER_PASSWORD='test', MASTER_USE_GTID=slave_pos",
                        "START SLAVE",
                        "SET GLOBAL read_only=ON"));
        tell(
                primary,
                List.of(
                        "SET GLOBAL rpl_semi_sync_master_wait_point=AFTER_SYNC",
                        "SET GLOBAL rpl_semi_sync_master_timeout=" + WAIT_MILLIS,
                        "SET GLOBAL rpl_semi_sync_master_enabled=ON"));
        awaitStatus(primary, "Rpl_semi_sync_master_clients", "1");
        tell(primary, ORDINARY_USER);
        awaitUser(replica);
        String both = "jdbc:mariadb:sequential://localhost:%d,localhost:%d/test?user=app&password=app&sslMode=disable"
                .formatted(port, ReplicatedMysql.port(replica.url()));
        return new FailoverPair(
                "MariaDB " + version, both, primary.url(), replica.url(), new FailoverMysql(primary, replica, false));
    }

    private static List<String> with(List<String> common, String... more) {
        return Stream.concat(common.stream(), Stream.of(more)).toList();
    }

    private static void tell(LocalServer.Own server, List<String> statements) {
        try {
            ReplicatedServer.tell(server.url(), statements);
        } catch (SQLException e) {
            throw new IllegalStateException("The replica does not follow its primary", e);
        }
    }

    private static void awaitStatus(LocalServer.Own server, String variable, String value) {
        try {
            FailoverPair.await(
                    server.url(),
                    "select variable_value from "
                            + (server.url().url().startsWith("jdbc:mysql:")
                                    ? "performance_schema"
                                    : "information_schema")
                            + ".global_status where variable_name = '" + variable + "'",
                    value);
        } catch (SQLException e) {
            throw new IllegalStateException("The primary has no semi-synchronous replica", e);
        }
    }

    private static void awaitUser(LocalServer.Own replica) {
        try {
            FailoverPair.await(replica.url(), "select count(*) from mysql.user where user = 'app'", "1");
        } catch (SQLException e) {
            throw new IllegalStateException("The replica does not follow its primary", e);
        }
    }

    @Override
    public void kill() {
        primary.kill();
    }

    @Override
    public Frozen freeze() {
        return replica.freeze();
    }

    /** One waits for the replica, the others behind it for their turn to commit. */
    @Override
    public String waiting() {
        return "select count(*) from information_schema.processlist where user = 'app' and command <> 'Sleep'"
                + " and info like 'COMMIT%'";
    }

    @Override
    public void cut() throws SQLException {
        String dump = "from information_schema.processlist where command like 'Binlog Dump%'";
        FailoverPair.await(primary.url(), "select count(*) " + dump + " and state like '%has sent all binlog%'", "1");
        tell(primary, List.of("KILL " + ReplicatedServer.ask(primary.url(), "select id " + dump)));
        FailoverPair.await(primary.url(), "select count(*) " + dump, "0");
    }

    @Override
    public void awaitAllRead() throws SQLException {
        try (Connection session = DriverManager.getConnection(replica.url().url());
                Statement statement = session.createStatement()) {
            String running = mysql ? "Replica_IO_Running" : "Slave_IO_Running";
            FailoverPair.await(
                    "whether the replica reads",
                    () -> String.valueOf(status(statement, running).equals("Yes")),
                    "false");
        }
    }

    /** What has been received is applied first: who writes earlier gets into its way. */
    @Override
    public void promote() throws SQLException {
        try (Connection session = DriverManager.getConnection(replica.url().url());
                Statement statement = session.createStatement()) {
            if (mysql) {
                statement.execute("STOP REPLICA IO_THREAD");
                String received = first(
                        statement,
                        "select received_transaction_set from performance_schema.replication_connection_status");
                require(first(statement, "select wait_for_executed_gtid_set('" + received + "', 60)"));
                statement.execute("STOP REPLICA");
                statement.execute("RESET REPLICA ALL");
                statement.execute("SET GLOBAL super_read_only=OFF");
            } else {
                statement.execute("STOP SLAVE IO_THREAD");
                require(first(statement, "select master_gtid_wait('" + status(statement, "Gtid_IO_Pos") + "', 60)"));
                statement.execute("STOP SLAVE");
                statement.execute("RESET SLAVE ALL");
            }
            statement.execute("SET GLOBAL read_only=OFF");
        }
    }

    private String status(Statement statement, String column) throws SQLException {
        try (ResultSet row = statement.executeQuery(mysql ? "SHOW REPLICA STATUS" : "SHOW SLAVE STATUS")) {
            row.next();
            return row.getString(column);
        }
    }

    private static String first(Statement statement, String query) throws SQLException {
        try (ResultSet row = statement.executeQuery(query)) {
            row.next();
            return String.valueOf(row.getString(1));
        }
    }

    private static void require(String waited) {
        if (!waited.equals("0")) {
            throw new IllegalStateException("What the replica has received was not applied within a minute");
        }
    }

    @Override
    public void close() {
        replica.end();
        primary.end();
    }
}
