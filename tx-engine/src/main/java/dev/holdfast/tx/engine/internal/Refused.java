package dev.holdfast.tx.engine.internal;

import java.sql.SQLException;

/** What JDBC methods throw is an {@link SQLException}: ours travel as the cause of one. */
final class Refused {
    /** Invalid transaction state. */
    static final String SQL_STATE = "25000";

    private Refused() {}

    static SQLException of(RuntimeException ours) {
        return new SQLException(ours.getMessage(), SQL_STATE, ours);
    }
}
