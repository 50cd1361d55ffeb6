package dev.holdfast.tx.mysql;

import com.mysql.cj.conf.HostInfo;
import com.mysql.cj.conf.PropertyKey;
import com.mysql.cj.jdbc.ConnectionImpl;
import com.mysql.cj.jdbc.JdbcConnection;
import dev.holdfast.tx.spi.DriverPort;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.Identity;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.mariadb.jdbc.Configuration;
import org.mariadb.jdbc.HostAddress;
import org.mariadb.jdbc.export.HaMode;
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

        Session session(Connection connection) throws SQLException;
    }

    /**
     * A session, and a way to ask about it while it is busy.
     *
     * @param id how the driver was told to call it; somebody in front of the server may have names of its own
     * @param beside opens another one, to the same server by the same user; sends nothing on the first
     */
    record Session(long id, Beside beside) {}

    /** Opens a connection as drivers do for a cancel. */
    @FunctionalInterface
    interface Beside {
        /**
         * Opens one.
         *
         * @param millis that is the longest wait for an answer of the server
         */
        Opened open(int millis) throws SQLException;
    }

    /**
     * The caller's to close.
     *
     * @param id as of the other
     */
    record Opened(Connection connection, long id) {}

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

    /** The session of a connection; null where the driver is unknown. In turn. */
    static @Nullable Session session(Connection connection) throws SQLException {
        for (Types driver : DRIVERS) {
            try {
                if (driver.isFor(connection)) {
                    return driver.session(connection);
                }
            } catch (LinkageError unknown) {
                // the next may know it
            }
        }
        return null;
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

        /** With several hosts the connection is a proxy, which takes no call while another thread is in one. */
        @Override
        public Session session(Connection connection) throws SQLException {
            com.mysql.cj.Session session =
                    connection.unwrap(JdbcConnection.class).getSession();
            HostInfo host = session.getHostInfo();
            return new Session(session.getThreadId(), millis -> open(host, millis));
        }

        private static Opened open(HostInfo host, int millis) throws SQLException {
            Map<String, String> properties = new HashMap<>(host.getHostProperties());
            properties.put(PropertyKey.connectTimeout.getKeyName(), String.valueOf(millis));
            properties.put(PropertyKey.socketTimeout.getKeyName(), String.valueOf(millis));
            properties.put(PropertyKey.autoReconnect.getKeyName(), "false");
            HostInfo bounded =
                    new HostInfo(host, host.getHost(), host.getPort(), host.getUser(), host.getPassword(), properties);
            JdbcConnection opened = ConnectionImpl.getInstance(bounded);
            return new Opened(opened, opened.getSession().getThreadId());
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

        @Override
        public Session session(Connection connection) throws SQLException {
            org.mariadb.jdbc.Connection own = connection.unwrap(org.mariadb.jdbc.Connection.class);
            Configuration configuration = own.getContext().getConf();
            HostAddress address = own.getClient().getHostAddress();
            return new Session(own.getThreadId(), millis -> open(configuration, address, millis));
        }

        private static Opened open(Configuration configuration, HostAddress address, int millis) throws SQLException {
            Configuration bounded = configuration.toBuilder()
                    .haMode(HaMode.NONE)
                    .addresses(address)
                    .pool(false)
                    .connectTimeout(millis)
                    .socketTimeout(millis)
                    .build();
            org.mariadb.jdbc.Connection opened = org.mariadb.jdbc.Driver.connect(bounded);
            return new Opened(opened, opened.getThreadId());
        }
    }
}
