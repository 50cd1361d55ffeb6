package dev.holdfast.tx.mssql;

import com.microsoft.sqlserver.jdbc.SQLServerError;
import com.microsoft.sqlserver.jdbc.SQLServerException;
import java.sql.SQLException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads what is in an error. The only class that knows types of the driver, and it works without them: where the driver is
 * another one, is absent, or is hidden from this module, severity and state are unknown. All types of the driver stand in
 * {@link Types}, which is not linked before its first use.
 */
final class MssqlErrors {
    /** From this severity on, the server ends the session (SQL Server documentation, Database Engine Error Severities). */
    private static final int FATAL = 20;

    private static final boolean LINKED = isLinked();

    private MssqlErrors() {}

    /**
     * An error, its causes, and what follows it, each once: they may go round in a circle. The driver reads on for what
     * follows: errors that were raised later by the same batch, such as that the transaction did not survive it.
     */
    static Set<Throwable> chain(SQLException error) {
        Set<Throwable> chain =
                Collections.newSetFromMap(new LinkedHashMap<>()); // errors are equal when they are the same
        for (Throwable each : error) {
            if (!chain.add(each)) {
                break;
            }
        }
        return chain;
    }

    /** Whether the server ended the session with this error. */
    static boolean isFatal(SQLException error) {
        try {
            return LINKED && Types.severity(error) >= FATAL;
        } catch (LinkageError unknown) {
            return false;
        }
    }

    /**
     * The state of an error of the server's, which tells where it was raised; -1 where it is unknown. The driver makes the
     * SQLState of it, for want of a better one.
     */
    static int state(SQLException error) {
        try {
            int known = LINKED ? Types.state(error) : -1;
            if (known >= 0) {
                return known;
            }
        } catch (LinkageError unknown) {
            // then by the SQLState
        }
        String state = error.getSQLState();
        return state != null && state.matches("S\\d{4}") ? Integer.parseInt(state.substring(1)) : -1;
    }

    private static boolean isLinked() {
        try {
            return Types.areThere();
        } catch (LinkageError absent) {
            return false;
        }
    }

    private static final class Types {
        static boolean areThere() {
            return SQLException.class.isAssignableFrom(SQLServerException.class) && !SQLServerError.class.isInterface();
        }

        static int severity(SQLException error) {
            SQLServerError said = said(error);
            return said == null ? -1 : said.getErrorSeverity();
        }

        static int state(SQLException error) {
            SQLServerError said = said(error);
            return said == null ? -1 : said.getErrorState();
        }

        private static @Nullable SQLServerError said(SQLException error) {
            return error instanceof SQLServerException raised ? raised.getSQLServerError() : null;
        }
    }
}
