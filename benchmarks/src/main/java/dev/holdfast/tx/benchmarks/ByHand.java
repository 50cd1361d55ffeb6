package dev.holdfast.tx.benchmarks;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;

/** Transactions as a careful programmer writes them on JDBC: whatever fails, the first error is the one thrown. */
final class ByHand {
    private final Target target;
    private final DataSource pool;
    private int fired;

    ByHand(Target target, DataSource pool) {
        this.target = target;
        this.pool = pool;
    }

    int plain() throws SQLException {
        try (Connection connection = pool.getConnection()) {
            connection.setAutoCommit(false);
            try {
                int changed = Counter.increase(connection);
                connection.commit();
                return changed;
            } catch (Throwable e) {
                rollBack(connection, e);
                throw e;
            } finally {
                connection.setAutoCommit(true);
            }
        }
    }

    long readOnly() throws SQLException {
        try (Connection connection = pool.getConnection()) {
            target.readOnly(connection, true);
            connection.setAutoCommit(false);
            try {
                long value = Counter.read(connection);
                connection.commit();
                return value;
            } catch (Throwable e) {
                rollBack(connection, e);
                throw e;
            } finally {
                connection.setAutoCommit(true);
                target.readOnly(connection, false);
            }
        }
    }

    int nested() throws SQLException {
        try (Connection connection = pool.getConnection()) {
            connection.setAutoCommit(false);
            try {
                int changed = Counter.increase(connection);
                Savepoint savepoint = connection.setSavepoint();
                try {
                    changed += Counter.increase(connection);
                    connection.releaseSavepoint(savepoint);
                } catch (Throwable e) {
                    rollBack(connection, savepoint, e);
                    throw e;
                }
                connection.commit();
                return changed;
            } catch (Throwable e) {
                rollBack(connection, e);
                throw e;
            } finally {
                connection.setAutoCommit(true);
            }
        }
    }

    int joined() throws SQLException {
        try (Connection connection = pool.getConnection()) {
            connection.setAutoCommit(false);
            try {
                int changed = Counter.increase(connection) + Counter.increase(connection);
                connection.commit();
                return changed;
            } catch (Throwable e) {
                rollBack(connection, e);
                throw e;
            } finally {
                connection.setAutoCommit(true);
            }
        }
    }

    int fiveHooks() throws SQLException {
        List<Runnable> afterCommit = new ArrayList<>();
        int changed;
        try (Connection connection = pool.getConnection()) {
            connection.setAutoCommit(false);
            try {
                changed = Counter.increase(connection);
                for (int i = 0; i < 5; i++) {
                    afterCommit.add(() -> fired++);
                }
                connection.commit();
            } catch (Throwable e) {
                rollBack(connection, e);
                throw e;
            } finally {
                connection.setAutoCommit(true);
            }
        }
        for (Runnable hook : afterCommit) {
            hook.run();
        }
        return changed + fired;
    }

    private static void rollBack(Connection connection, Throwable first) {
        try {
            connection.rollback();
        } catch (SQLException | RuntimeException e) {
            first.addSuppressed(e);
        }
    }

    private static void rollBack(Connection connection, Savepoint savepoint, Throwable first) {
        try {
            connection.rollback(savepoint);
        } catch (SQLException | RuntimeException e) {
            first.addSuppressed(e);
        }
    }
}
