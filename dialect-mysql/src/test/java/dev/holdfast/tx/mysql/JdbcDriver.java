package dev.holdfast.tx.mysql;

import dev.holdfast.tx.testkit.DriverSessions;
import dev.holdfast.tx.testkit.server.ServerUrl;
import java.net.URI;

/** The drivers that MySQL and MariaDB are reached by. */
public enum JdbcDriver {
    // without TLS: a session of MySQL 8.0.12 that is killed while it reads from TLS is not ended, and keeps its locks
    CONNECTOR_J("MySQL Connector/J", "jdbc:mysql:", "sslMode=DISABLED"),
    /** Its own default asks for TLS, which a MariaDB for tests may not have, and a MySQL has without a known name. */
    MARIADB("MariaDB Connector/J", "jdbc:mariadb:", "sslMode=disable");

    private final String title;
    private final String prefix;
    private final String tls;

    JdbcDriver(String title, String prefix, String tls) {
        this.title = title;
        this.prefix = prefix;
        this.tls = tls;
    }

    /** The URL of a server's database, without user and password. */
    String url(ServerUrl server) {
        return url(server, address(server).getHost(), address(server).getPort());
    }

    /** The same database, seen through another host and port. */
    String url(ServerUrl server, String host, int port) {
        return prefix + "//" + host + ":" + port + address(server).getPath() + "?" + tls
                + "&allowPublicKeyRetrieval=true";
    }

    /** Sessions by this driver. */
    DriverSessions sessions(ServerUrl server) {
        return DriverSessions.of(url(server), server.user(), server.password());
    }

    /** The same database, seen through another host and port. */
    DriverSessions sessions(ServerUrl server, String host, int port) {
        return DriverSessions.of(url(server, host, port), server.user(), server.password());
    }

    static URI address(ServerUrl server) {
        return URI.create(server.url().substring("jdbc:".length()));
    }

    /** Whether it is of those who make the server. */
    boolean isUsual(String server) {
        return server.startsWith("MariaDB") == (this == MARIADB);
    }

    @Override
    public String toString() {
        return title;
    }
}
