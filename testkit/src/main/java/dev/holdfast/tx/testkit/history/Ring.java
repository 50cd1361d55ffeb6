package dev.holdfast.tx.testkit.history;

import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxOptions;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Rows that point to each other, all in one ring, and transactions that change the places of two neighbours. Whatever is
 * done one after the other leaves one ring of all rows; an update that is lost breaks it, and so does half of one.
 */
public final class Ring {
    private static final int ROWS = 24;

    private final Transactor db;
    private final String table;
    private final long seed;
    private final boolean locking;
    private final boolean walking;
    private final Load load = new Load();

    private Ring(Transactor db, String table, long seed, boolean locking, boolean walking) {
        this.db = db;
        this.table = table;
        this.seed = seed;
        this.locking = locking;
        this.walking = walking;
    }

    /**
     * For levels that keep what was read: some transactions walk around the ring, and must see it whole.
     *
     * @param table empty, {@code (id int primary key, v int)}
     */
    public static Ring ofReads(Transactor db, String table, long seed) {
        return new Ring(db, table, seed, false, true);
    }

    /**
     * For any level: what is read is locked.
     *
     * @param table empty, {@code (id int primary key, v int)}
     */
    public static Ring ofRowLocks(Transactor db, String table, long seed) {
        return new Ring(db, table, seed, true, false);
    }

    /**
     * Runs it; once only.
     *
     * @param options of each transaction, without a retry policy
     * @return who did what when; the values are not unique, so that it is not for {@link Checker}
     * @throws AssertionError if a walk that was committed saw something else than one ring of all rows
     */
    public History run(String about, int transactions, Duration limit, TxOptions options) throws Exception {
        db.execute(tx -> {
            for (int id = 1; id <= ROWS; id++) {
                update(tx, "insert into " + table + " (v, id) values (?, ?)", id % ROWS + 1, id);
            }
        });
        List<Recorded> all = load.run(db, transactions, limit, number -> {
            SplittableRandom lots = new SplittableRandom(seed * 1_000_003 + number);
            boolean walks = walking && lots.nextInt(8) == 0;
            int from = 1 + lots.nextInt(ROWS);
            return new Load.Job(options, walks ? this::walk : (tx, done) -> exchange(tx, from, done));
        });
        all.add(load.observe(db, transactions + 1, this::walk));
        for (Recorded one : all) {
            String broken = one.status() == Recorded.Status.OK ? broken(one) : null;
            if (broken != null) {
                throw new AssertionError(about + ", seed " + seed + ": " + broken + " in " + one);
            }
        }
        return new History(seed, about, all);
    }

    /** How transactions that did not end well ended, and how many. */
    public Map<String, Integer> failures() {
        return load.failures();
    }

    /** From a to b to c to d, to a to c to b to d. */
    private void exchange(Tx tx, int a, List<Op> done) throws SQLException {
        int b = next(tx, a, done);
        int c = next(tx, b, done);
        int d = next(tx, c, done);
        Map<Integer, Integer> changed = new TreeMap<>(); // in the order of ids, for fewer deadlocks
        changed.put(a, c);
        changed.put(b, d);
        changed.put(c, b);
        for (Map.Entry<Integer, Integer> link : changed.entrySet()) {
            done.add(Op.write(link.getKey(), link.getValue()));
            update(tx, "update " + table + " set v = ? where id = ?", link.getValue(), link.getKey());
        }
    }

    private int next(Tx tx, int id, List<Op> done) throws SQLException {
        String sql = locking
                ? tx.lock(RowLock.forUpdate(), "select v from " + table + " {table-lock} where id = ? {row-lock}")
                : "select v from " + table + " where id = ?";
        try (PreparedStatement select = tx.connection().prepareStatement(sql)) {
            select.setInt(1, id);
            try (ResultSet row = select.executeQuery()) {
                if (!row.next()) {
                    throw new AssertionError("row " + id + " is not there");
                }
                done.add(Op.read(id, row.getInt(1)));
                return row.getInt(1);
            }
        }
    }

    private static void update(Tx tx, String sql, int value, int id) throws SQLException {
        try (PreparedStatement update = tx.connection().prepareStatement(sql)) {
            update.setInt(1, value);
            update.setInt(2, id);
            if (update.executeUpdate() != 1) {
                throw new AssertionError("row " + id + " was not met by " + sql);
            }
        }
    }

    /** Reads the ring in two halves, between which others may come. */
    private void walk(Tx tx, List<Op> done) throws SQLException {
        for (int[] half : new int[][] {{1, ROWS / 2}, {ROWS / 2 + 1, ROWS}}) {
            String sql = "select id, v from " + table + " where id between ? and ?";
            try (PreparedStatement select = tx.connection().prepareStatement(sql)) {
                select.setInt(1, half[0]);
                select.setInt(2, half[1]);
                try (ResultSet rows = select.executeQuery()) {
                    while (rows.next()) {
                        done.add(Op.read(rows.getInt(1), rows.getInt(2)));
                    }
                }
            }
        }
    }

    /** What is wrong with what a walk saw; null if nothing is, or it was no walk. */
    private static @Nullable String broken(Recorded walk) {
        if (!walk.isReadOnly()) {
            return null;
        }
        int[] next = new int[ROWS + 1];
        for (Op op : walk.ops()) {
            next[op.key()] = op.value();
        }
        Set<Integer> visited = new HashSet<>();
        List<Integer> way = new ArrayList<>();
        int at = 1;
        while (at >= 1 && at <= ROWS && visited.add(at)) {
            way.add(at);
            at = next[at];
        }
        return visited.size() == ROWS && at == 1
                ? null
                : "no ring of " + ROWS + " rows, from 1 it goes " + way + " to " + at + ", with links "
                        + Arrays.toString(next);
    }
}
