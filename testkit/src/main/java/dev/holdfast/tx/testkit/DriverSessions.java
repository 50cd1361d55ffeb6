package dev.holdfast.tx.testkit;

import dev.holdfast.tx.spi.Identity;
import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.util.Objects;
import java.util.Properties;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** Fresh sessions from a JDBC driver, one for each call: no pool. */
public final class DriverSessions implements DataSource {
    private final String url;
    private final Properties properties = new Properties();
    private volatile int loginTimeout;

    private DriverSessions(String url) {
        this.url = Objects.requireNonNull(url);
    }

    /** Sessions of a database that takes no login. */
    public static DriverSessions of(String url) {
        return new DriverSessions(url);
    }

    /** Sessions of a user. */
    public static DriverSessions of(String url, String user, String password) {
        DriverSessions sessions = new DriverSessions(url);
        sessions.properties.setProperty("user", user);
        sessions.properties.setProperty("password", password);
        return sessions;
    }

    /** With a property of the driver; to be called before the first session is made. */
    public DriverSessions with(String property, String value) {
        properties.setProperty(property, value);
        return this;
    }

    @Override
    public Connection getConnection() throws SQLException {
        try {
            return DriverManager.getConnection(url, properties);
        } catch (SQLException e) {
            requireDriver();
            throw e;
        }
    }

    @Override
    public Connection getConnection(String user, String password) throws SQLException {
        try {
            return DriverManager.getConnection(url, user, password);
        } catch (SQLException e) {
            requireDriver();
            throw e;
        }
    }

    /** The driver manager's own error repeats the URL, with the password in it. */
    private void requireDriver() throws SQLException {
        try {
            DriverManager.getDriver(url);
        } catch (SQLException e) {
            throw new SQLException(
                    "No JDBC driver on the class path takes " + this + "; add the driver's artifact to the tests",
                    e.getSQLState(),
                    e);
        }
    }

    @Override
    public @Nullable PrintWriter getLogWriter() {
        return null;
    }

    @Override
    public void setLogWriter(@Nullable PrintWriter out) throws SQLException {
        throw new SQLFeatureNotSupportedException("No log is written");
    }

    @Override
    public void setLoginTimeout(int seconds) {
        loginTimeout = seconds; // kept for pools that ask; a driver has a property of its own for it
    }

    @Override
    public int getLoginTimeout() {
        return loginTimeout;
    }

    @Override
    public Logger getParentLogger() throws SQLFeatureNotSupportedException {
        throw new SQLFeatureNotSupportedException("No log is written");
    }

    /** The URL, without what is secret in it. */
    @Override
    public String toString() {
        return Identity.withoutSecrets(url);
    }

    @Override
    public <T> T unwrap(Class<T> type) throws SQLException {
        if (type.isInstance(this)) {
            return type.cast(this);
        }
        throw new SQLException("Wraps no " + type.getName());
    }

    @Override
    public boolean isWrapperFor(Class<?> type) {
        return type.isInstance(this);
    }
}
