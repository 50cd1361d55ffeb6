package dev.holdfast.tx.postgres;

import dev.holdfast.tx.spi.DriverPort;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.Step;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.postgresql.core.BaseConnection;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/**
 * The only class that knows types of pgjdbc, and it works without them: where the driver is another one, is absent, or is
 * hidden from this module, each answer is "unknown". All types of the driver stand in {@link Types}, which is not linked
 * before its first use.
 */
final class PgjdbcPort implements DriverPort {
    /** Who raised an error. */
    enum Origin {
        /** The server: it has seen the statement. */
        SERVER,
        /** The driver, by itself: the server has not answered with an error. */
        DRIVER,
        /** It does not show. */
        UNKNOWN
    }

    static final PgjdbcPort INSTANCE = new PgjdbcPort();

    /**
     * Makes a transaction read-only that the driver was told to begin so. It costs nothing where the driver does it, and
     * one round trip where it was configured not to, by {@code readOnlyMode=ignore}.
     */
    static final Step READ_ONLY_FOR_CERTAIN =
            new Step.Native("SET TRANSACTION READ ONLY if readOnlyMode=ignore", PgjdbcPort::readOnlyForCertain);

    private static final String DRIVER = "PostgreSQL JDBC Driver";
    private static final boolean LINKED = isLinked();

    private PgjdbcPort() {}

    /** Whether connections are pgjdbc's and this class can see into them. */
    static boolean isFor(Identity identity) {
        return LINKED && identity.driver().equals(DRIVER) && identity.driverAccess() == Identity.DriverAccess.VISIBLE;
    }

    @Override
    public DriverState state(Connection connection) {
        try {
            return LINKED ? Types.state(connection) : DriverState.UNKNOWN;
        } catch (SQLException | RuntimeException | LinkageError unknown) {
            return DriverState.UNKNOWN;
        }
    }

    /**
     * The statement's own cancel is made once, and not while rows are fetched: the driver takes neither for running. That of
     * the connection is sent each time.
     */
    @Override
    public void cancel(Statement running) throws SQLException {
        if (LINKED) {
            Types.cancel(running);
        } else {
            running.cancel();
        }
    }

    /** Who raised an error, seen over its whole chain. */
    static Origin origin(SQLException error) {
        try {
            return LINKED ? Types.origin(error) : Origin.UNKNOWN;
        } catch (LinkageError unknown) {
            return Origin.UNKNOWN;
        }
    }

    /**
     * Whether the server has refused to execute a prepared statement because its columns are not those that it was
     * prepared with: somebody altered a table. It is told by the function of the server that raises it, which no server
     * translates; the SQLSTATE is that of all that cannot be done.
     */
    static boolean isStalePlan(SQLException error) {
        try {
            return LINKED && Types.isRaisedBy("RevalidateCachedQuery", error);
        } catch (LinkageError unknown) {
            return false;
        }
    }

    private static void readOnlyForCertain(Connection connection) throws SQLException {
        if (!beginsReadOnly(connection)) {
            try (Statement statement = connection.createStatement()) {
                statement.execute("SET TRANSACTION READ ONLY");
            }
        }
    }

    private static boolean beginsReadOnly(Connection connection) {
        try {
            return LINKED && Types.beginsReadOnly(connection);
        } catch (SQLException | RuntimeException | LinkageError unknown) {
            return false;
        }
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
            return BaseConnection.class.isInterface() && SQLException.class.isAssignableFrom(PSQLException.class);
        }

        /**
         * The last state of a connection that was lost is never taken for the present one: it is still there, and a pool's
         * connection may be unwrapped though the driver has closed it.
         */
        static DriverState state(Connection connection) throws SQLException {
            BaseConnection unwrapped = connection.unwrap(BaseConnection.class);
            if (unwrapped.isClosed()) {
                return DriverState.UNKNOWN;
            }
            return switch (unwrapped.getTransactionState()) {
                case IDLE -> DriverState.IDLE;
                case OPEN -> DriverState.OPEN;
                case FAILED -> DriverState.FAILED;
            };
        }

        static void cancel(Statement running) throws SQLException {
            Connection connection = running.getConnection();
            if (connection.isWrapperFor(BaseConnection.class)) {
                connection.unwrap(BaseConnection.class).cancelQuery();
            } else {
                running.cancel();
            }
        }

        static boolean beginsReadOnly(Connection connection) throws SQLException {
            return connection.unwrap(BaseConnection.class).hintReadOnly();
        }

        static Origin origin(SQLException error) {
            Origin origin = Origin.UNKNOWN;
            for (Throwable each : PostgresFailures.chain(error)) {
                if (each instanceof PSQLException raised) {
                    if (raised.getServerErrorMessage() != null) {
                        return Origin.SERVER;
                    }
                    origin = Origin.DRIVER;
                }
            }
            return origin;
        }

        static boolean isRaisedBy(String routine, SQLException error) {
            for (Throwable each : PostgresFailures.chain(error)) {
                ServerErrorMessage said = each instanceof PSQLException raised ? raised.getServerErrorMessage() : null;
                if (said != null && routine.equals(said.getRoutine())) {
                    return true;
                }
            }
            return false;
        }
    }
}
