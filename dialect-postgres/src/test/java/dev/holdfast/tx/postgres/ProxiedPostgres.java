package dev.holdfast.tx.postgres;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.testkit.DriverSessions;
import dev.holdfast.tx.testkit.fault.CountingProxy;
import dev.holdfast.tx.testkit.server.ServerUrl;
import dev.holdfast.tx.testkit.server.TestServer;
import java.net.URI;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** A real PostgreSQL behind a proxy, with table {@code proxied (id int primary key, v int)}, and an observer beside it. */
final class ProxiedPostgres implements AutoCloseable {
    private static final String ALIVE = "com.zaxxer.hikari.aliveBypassWindowMs";

    /** Who says which error costs a connection. */
    enum Judge {
        /** HikariCP, which closes it at once. */
        POOL,
        /** The engine, as in the pools that Holdfast opens itself. */
        ENGINE
    }

    final CountingProxy proxy;
    private final Judge judge;
    private final ServerUrl server;
    private final String url;
    private final Connection observer;
    private final Deque<Runnable> opened = new ArrayDeque<>();

    ProxiedPostgres(int major) throws SQLException {
        this(major, Judge.POOL);
    }

    ProxiedPostgres(int major, Judge judge) throws SQLException {
        this.judge = judge;
        server = TestServer.postgres(major).find();
        URI address = URI.create(server.url().substring("jdbc:".length()));
        proxy = CountingProxy.before(address.getHost(), address.getPort());
        url = server.url().replace("//" + address.getAuthority() + "/", "//localhost:" + proxy.port() + "/");
        observer = DriverSessions.of(server.url(), server.user(), server.password())
                .getConnection();
        observe("DROP TABLE IF EXISTS proxied");
        observe("CREATE TABLE proxied (id int PRIMARY KEY, v int)");
    }

    /** Fresh sessions through the proxy. */
    DriverSessions sessions() {
        return DriverSessions.of(url, server.user(), server.password());
    }

    /** On a pool through the proxy that opens no connection by itself and asks none whether it is alive. */
    Transactor transactor(DriverSessions sessions, int size, Autocommit autocommit) {
        HikariConfig config = new HikariConfig();
        config.setDataSource(sessions);
        config.setMaximumPoolSize(size);
        config.setMinimumIdle(0);
        config.setAutoCommit(autocommit == Autocommit.ON);
        config.setConnectionTimeout(10_000);
        if (judge == Judge.ENGINE) {
            config.setExceptionOverride(new NeverEvict());
        }
        String before = System.getProperty(ALIVE);
        System.setProperty(ALIVE, "600000"); // read when the pool is made
        HikariDataSource pool;
        try {
            pool = new HikariDataSource(config);
        } finally {
            if (before == null) {
                System.clearProperty(ALIVE);
            } else {
                System.setProperty(ALIVE, before);
            }
        }
        opened.push(pool::close);
        Transactor db = Holdfast.builder(pool).dialect(new PostgresDialect()).build();
        opened.push(db::close);
        return db;
    }

    /** On a pool of two. */
    Transactor transactor() {
        return transactor(sessions(), 2, Autocommit.ON);
    }

    void observe(String sql) throws SQLException {
        try (Statement statement = observer.createStatement()) {
            statement.execute(sql);
        }
    }

    /** The first column of what others see. */
    List<Integer> observed(String query) throws SQLException {
        List<Integer> values = new ArrayList<>();
        try (Statement statement = observer.createStatement();
                ResultSet rows = statement.executeQuery(query)) {
            while (rows.next()) {
                values.add(rows.getInt(1));
            }
        }
        return values;
    }

    List<Integer> ids() throws SQLException {
        return observed("SELECT id FROM proxied ORDER BY id");
    }

    /** Ends a backend, and returns when it is gone. */
    void kill(int backend) throws SQLException {
        observe("SELECT pg_terminate_backend(" + backend + ", 10000)");
    }

    @Override
    public void close() throws SQLException {
        while (!opened.isEmpty()) {
            opened.pop().run();
        }
        proxy.close();
        observe("DROP TABLE proxied");
        observer.close();
    }
}
