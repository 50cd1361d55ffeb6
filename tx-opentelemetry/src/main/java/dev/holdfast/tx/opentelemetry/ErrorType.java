package dev.holdfast.tx.opentelemetry;

import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxStateException;
import io.opentelemetry.api.trace.Span;
import java.sql.SQLException;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What an error is called.
 *
 * @param name the database's code, or else the class of the error
 * @param code the database's; null if it is none of the database's
 */
record ErrorType(String name, @Nullable String code) {
    /** Of the first error of the database behind it, or of itself. */
    static ErrorType of(Throwable error) {
        Throwable own = null;
        Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        for (Throwable cause = error; cause != null && seen.add(cause); cause = cause.getCause()) {
            if (isCoat(cause)) {
                continue;
            }
            if (cause instanceof SQLException sql) {
                String code = sql.getErrorCode() == 0 ? sql.getSQLState() : Integer.toString(sql.getErrorCode());
                if (code != null && !code.isBlank()) {
                    return new ErrorType(code, code);
                }
            }
            own = own == null ? cause : own;
        }
        return new ErrorType((own == null ? error : own).getClass().getName(), null);
    }

    /** An error of Holdfast's is given to JDBC's callers in one of JDBC's, which says nothing more. */
    private static boolean isCoat(Throwable error) {
        return error instanceof SQLException
                && (error.getCause() instanceof TxException || error.getCause() instanceof TxStateException);
    }

    void on(Span span) {
        span.setAttribute("error.type", name);
        if (code != null) {
            span.setAttribute("db.response.status_code", code);
        }
    }
}
