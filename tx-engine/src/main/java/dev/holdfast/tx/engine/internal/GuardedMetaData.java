package dev.holdfast.tx.engine.internal;

import java.sql.DatabaseMetaData;
import java.sql.ResultSet;
import org.jspecify.annotations.Nullable;

/** Metadata of a guarded connection. */
final class GuardedMetaData extends DatabaseMetaDataDelegate {
    private final GuardedConnection connection;
    private final DatabaseMetaData raw;

    GuardedMetaData(GuardedConnection connection, DatabaseMetaData raw) {
        super(connection.use);
        this.connection = connection;
        this.raw = raw;
    }

    @Override
    DatabaseMetaData raw() {
        return raw;
    }

    @Override
    GuardedConnection connection() {
        return connection;
    }

    @Override
    @Nullable
    ResultSet guarded(@Nullable ResultSet rows) {
        return rows == null ? null : new GuardedResultSet(connection, rows);
    }
}
