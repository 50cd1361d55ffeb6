package dev.holdfast.tx.testkit.fault;

import dev.holdfast.tx.spi.DriverPort;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.testkit.Facts;
import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * A pool over real sessions that breaks by script. It numbers and records each call that can reach the server, on the data
 * source, its connections, their statements and result sets; lets one of them fail; and keeps a ledger of what it handed
 * out.
 *
 * <p>It is as strict as a pool can be: what is given back is lent again as it is, nothing is reset, and it is compared with
 * the session as it was found. Safe for several threads; calls are then numbered as they come.
 */
public final class ScriptedDataSource implements DataSource, AutoCloseable {
    /** A session of the database, and what it was before anybody used it. */
    record Session(Connection real, SessionSnapshot asFound) {}

    private final DataSource real;
    private final Autocommit autocommit;
    private final DriverPort port;
    private final List<String> queries;
    private final Deque<Session> idle = new ArrayDeque<>();
    private final List<Session> opened = new ArrayList<>();
    private final List<JdbcCall> calls = new ArrayList<>();
    private final List<Lent> ledger = new ArrayList<>();
    private List<Fault> script = List.of();
    private int fired;
    private ScriptedConnection.@Nullable Made held;

    /**
     * A pool over sessions.
     *
     * @param real opens sessions
     * @param autocommit how they are lent
     * @param port knows their driver, for {@link SessionSnapshot}
     * @param queries what a transaction may change of a session, each with an answer of one row
     */
    public ScriptedDataSource(DataSource real, Autocommit autocommit, DriverPort port, List<String> queries) {
        this.real = real;
        this.autocommit = autocommit;
        this.port = port;
        this.queries = List.copyOf(queries);
    }

    /**
     * Forgets calls and ledger, and starts anew.
     *
     * @param fault what is to go wrong; null for nothing
     */
    public void play(@Nullable Fault fault) {
        playAll(fault == null ? List.of() : List.of(fault));
    }

    /**
     * Forgets calls and ledger, and starts anew.
     *
     * @param faults what is to go wrong, each at a call of its own
     */
    public synchronized void playAll(List<Fault> faults) {
        script = List.copyOf(faults);
        fired = 0;
        calls.clear();
        ledger.clear();
    }

    /** The calls since {@link #play}. */
    public synchronized List<JdbcCall> calls() {
        return List.copyOf(calls);
    }

    /** Whether all that was to go wrong has happened. */
    public synchronized boolean hasFired() {
        return fired > 0 && fired == script.size();
    }

    /** How many of the faults have happened. */
    public synchronized int fired() {
        return fired;
    }

    /** What was handed out since {@link #play}. */
    public synchronized List<Lent> ledger() {
        return List.copyOf(ledger);
    }

    @Override
    public Connection getConnection() throws SQLException {
        Fault fault = numbered(ledger().size() + 1, "getConnection");
        if (fault != null) {
            throw Facts.<RuntimeException>sneaky(fault.error());
        }
        Session session = take();
        Lent lent;
        synchronized (this) {
            lent = new Lent(ledger.size() + 1);
            ledger.add(lent);
        }
        return ScriptedConnection.lend(this, session, lent);
    }

    private Session take() throws SQLException {
        synchronized (this) {
            Session waiting = idle.poll();
            if (waiting != null) {
                return waiting;
            }
        }
        Connection fresh = real.getConnection();
        fresh.setAutoCommit(autocommit == Autocommit.ON);
        Session session = new Session(fresh, SessionSnapshot.of(fresh, port, queries));
        synchronized (this) {
            opened.add(session);
        }
        return session;
    }

    /** A call is about to be made: records it, and answers what is to go wrong with it; null for nothing. */
    synchronized @Nullable Fault numbered(int connection, String text) {
        int number = calls.size() + 1;
        calls.add(new JdbcCall(number, connection, text));
        for (Fault fault : script) {
            if (fault.call() == number) {
                fired++;
                return fault;
            }
        }
        return null;
    }

    /** A call is on its way, and will be made later. */
    synchronized void hold(ScriptedConnection.Made made) {
        held = made;
    }

    /**
     * The call that was held arrives, and its connection ends.
     *
     * @return what the server made of it: the error, or null for none
     * @throws IllegalStateException if none is held
     */
    public @Nullable Throwable release() {
        ScriptedConnection.Made arriving;
        synchronized (this) {
            arriving = held;
            held = null;
        }
        if (arriving == null) {
            throw new IllegalStateException("No call is held");
        }
        return Facts.thrownBy(() -> {
            try {
                arriving.call();
            } catch (Exception | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new IllegalStateException(e);
            }
        });
    }

    void giveBack(Session session, Lent lent) {
        List<String> differences;
        try {
            differences = session.asFound().differencesTo(SessionSnapshot.of(session.real(), port, queries));
        } catch (SQLException e) {
            differences = List.of("it takes no question: " + e);
        }
        synchronized (this) {
            lent.returned();
            if (differences.isEmpty()) {
                idle.push(session);
            } else {
                lent.complain("given back dirty: " + differences);
            }
        }
    }

    synchronized void thrownAway(Lent lent) {
        lent.thrownAway();
    }

    synchronized void closedAgain(Lent lent) {
        if (lent.fate() == Lent.Fate.RETURNED) {
            lent.complain("closed after it was given back");
        }
    }

    /** Closes all sessions, those that are out included. */
    @Override
    public void close() throws SQLException {
        List<Session> all;
        synchronized (this) {
            all = List.copyOf(opened);
        }
        for (Session session : all) {
            session.real().close();
        }
    }

    @Override
    public Connection getConnection(String user, String password) throws SQLException {
        throw new SQLFeatureNotSupportedException("A scripted data source logs in as its sessions do");
    }

    @Override
    public @Nullable PrintWriter getLogWriter() {
        return null;
    }

    @Override
    public void setLogWriter(@Nullable PrintWriter writer) {}

    @Override
    public void setLoginTimeout(int seconds) {}

    @Override
    public int getLoginTimeout() {
        return 0;
    }

    @Override
    public Logger getParentLogger() throws SQLFeatureNotSupportedException {
        throw new SQLFeatureNotSupportedException("no logger");
    }

    @Override
    public <T> T unwrap(Class<T> type) throws SQLException {
        return real.unwrap(type);
    }

    @Override
    public boolean isWrapperFor(Class<?> type) throws SQLException {
        return real.isWrapperFor(type);
    }

    @Override
    public String toString() {
        return "scripted " + real;
    }
}
