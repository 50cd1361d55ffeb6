package dev.holdfast.samples.bank;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxListener;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;

/** The database that the bank is kept in, for one day; nothing of it is left when it is closed. */
interface Vault extends AutoCloseable {
    /** What it is, for the reader. */
    String name();

    /** Opens it for transfers of a manner; to be closed by the caller. */
    Transactor open(Bank.Manner manner, TxListener listener);

    /** A connection that Holdfast knows nothing of. */
    Connection plainConnection() throws SQLException;

    /** Breaks the connection of a running transaction, as a crash or a cut cable would. */
    void cutConnection(Tx tx) throws SQLException;

    @Override
    void close() throws IOException, SQLException;

    /**
     * A new one.
     *
     * @param url of a PostgreSQL; blank for SQLite in a temporary folder
     */
    static Vault of(String url) throws IOException, SQLException {
        if (url.isBlank()) {
            return new SqliteVault();
        }
        if (url.startsWith("jdbc:postgresql:")) {
            return new PostgresVault(url);
        }
        throw new IllegalArgumentException(
                "The bank runs on PostgreSQL (-Durl=jdbc:postgresql://…) or, without a URL, on"
                        + " SQLite; it knows no way to cut connections to " + url.replaceFirst("[?;].*", ""));
    }
}
