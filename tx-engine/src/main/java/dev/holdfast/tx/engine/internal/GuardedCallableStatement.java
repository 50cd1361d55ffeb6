package dev.holdfast.tx.engine.internal;

import java.sql.CallableStatement;

/** A callable statement of a guarded connection. */
final class GuardedCallableStatement extends CallableStatementDelegate<CallableStatement> {
    GuardedCallableStatement(GuardedConnection connection, CallableStatement raw, String sql) {
        super(connection, raw, sql);
    }
}
