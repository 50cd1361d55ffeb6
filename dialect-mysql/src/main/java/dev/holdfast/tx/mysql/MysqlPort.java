package dev.holdfast.tx.mysql;

import com.mysql.cj.conf.PropertyKey;
import com.mysql.cj.jdbc.JdbcConnection;
import dev.holdfast.tx.spi.DriverPort;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.Identity;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import org.mariadb.jdbc.util.constants.ServerStatus;

/**
 * The only class that knows types of MySQL Connector/J and MariaDB Connector/J, and it works without them: where the driver
 * is another one, is absent, or is hidden from this module, each answer is "unknown". The types of each driver stand in a
 * class of their own, which is not linked before its first use.
 *
 * <p>Both drivers keep the flag that the server sends with each answer. An error carries none, so after one they still tell
 * what was so before it: {@link DriverState#OPEN} may be over, and {@link DriverState#IDLE} may have begun. On a connection
 * with autocommit off, a transaction begins for them with the first statement that touches a table.
 */
final class MysqlPort implements DriverPort {
    static final MysqlPort INSTANCE = new MysqlPort();

    private static final String MULTI_QUERIES = "allowMultiQueries";

    private static final Types[] DRIVERS = {new ConnectorJ(), new Mariadb()};

    /** What is asked of a driver. */
    private interface Types {
        /** Fails with a {@link LinkageError} where the driver is absent. */
        boolean isFor(Connection connection) throws SQLException;

        /** A closed connection cannot be unwrapped, so its last state is never taken for the present one. */
        boolean isInTransaction(Connection connection) throws SQLException;

        boolean allowsMultiQueries(Connection connection) throws SQLException;
    }

    private MysqlPort() {}

    /** Whether several statements may travel as one text. */
    static boolean sendsMultiQueries(Identity identity) {
        return Boolean.parseBoolean(identity.driverSettings().get(MULTI_QUERIES));
    }

    /** Whether a batch is sent as a whole before its first answer is read: MariaDB Connector/J does that. */
    static boolean pipelinesBatches(Identity identity) {
        return identity.driver().startsWith("MariaDB");
    }

    @Override
    public DriverState state(Connection connection) {
        for (Types driver : DRIVERS) {
            try {
                if (driver.isFor(connection)) {
                    return driver.isInTransaction(connection) ? DriverState.OPEN : DriverState.IDLE;
                }
            } catch (SQLException | RuntimeException | LinkageError unknown) {
                // the next may know it
            }
        }
        return DriverState.UNKNOWN;
    }

    @Override
    public Map<String, String> settings(Connection connection) {
        for (Types driver : DRIVERS) {
            try {
                if (driver.isFor(connection)) {
                    return Map.of(MULTI_QUERIES, Boolean.toString(driver.allowsMultiQueries(connection)));
                }
            } catch (SQLException | RuntimeException | LinkageError unknown) {
                // the next may know it
            }
        }
        return Map.of();
    }

    private static final class ConnectorJ implements Types {
        @Override
        public boolean isFor(Connection connection) throws SQLException {
            return connection.isWrapperFor(JdbcConnection.class);
        }

        @Override
        public boolean isInTransaction(Connection connection) throws SQLException {
            return connection
                    .unwrap(JdbcConnection.class)
                    .getSession()
                    .getServerSession()
                    .inTransactionOnServer();
        }

        @Override
        public boolean allowsMultiQueries(Connection connection) throws SQLException {
            return connection
                    .unwrap(JdbcConnection.class)
                    .getPropertySet()
                    .getBooleanProperty(PropertyKey.allowMultiQueries)
                    .getValue();
        }
    }

    private static final class Mariadb implements Types {
        @Override
        public boolean isFor(Connection connection) throws SQLException {
            return connection.isWrapperFor(org.mariadb.jdbc.Connection.class);
        }

        @Override
        public boolean isInTransaction(Connection connection) throws SQLException {
            int status = connection
                    .unwrap(org.mariadb.jdbc.Connection.class)
                    .getContext()
                    .getServerStatus();
            return (status & ServerStatus.IN_TRANSACTION) != 0;
        }

        @Override
        public boolean allowsMultiQueries(Connection connection) throws SQLException {
            return connection
                    .unwrap(org.mariadb.jdbc.Connection.class)
                    .getContext()
                    .getConf()
                    .allowMultiQueries();
        }
    }
}
