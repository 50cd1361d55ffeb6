package dev.holdfast.tx.mutants;

import java.sql.Connection;
import java.sql.SQLException;

/** What an engine without guards hands out. */
final class Unguarded {
    private Unguarded() {}

    /** The driver's connection behind a guard, of a type that the guard is not of. */
    static Connection of(Connection guarded, Class<? extends Connection> type) {
        try {
            return guarded.unwrap(type);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
