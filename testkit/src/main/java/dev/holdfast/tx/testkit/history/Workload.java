package dev.holdfast.tx.testkit.history;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxOptions;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.UnaryOperator;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Many short transactions on few keys, through the engine and the dialect: what each saw and did is recorded, for
 * {@link Checker}. Six sessions; a transaction reads and writes two to four times, each value written only once, so that what
 * was read tells whose it was.
 */
public final class Workload {
    /** What is written. */
    public enum Mode {
        /** Numbers, each written after the one before was read. */
        REGISTERS("id int primary key, v int not null"),
        /** Lists, read or appended to. */
        LISTS("id int primary key, v varchar(2000) not null");

        private final String columns;

        Mode(String columns) {
            this.columns = columns;
        }

        /** The columns of the table. */
        public String columns() {
            return columns;
        }
    }

    /** As many connections as its pool needs. */
    public static final int SESSIONS = Load.SESSIONS;

    /** What a list begins with, so that it is never an empty string; no transaction writes it. */
    private static final String EMPTY = "0";

    private final Transactor db;
    private final String table;
    private final @Nullable String appending;
    private final Mode mode;
    private final long seed;
    private final Load load = new Load();
    private Transactor loaded;

    private Workload(Transactor db, String table, @Nullable String appending, long seed) {
        this.db = db;
        this.loaded = db;
        this.table = table;
        this.appending = appending;
        this.mode = appending == null ? Mode.REGISTERS : Mode.LISTS;
        this.seed = seed;
    }

    /**
     * On registers.
     *
     * @param table empty, with the columns of the mode
     * @param seed what the transactions are drawn from; not their order in time
     */
    public static Workload ofRegisters(Transactor db, String table, long seed) {
        return new Workload(db, table, null, seed);
    }

    /**
     * On lists.
     *
     * @param table empty, with the columns of the mode
     * @param appending the expression for {@code v} with a parameter at its end, see {@link #appending}
     * @param seed what the transactions are drawn from; not their order in time
     */
    public static Workload ofLists(Transactor db, String table, String appending, long seed) {
        return new Workload(db, table, Objects.requireNonNull(appending), seed);
    }

    /**
     * Finds out how the database appends to a string, by trying.
     *
     * @param table empty, with the columns of {@link Mode#LISTS}; empty again afterwards
     * @return an expression for {@code v} with a parameter at its end; empty if the database knows none that was tried
     */
    public static Optional<String> appending(DataSource sessions, String table) throws SQLException {
        try (Connection plain = sessions.getConnection()) {
            for (String expression : List.of("concat(v, ?)", "v || ?")) {
                if (appends(plain, table, expression)) {
                    return Optional.of(expression);
                }
            }
        }
        return Optional.empty();
    }

    private static boolean appends(Connection plain, String table, String expression) throws SQLException {
        try (Statement statement = plain.createStatement()) {
            statement.executeUpdate("insert into " + table + " (id, v) values (0, '" + EMPTY + "')");
            try (PreparedStatement update =
                    plain.prepareStatement("update " + table + " set v = " + expression + " where id = 0")) {
                update.setString(1, ",17");
                update.executeUpdate();
            } catch (SQLException e) {
                return false; // not known here
            }
            try (ResultSet row = statement.executeQuery("select v from " + table + " where id = 0")) {
                return row.next() && (EMPTY + ",17").equals(row.getString(1));
            }
        } finally {
            try (Statement statement = plain.createStatement()) {
                statement.executeUpdate("delete from " + table);
            }
        }
    }

    /** The load runs through this one; only the rows are made, and read at the end, as before. */
    public Workload through(Transactor other) {
        loaded = other;
        return this;
    }

    /**
     * Runs it; once only.
     *
     * @param about what runs, for the history
     * @param transactions how many, at the most
     * @param limit after which no transaction begins any more
     * @param options of each transaction, by whether it writes and whether it takes its keys in order; without a retry policy
     * @return the history, with what is there at the end
     * @throws Exception if the load cannot be run; a transaction that the database or the engine refuses is in the history
     */
    public History run(String about, int transactions, Duration limit, Choice options) throws Exception {
        int keys = Plan.keys(transactions);
        fill(keys);
        List<Recorded> all = load.run(loaded, transactions, limit, number -> {
            Plan plan = Plan.of(seed, mode, number);
            return new Load.Job(options.of(!plan.isReadOnly(), plan.sorted()), (tx, done) -> perform(tx, plan, done));
        });
        int used = Plan.keys(all.stream().mapToInt(Recorded::id).max().orElse(0));
        all.add(load.observe(db, transactions + 1, (tx, done) -> readAll(tx, Math.min(used, keys), done)));
        return new History(seed, about, all);
    }

    /** Chooses the options of a transaction. */
    @FunctionalInterface
    public interface Choice {
        /** The options of one that writes or only reads, with its keys in order or not. */
        TxOptions of(boolean writes, boolean sorted);

        /** These for all. */
        static Choice always(TxOptions options) {
            return (writes, sorted) -> options;
        }

        /** Changed for those whose keys are in no order, and which may end in deadlocks. */
        default Choice ifUnsorted(UnaryOperator<TxOptions> change) {
            return (writes, sorted) -> sorted ? of(writes, true) : change.apply(of(writes, false));
        }

        /** Changed for those that only read. */
        default Choice ifReadOnly(UnaryOperator<TxOptions> change) {
            return (writes, sorted) -> writes ? of(true, sorted) : change.apply(of(false, sorted));
        }
    }

    /** How transactions that did not end well ended, and how many. */
    public Map<String, Integer> failures() {
        return load.failures();
    }

    private void fill(int keys) {
        db.execute(tx -> {
            String sql = "insert into " + table + " (id, v) values (?, ?)";
            try (PreparedStatement insert = tx.connection().prepareStatement(sql)) {
                for (int key = 1; key <= keys; key++) {
                    insert.setInt(1, key);
                    if (mode == Mode.LISTS) {
                        insert.setString(2, EMPTY);
                    } else {
                        insert.setInt(2, Op.INITIAL);
                    }
                    insert.addBatch();
                }
                insert.executeBatch();
            }
        });
    }

    private void perform(Tx tx, Plan plan, List<Op> done) throws SQLException {
        Connection connection = tx.connection();
        for (Plan.Step step : plan.steps()) {
            if (step.reads()) {
                done.add(read(connection, step.key()));
            }
            if (step.writes()) {
                done.add(mode == Mode.LISTS ? Op.append(step.key(), step.value()) : Op.write(step.key(), step.value()));
                write(connection, step);
            }
        }
    }

    private Op read(Connection connection, int key) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement("select v from " + table + " where id = ?")) {
            select.setInt(1, key);
            try (ResultSet row = select.executeQuery()) {
                if (!row.next()) {
                    throw new AssertionError("the row of key " + key + " is not there");
                }
                return read(key, row, 1);
            }
        }
    }

    private Op read(int key, ResultSet row, int column) throws SQLException {
        if (mode == Mode.REGISTERS) {
            return Op.read(key, row.getInt(column));
        }
        String[] elements = row.getString(column).split(",", -1);
        return Op.readList(
                key, Arrays.stream(elements).skip(1).mapToInt(Integer::parseInt).toArray());
    }

    private void write(Connection connection, Plan.Step step) throws SQLException {
        String sql = "update " + table + " set v = " + (appending == null ? "?" : appending) + " where id = ?";
        try (PreparedStatement update = connection.prepareStatement(sql)) {
            if (mode == Mode.LISTS) {
                update.setString(1, "," + step.value());
            } else {
                update.setInt(1, step.value());
            }
            update.setInt(2, step.key());
            int rows = update.executeUpdate();
            if (rows != 1) {
                throw new AssertionError("a write of key " + step.key() + " met " + rows + " rows");
            }
        }
    }

    private void readAll(Tx tx, int keys, List<Op> done) throws SQLException {
        List<Op> seen = new ArrayList<>();
        try (PreparedStatement select =
                tx.connection().prepareStatement("select id, v from " + table + " where id <= ? order by id")) {
            select.setInt(1, keys);
            try (ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    seen.add(read(rows.getInt(1), rows, 2));
                }
            }
        }
        if (seen.size() != keys) {
            throw new AssertionError("of " + keys + " rows " + seen.size() + " are there");
        }
        done.addAll(seen);
    }

    @Override
    public String toString() {
        return mode + " in " + table + ", seed " + seed;
    }
}
