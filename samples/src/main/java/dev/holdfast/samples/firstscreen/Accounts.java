package dev.holdfast.samples.firstscreen;

import dev.holdfast.tx.ConnectionScope;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.NoSuchElementException;

// region helper
/** A repository. It takes a {@link ConnectionScope}, so it works with a transaction and without one. */
public final class Accounts {
    private final ConnectionScope scope;

    /** On a transaction, or on a database: then each statement commits by itself. */
    public Accounts(ConnectionScope scope) {
        this.scope = scope;
    }

    /** Takes an amount from one account and gives it to another. */
    public void move(long amount, int from, int to) throws SQLException {
        update("update account set balance = balance - ? where id = ?", amount, from);
        update("update account set balance = balance + ? where id = ?", amount, to);
    }

    private void update(String sql, long amount, int id) throws SQLException {
        scope.withConnection(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(sql)) {
                statement.setLong(1, amount);
                statement.setInt(2, id);
                return statement.executeUpdate();
            }
        });
    }
    // endregion

    /** Opens an account. */
    public void open(int id, long balance) throws SQLException {
        update("insert into account (balance, id) values (?, ?)", balance, id);
    }

    /** What an account has. */
    public long balance(int id) throws SQLException {
        return scope.withConnection(connection -> {
            try (PreparedStatement statement =
                    connection.prepareStatement("select balance from account where id = ?")) {
                statement.setInt(1, id);
                try (ResultSet row = statement.executeQuery()) {
                    if (!row.next()) {
                        throw new NoSuchElementException("There is no account " + id);
                    }
                    return row.getLong(1);
                }
            }
        });
    }
}
