package dev.holdfast.tx.engine.internal;

import java.sql.PreparedStatement;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * A prepared statement of a guarded connection.
 *
 * @param <S> the JDBC interface
 */
class GuardedPreparedStatement<S extends PreparedStatement> extends PreparedStatementDelegate<S> {
    private final String sql;

    GuardedPreparedStatement(GuardedConnection connection, S raw, String sql) {
        super(connection, raw);
        this.sql = sql;
    }

    @Override
    String prepared() {
        return sql;
    }

    @Override
    void enterExecution(@Nullable String text) throws SQLException {
        if (text == null) {
            enterExecutionOf(sql);
        } else {
            super.enterExecution(text);
        }
    }
}
