package dev.holdfast.samples.bank;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxListener;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.Holdfast;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.UUID;

/** PostgreSQL, in a schema of its own. */
final class PostgresVault implements Vault {
    private final String schema =
            "holdfast_bank_" + UUID.randomUUID().toString().replace('-', '_');
    private final String url;
    private final String server;

    PostgresVault(String database) throws SQLException {
        url = database + (database.contains("?") ? "&" : "?") + "currentSchema=" + schema;
        try (Connection connection = plainConnection()) {
            Sql.update(connection, "create schema " + schema);
            server = connection.getMetaData().getDatabaseProductVersion();
        }
    }

    @Override
    public String name() {
        return "PostgreSQL " + server + ", in a schema of its own";
    }

    /** The locking tellers run at READ COMMITTED, the server's default; the optimistic ones need SERIALIZABLE. */
    @Override
    public Transactor open(Bank.Manner manner, TxListener listener) {
        TxOptions options = manner == Bank.Manner.LOCKING ? TxOptions.none() : TxOptions.of(Isolation.SERIALIZABLE);
        return Holdfast.builder(url).options(options).listener(listener).build();
    }

    @Override
    public Connection plainConnection() throws SQLException {
        return DriverManager.getConnection(url);
    }

    /** Has the server end the session, and waits until it has. */
    @Override
    public void cutConnection(Tx tx) throws SQLException {
        long session = Sql.number(tx.connection(), "select pg_backend_pid()");
        try (Connection connection = plainConnection()) {
            Sql.query(connection, "select pg_terminate_backend(?::int, 5000)", row -> row.getBoolean(1), session);
        }
    }

    @Override
    public void close() throws SQLException {
        try (Connection connection = plainConnection()) {
            Sql.update(connection, "drop schema " + schema + " cascade");
        }
    }
}
