package dev.holdfast.tx.testkit;

import dev.holdfast.tx.testkit.Statements.Answer;
import dev.holdfast.tx.testkit.Statements.Row;
import dev.holdfast.tx.testkit.interleaving.Rehearsal.Stage;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A table that isolates its sessions as well as it is told to. Who would have to wait is refused: what comes of a wait is seen
 * when the steps are taken in another order.
 */
final class ModelStage implements Stage {
    /** What is done for isolation. */
    enum Way {
        /** What is written is the session's own before the commit, and is undone by a rollback. */
        ATOMIC,
        /** All see what others have written and not committed. */
        READS_DIRTY,
        /** A read sees what was committed when the transaction began. */
        READS_SNAPSHOT,
        /** A write is done to the rows of then, not to those committed last. */
        WRITES_SNAPSHOT,
        /** A row that one has written is for no other to write. */
        WRITE_LOCKS,
        /** A row that one has read is for no other to write, and one that another has written is not read. */
        READ_LOCKS,
        /** A row that another has committed since the snapshot is not written. */
        FIRST_WRITER_WINS
    }

    private static final class Session {
        final Map<Integer, Row> snapshot;
        final Map<Integer, @Nullable Row> written = new TreeMap<>(); // null: deleted
        final Set<Integer> locked = new HashSet<>();
        final Set<Integer> read = new HashSet<>();

        Session(Map<Integer, Row> snapshot) {
            this.snapshot = Map.copyOf(snapshot);
        }
    }

    private final Statements statements;
    private final Set<Way> ways;
    private final Map<Integer, Row> committed = new TreeMap<>();
    private final Map<String, Session> sessions = new TreeMap<>();

    ModelStage(Statements statements, Set<Way> ways, Map<Integer, Integer> rows) {
        this.statements = statements;
        this.ways = ways;
        rows.forEach((id, v) -> committed.put(id, new Row(v, 0)));
    }

    /** What is committed: values by ids. */
    Map<Integer, Integer> rows() {
        Map<Integer, Integer> rows = new TreeMap<>();
        committed.forEach((id, row) -> rows.put(id, row.v()));
        return rows;
    }

    private Session session(String name) {
        return Objects.requireNonNull(sessions.get(name), name);
    }

    @Override
    public void begin(String session) {
        sessions.put(session, new Session(committed));
    }

    @Override
    public List<Integer> read(String session, String query) throws SQLException {
        Answer answer = statements.query(seen(session, ways.contains(Way.READS_SNAPSHOT)), query);
        if (ways.contains(Way.READ_LOCKS)) {
            Set<Integer> ids = new TreeSet<>(answer.concerned());
            ids.addAll(statements.query(dirty(), query).concerned());
            requireUnwritten(session, ids);
            session(session).read.addAll(answer.concerned());
        }
        return answer.values();
    }

    @Override
    public List<Integer> lock(String session, String query) throws SQLException {
        Answer answer = statements.query(seen(session, ways.contains(Way.WRITES_SNAPSHOT)), query);
        requireFree(session, answer.concerned());
        session(session).locked.addAll(answer.concerned());
        return answer.values();
    }

    @Override
    public int write(String session, String statement) throws SQLException {
        Map<Integer, Row> before = seen(session, ways.contains(Way.WRITES_SNAPSHOT));
        Answer answer = statements.update(before, statement);
        Set<Integer> ids = new TreeSet<>(answer.concerned());
        answer.after().keySet().stream().filter(id -> !before.containsKey(id)).forEach(ids::add);
        requireFree(session, ids);
        session(session).locked.addAll(ids);
        for (Integer id : ids) {
            session(session).written.put(id, answer.after().get(id));
        }
        if (!ways.contains(Way.ATOMIC)) {
            commitWritten(session(session));
        }
        return answer.count();
    }

    private Map<Integer, Row> seen(String session, boolean then) {
        if (ways.contains(Way.READS_DIRTY)) {
            return dirty();
        }
        Map<Integer, Row> rows = new TreeMap<>(then ? session(session).snapshot : committed);
        overlay(rows, session(session));
        return rows;
    }

    private Map<Integer, Row> dirty() {
        Map<Integer, Row> rows = new TreeMap<>(committed);
        sessions.values().forEach(session -> overlay(rows, session));
        return rows;
    }

    private static void overlay(Map<Integer, Row> rows, Session session) {
        session.written.forEach((id, row) -> {
            if (row == null) {
                rows.remove(id);
            } else {
                rows.put(id, row);
            }
        });
    }

    private void requireFree(String session, Set<Integer> ids) throws SQLException {
        if (ways.contains(Way.WRITE_LOCKS)) {
            requireUnwritten(session, ids);
        }
        for (Map.Entry<String, Session> other : sessions.entrySet()) {
            if (!other.getKey().equals(session) && ids.stream().anyMatch(other.getValue().read::contains)) {
                throw new SQLException("read by " + other.getKey());
            }
        }
        if (ways.contains(Way.FIRST_WRITER_WINS)) {
            Map<Integer, Row> then = session(session).snapshot;
            if (ids.stream().anyMatch(id -> !Objects.equals(then.get(id), committed.get(id)))) {
                throw new SQLException("written since");
            }
        }
    }

    private void requireUnwritten(String session, Set<Integer> ids) throws SQLException {
        for (Map.Entry<String, Session> other : sessions.entrySet()) {
            if (!other.getKey().equals(session) && ids.stream().anyMatch(other.getValue().locked::contains)) {
                throw new SQLException("locked by " + other.getKey());
            }
        }
    }

    private void commitWritten(Session session) {
        overlay(committed, session);
        session.written.clear();
    }

    @Override
    public void commit(String session) {
        commitWritten(session(session));
        sessions.remove(session);
    }

    @Override
    public void rollback(String session) {
        sessions.remove(session);
    }
}
