package dev.holdfast.tx.testkit;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.spi.DriverPort;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.TestHooks;
import dev.holdfast.tx.testkit.fault.JdbcProxy;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collections;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ConcurrentLinkedQueue;
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
    private final Profile profile;
    private final int attempt;
    private final Timeline timeline = new Timeline();
    private final RecordedSessions recorded = new RecordedSessions(timeline);
    private final Map<String, String> notes = Collections.synchronizedMap(new LinkedHashMap<>());
    private final Deque<AutoCloseable> toClose = new ConcurrentLinkedDeque<>();
    private volatile Verdict verdict = Verdict.PASS;
    private @Nullable Connection observer;

    CaseRun(DatabaseUnderTest database, Profile profile, int attempt) {
        this.database = database;
        this.profile = profile;
        this.attempt = attempt;
    }

    /** What is under test. */
    public DatabaseUnderTest database() {
        return database;
    }

    /** What the dialect says of this database. */
    public Profile profile() {
        return profile;
    }

    /** Whether the database claims this. */
    public boolean has(Feature feature) {
        return profile.has(feature);
    }

    /** The level of the database that prevents the most; the last of several. */
    public Isolation strongestLevel() {
        Isolation strongest = profile.defaultIsolation();
        for (Isolation level : profile.levels().keySet()) {
            if (model(level).isAtLeast(model(strongest))) {
                strongest = level;
            }
        }
        return strongest;
    }

    private IsolationModel model(Isolation level) {
        return Objects.requireNonNull(profile.model(level));
    }

    /** What the dialect gives to tests. */
    public TestHooks hooks() {
        return database.dialect().testHooks(profile);
    }

    /** 1, or more if the case was inconclusive before. */
    public int attempt() {
        return attempt;
    }

    /** What is sent and comes back; cases that work with sessions of their own add their lines. */
    public Timeline timeline() {
        return timeline;
    }

    /** Writes something down for the report, such as how an anomaly was prevented. */
    public void note(String name, Object value) {
        notes.put(name, String.valueOf(value));
    }

    /** What was written down, in order. */
    public Map<String, String> notes() {
        synchronized (notes) {
            return new LinkedHashMap<>(notes);
        }
    }

    /** The case only told what it saw: nothing is asked of the database. */
    public void characterised() {
        verdict = Verdict.INFO;
    }

    Verdict verdict() {
        return verdict;
    }

    /** Fresh sessions that write what is sent into the timeline. */
    public DataSource sessions() throws SQLException {
        return recorded(database.sessions());
    }

    /** Sessions of the case's making that write what is sent into the timeline. */
    DataSource recorded(DataSource sessions) {
        return recorded.of(sessions);
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
        return pool(sessions(), size, Autocommit.ON);
    }

    /** A pool of the case's making. */
    public DataSource pool(DataSource sessions, int size, Autocommit autocommit) {
        Queue<Connection> opened = new ConcurrentLinkedQueue<>();
        DataSource pool = database.pool(remembered(sessions, opened), size, autocommit);
        if (pool instanceof AutoCloseable closeable) {
            closing(closeable);
        }
        if (autocommit == Autocommit.ON) {
            closing(() -> checkEnded(opened)); // when all that works on the pool is closed
        }
        return pool;
    }

    private static DataSource remembered(DataSource sessions, Queue<Connection> opened) {
        return JdbcProxy.of(DataSource.class, "remembered", (self, method, arguments) -> {
            Object result = JdbcProxy.call(sessions, method, arguments);
            if (result instanceof Connection connection) {
                opened.add(connection);
            }
            return result;
        });
    }

    /** Fails if a session is left in a transaction, as far as its driver tells. */
    private void checkEnded(Iterable<Connection> sessions) throws SQLException {
        DriverPort port = database.dialect().port();
        int open = 0;
        for (Connection session : sessions) {
            if (!session.isClosed()) {
                DriverState state = port.state(session);
                open += state == DriverState.OPEN || state == DriverState.FAILED ? 1 : 0;
            }
        }
        if (open > 0) {
            throw new AssertionError("sessions that a pool of the case's was left with in a transaction: " + open
                    + ". One was not ended, or its connection given back before it was");
        }
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
        String create = "create table " + name + " (" + columns + ")";
        try {
            observe(create);
        } catch (SQLException leftOver) { // by a run that was killed
            observe("drop table " + name);
            observe(create);
        }
        closing(() -> observe("drop table " + name));
        return name;
    }

    /** Runs a statement in the observer's session; it commits by itself. */
    public void observe(String sql) throws SQLException {
        try (Statement statement = observer().createStatement()) {
            statement.execute(sql);
        }
    }

    /** The first column of a query with int parameters in the observer's session: what is committed. */
    public List<Integer> observed(String query, int... parameters) throws SQLException {
        try (PreparedStatement statement = observer().prepareStatement(query)) {
            return Sql.ints(statement, parameters);
        }
    }

    /** The committed ids of a table, in order. */
    public List<Integer> ids(String table) throws SQLException {
        return observed("select id from " + table + " order by id");
    }

    /** A name as the database's catalog spells it where it was created without quotes. */
    public String spelled(String name) throws SQLException {
        DatabaseMetaData data = observer().getMetaData();
        if (data.storesUpperCaseIdentifiers()) {
            return name.toUpperCase(Locale.ROOT);
        }
        return data.storesLowerCaseIdentifiers() ? name.toLowerCase(Locale.ROOT) : name;
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
        Throwable first = null;
        for (AutoCloseable next = toClose.poll(); next != null; next = toClose.poll()) {
            try {
                next.close();
            } catch (Exception | AssertionError e) {
                if (first == null) {
                    first = e;
                } else {
                    first.addSuppressed(e);
                }
            }
        }
        if (first instanceof AssertionError unproved) {
            throw unproved;
        }
        if (first != null) {
            throw first instanceof SQLException failed ? failed : new SQLException("Not closed: " + first, first);
        }
    }
}
