package dev.holdfast.tx.mysql;

import dev.holdfast.tx.testkit.server.ServerUrl;
import java.net.URI;

/** Each of the two servers, reached by each of the two drivers. */
enum ServerAndDriver {
    // without TLS: a session of MySQL 8.0.12 that is killed while it reads from TLS is not ended
    MYSQL_BY_CONNECTOR_J(Kind.MYSQL, "jdbc:mysql:", "sslMode=DISABLED&allowPublicKeyRetrieval=true"),
    MYSQL_BY_MARIADB_DRIVER(Kind.MYSQL, "jdbc:mariadb:", "sslMode=disable&allowPublicKeyRetrieval=true"),
    MARIADB_BY_CONNECTOR_J(Kind.MARIADB, "jdbc:mysql:", "sslMode=PREFERRED"),
    MARIADB_BY_MARIADB_DRIVER(Kind.MARIADB, "jdbc:mariadb:", "sslMode=disable");

    /** Nothing that a test waits for takes as long; what hangs is ended. */
    private static final int SOCKET_MILLIS = 60_000;

    private enum Kind {
        MYSQL,
        MARIADB
    }

    private final Kind kind;
    private final String prefix;
    private final String parameters;

    ServerAndDriver(Kind kind, String prefix, String parameters) {
        this.kind = kind;
        this.prefix = prefix;
        this.parameters = parameters;
    }

    boolean isMariadb() {
        return kind == Kind.MARIADB;
    }

    boolean isConnectorJ() {
        return prefix.equals("jdbc:mysql:");
    }

    /** One that is started, or was, with these options. */
    ServerUrl server(String... options) {
        return (isMariadb() ? Servers.mariadb(options) : Servers.mysql(options)).find();
    }

    /** The URL of a database on it, by this driver, without user and password. */
    String url(ServerUrl server, String database) {
        return url(address(server).getHost(), address(server).getPort(), database);
    }

    String url(String host, int port, String database) {
        return prefix + "//" + host + ":" + port + "/" + database + "?" + parameters + "&socketTimeout="
                + SOCKET_MILLIS;
    }

    static URI address(ServerUrl server) {
        return URI.create(server.url().substring("jdbc:".length()));
    }
}
