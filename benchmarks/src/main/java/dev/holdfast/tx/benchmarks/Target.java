package dev.holdfast.tx.benchmarks;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.engine.Holdfast;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/** What transactions run on. */
public enum Target {
    /** A driver that does nothing: what is left is the pool and the framework. */
    NONE("no-op driver") {
        @Override
        void open(HikariConfig config) {
            config.setDataSource(new NoDatabase());
        }

        @Override
        void createTable(Connection connection) {}
    },

    /** H2 in memory. */
    H2("H2 in memory") {
        @Override
        void open(HikariConfig config) {
            config.setJdbcUrl("jdbc:h2:mem:benchmark");
        }
    },

    /** SQLite in memory, with its own dialect. */
    SQLITE("SQLite in memory") {
        @Override
        void open(HikariConfig config) {
            config.setJdbcUrl("jdbc:sqlite::memory:");
        }

        /** The driver's own call is refused once a connection is open. */
        @Override
        void readOnly(Connection connection, boolean on) throws SQLException {
            try (Statement statement = connection.createStatement()) {
                statement.execute(on ? "PRAGMA query_only=ON" : "PRAGMA query_only=OFF");
            }
        }

        @Override
        Holdfast.Builder holdfast(HikariDataSource pool) {
            return Holdfast.builder(pool);
        }
    };

    private final String title;

    Target(String title) {
        this.title = title;
    }

    /** For the reader. */
    String title() {
        return title;
    }

    abstract void open(HikariConfig config);

    Holdfast.Builder holdfast(HikariDataSource pool) {
        return Holdfast.builder(pool).dialect(new CallsOnlyDialect());
    }

    /** What hand-written code does before and after a read-only transaction. */
    void readOnly(Connection connection, boolean on) throws SQLException {
        connection.setReadOnly(on);
    }

    void createTable(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("create table counter (id bigint primary key, n bigint not null)");
            statement.execute("insert into counter (id, n) values (1, 0)");
        }
    }

    /** One connection: what lives in memory lives in it, and no benchmark waits for another. */
    final HikariDataSource pool() throws SQLException {
        HikariConfig config = new HikariConfig();
        config.setMaximumPoolSize(1);
        config.setMaxLifetime(0);
        config.setIdleTimeout(0);
        open(config);
        HikariDataSource pool = new HikariDataSource(config);
        try (Connection connection = pool.getConnection()) {
            createTable(connection);
        }
        return pool;
    }
}
