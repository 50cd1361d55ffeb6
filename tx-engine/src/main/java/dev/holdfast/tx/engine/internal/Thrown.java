package dev.holdfast.tx.engine.internal;

import java.sql.SQLException;

/** Throwing what was caught, as it is. */
final class Thrown {
    private Thrown() {}

    /** Throws the object itself, checked or not; returns nothing, so that callers can write {@code throw as(…)}. */
    @SuppressWarnings("unchecked")
    static <X extends Throwable> RuntimeException as(Throwable thrown) throws X {
        throw (X) thrown;
    }

    /** The object itself if JDBC may throw it; unchecked ones are thrown. */
    static SQLException asSqlException(Throwable thrown) {
        if (thrown instanceof SQLException sql) {
            return sql;
        }
        throw as(thrown);
    }

    /** Keeps what failed afterwards, without putting it in the place of the first. */
    static void suppress(Throwable first, Throwable later) {
        if (first != later) {
            first.addSuppressed(later);
        }
    }
}
