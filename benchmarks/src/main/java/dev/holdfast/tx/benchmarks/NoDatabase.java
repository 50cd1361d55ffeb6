package dev.holdfast.tx.benchmarks;

import java.io.PrintWriter;
import java.lang.reflect.InvocationTargetException;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.logging.Logger;
import javax.sql.DataSource;
import net.bytebuddy.ByteBuddy;
import net.bytebuddy.implementation.ExceptionMethod;
import net.bytebuddy.matcher.ElementMatchers;
import org.jspecify.annotations.Nullable;

/**
 * A driver that does nothing, so that what is measured is what stands between it and the caller. What the benchmarks
 * call is written here; the rest of JDBC, which they must not call, is added as methods that throw.
 */
final class NoDatabase implements DataSource {
    private static final Class<? extends NoConnection> CONNECTION = completed(NoConnection.class);
    private static final Class<? extends NoStatement> STATEMENT = completed(NoStatement.class);
    private static final Class<? extends NoRows> ROWS = completed(NoRows.class);
    private static final Class<? extends NoMetaData> META_DATA = completed(NoMetaData.class);

    /** Compiles a subclass with all that is abstract; no reflection is left when it is called. */
    private static <T> Class<? extends T> completed(Class<T> type) {
        return new ByteBuddy()
                .subclass(type)
                .method(ElementMatchers.isAbstract())
                .intercept(ExceptionMethod.throwing(UnsupportedOperationException.class))
                .make()
                .load(type.getClassLoader())
                .getLoaded();
    }

    private static <T> T make(Class<? extends T> type) {
        try {
            return type.getDeclaredConstructor().newInstance();
        } catch (InstantiationException
                | IllegalAccessException
                | NoSuchMethodException
                | InvocationTargetException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A connection, always the same statement with it. */
    public abstract static class NoConnection implements Connection {
        private final NoStatement statement = make(STATEMENT);
        private boolean autocommit = true;
        private boolean readOnly;
        private boolean closed;

        @Override
        public Statement createStatement() {
            return statement;
        }

        @Override
        public PreparedStatement prepareStatement(String sql) {
            return statement;
        }

        @Override
        public boolean getAutoCommit() {
            return autocommit;
        }

        @Override
        public void setAutoCommit(boolean autocommit) {
            this.autocommit = autocommit;
        }

        @Override
        public void commit() {}

        @Override
        public void rollback() {}

        @Override
        public @Nullable Savepoint setSavepoint() {
            return null;
        }

        @Override
        public void releaseSavepoint(@Nullable Savepoint savepoint) {}

        @Override
        public void rollback(@Nullable Savepoint savepoint) {}

        @Override
        public boolean isReadOnly() {
            return readOnly;
        }

        @Override
        public void setReadOnly(boolean readOnly) {
            this.readOnly = readOnly;
        }

        @Override
        public int getTransactionIsolation() {
            return TRANSACTION_READ_COMMITTED;
        }

        @Override
        public int getNetworkTimeout() {
            return 0;
        }

        @Override
        public @Nullable String getCatalog() {
            return null;
        }

        @Override
        public @Nullable String getSchema() {
            return null;
        }

        @Override
        public void clearWarnings() {}

        @Override
        public DatabaseMetaData getMetaData() {
            return make(META_DATA);
        }

        @Override
        public boolean isValid(int timeout) {
            return true;
        }

        @Override
        public boolean isClosed() {
            return closed;
        }

        @Override
        public void close() {
            closed = true;
        }
    }

    /** A statement that changes one row, or finds one. */
    public abstract static class NoStatement implements PreparedStatement {
        private final NoRows rows = make(ROWS);

        @Override
        public void setLong(int index, long value) {}

        @Override
        public int executeUpdate() {
            return 1;
        }

        @Override
        public ResultSet executeQuery() {
            rows.read = false;
            return rows;
        }

        @Override
        public boolean execute(String sql) {
            return false;
        }

        @Override
        public void close() {}
    }

    /** One row. */
    public abstract static class NoRows implements ResultSet {
        private boolean read;

        @Override
        public boolean next() {
            boolean first = !read;
            read = true;
            return first;
        }

        @Override
        public long getLong(int column) {
            return 1;
        }

        @Override
        public void close() {}
    }

    /** Names. */
    public abstract static class NoMetaData implements DatabaseMetaData {
        @Override
        public String getDatabaseProductName() {
            return "no database";
        }

        @Override
        public String getDatabaseProductVersion() {
            return "0";
        }

        @Override
        public String getDriverName() {
            return "no driver";
        }

        @Override
        public String getDriverVersion() {
            return "0";
        }

        @Override
        public String getURL() {
            return "jdbc:none";
        }
    }

    @Override
    public Connection getConnection() {
        return make(CONNECTION);
    }

    @Override
    public Connection getConnection(String user, String password) {
        return getConnection();
    }

    @Override
    public @Nullable PrintWriter getLogWriter() {
        return null;
    }

    @Override
    public void setLogWriter(@Nullable PrintWriter out) {}

    @Override
    public void setLoginTimeout(int seconds) {}

    @Override
    public int getLoginTimeout() {
        return 0;
    }

    @Override
    public Logger getParentLogger() throws SQLFeatureNotSupportedException {
        throw new SQLFeatureNotSupportedException();
    }

    @Override
    public <T> T unwrap(Class<T> type) {
        return type.cast(this);
    }

    @Override
    public boolean isWrapperFor(Class<?> type) {
        return type.isInstance(this);
    }
}
