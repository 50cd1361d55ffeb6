package dev.holdfast.tx.testkit;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.spi.Identity.Autocommit;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * What one run of a case works with: tables of its own, transactors on pools of its own, and an observer, a plain session
 * that sees what others see. Closed at the end, the newest first, whatever happened.
 */
public final class CaseRun implements AutoCloseable {
    private static final AtomicInteger NUMBERS = new AtomicInteger();

    private final DatabaseUnderTest database;
    private final Deque<AutoCloseable> toClose = new ArrayDeque<>();
    private @Nullable Connection observer;

    CaseRun(DatabaseUnderTest database) {
        this.database = database;
    }

    /** What is under test. */
    public DatabaseUnderTest database() {
        return database;
    }

    /** Closes this at the end, before what was handed in earlier. */
    public <C extends AutoCloseable> C closing(C resource) {
        toClose.push(resource);
        return resource;
    }

    /** A transactor on a pool of five connections with autocommit on. */
    public Transactor transactor() throws SQLException {
        return transactor(EngineSetup.on(pool(5)));
    }

    /** A transactor of the case's making. */
    public Transactor transactor(EngineSetup setup) {
        return closing(database.transactor(setup));
    }

    /** A pool with autocommit on. */
    public DataSource pool(int size) throws SQLException {
        return pool(database.sessions(), size, Autocommit.ON);
    }

    /** A pool of the case's making. */
    public DataSource pool(DataSource sessions, int size, Autocommit autocommit) {
        DataSource pool = database.pool(sessions, size, autocommit);
        if (pool instanceof AutoCloseable closeable) {
            closing(closeable);
        }
        return pool;
    }

    /**
     * Makes a table {@code (id int primary key, v int)} that is dropped at the end.
     *
     * @return its name, used by no other run
     */
    public String table() throws SQLException {
        return table("id int primary key, v int");
    }

    /**
     * Makes a table that is dropped at the end.
     *
     * @param columns in portable SQL
     * @return its name, used by no other run
     */
    public String table(String columns) throws SQLException {
        String name = "hf_case_" + NUMBERS.incrementAndGet();
        observe("drop table if exists " + name);
        observe("create table " + name + " (" + columns + ")");
        closing(() -> observe("drop table " + name));
        return name;
    }

    /** Runs a statement in the observer's session; it commits by itself. */
    public void observe(String sql) throws SQLException {
        try (Statement statement = observer().createStatement()) {
            statement.execute(sql);
        }
    }

    /** The first column of a query in the observer's session: what is committed. */
    public List<Integer> observed(String query) throws SQLException {
        List<Integer> values = new ArrayList<>();
        try (Statement statement = observer().createStatement();
                ResultSet rows = statement.executeQuery(query)) {
            while (rows.next()) {
                values.add(rows.getInt(1));
            }
        }
        return values;
    }

    /** The committed ids of a table, in order. */
    public List<Integer> ids(String table) throws SQLException {
        return observed("select id from " + table + " order by id");
    }

    private Connection observer() throws SQLException {
        if (observer == null || observer.isClosed()) {
            observer = database.sessions().getConnection();
            toClose.addLast(observer); // needed until everything else is closed
        }
        return observer;
    }

    @Override
    public void close() throws SQLException {
        SQLException first = null;
        while (!toClose.isEmpty()) {
            try {
                toClose.pop().close();
            } catch (Exception e) {
                SQLException failure = e instanceof SQLException sql ? sql : new SQLException("Not closed: " + e, e);
                if (first == null) {
                    first = failure;
                } else {
                    first.addSuppressed(failure);
                }
            }
        }
        if (first != null) {
            throw first;
        }
    }
}
