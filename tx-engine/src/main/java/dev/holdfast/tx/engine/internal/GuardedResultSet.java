package dev.holdfast.tx.engine.internal;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;

/** Rows of a guarded statement, or of guarded metadata. */
final class GuardedResultSet extends ResultSetDelegate {
    private final GuardedConnection connection;
    private final @Nullable GuardedStatement<?> statement;
    private final ResultSet raw;

    GuardedResultSet(GuardedStatement<?> statement, ResultSet raw) {
        super(statement.use);
        this.connection = statement.connection();
        this.statement = statement;
        this.raw = raw;
    }

    GuardedResultSet(GuardedConnection connection, ResultSet raw) {
        super(connection.use);
        this.connection = connection;
        this.statement = null;
        this.raw = raw;
    }

    @Override
    ResultSet raw() {
        return raw;
    }

    @Override
    GuardedConnection connection() {
        return connection;
    }

    @Override
    @Nullable
    Statement cancellable() {
        return statement == null ? null : statement.raw();
    }

    @Override
    @Nullable
    GuardedStatement<?> cancelledWith() {
        return statement;
    }

    @Override
    @Nullable
    PlannedLock rowsOf() {
        return statement == null ? null : statement.lock();
    }

    @Override
    @Nullable
    Statement guarded(@Nullable Statement rawStatement) {
        return statement;
    }

    @Override
    public boolean isClosed() throws SQLException {
        return raw.isClosed();
    }

    @Override
    public void close() throws SQLException {
        raw.close();
    }
}
