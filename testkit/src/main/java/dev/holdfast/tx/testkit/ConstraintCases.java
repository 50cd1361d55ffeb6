package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;
import static dev.holdfast.tx.testkit.Sql.update;

import dev.holdfast.tx.ConnectionScope;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.UnmanagedTx;
import dev.holdfast.tx.spi.Feature;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Constraints, batches that break them, and DDL (CON). */
final class ConstraintCases {
    private static final int RACERS = 8;

    /** What a session may be told that loses to another, besides the constraint. */
    private static final Set<FailureKind> CONFLICTS = Set.of(
            FailureKind.SERIALIZATION, FailureKind.DEADLOCK, FailureKind.LOCK_TIMEOUT, FailureKind.LOCK_NOT_AVAILABLE);

    private ConstraintCases() {}

    static List<ConformanceCase> all() {
        List<ConformanceCase> all = new ArrayList<>(kinds());
        all.addAll(ofOthers());
        all.addAll(DeferredConstraintCases.all());
        all.addAll(ddlAndBatches());
        return all;
    }

    private static List<ConformanceCase> kinds() {
        return List.of(
                ConformanceCase.of("CON-01a", "TX-801", "a second row with a primary key is told as UNIQUE", run -> {
                    String table = run.table();
                    String into = "insert into " + table + " (id, v) values ";
                    told(run, table, into + "(1, 0)", into + "(1, 1)", FailureKind.UNIQUE);
                }),
                ConformanceCase.of("CON-01b", "TX-801", "a second row with a unique column is told as UNIQUE", run -> {
                    String table = run.table("id int primary key, u int not null, unique (u)");
                    String into = "insert into " + table + " (id, u) values ";
                    told(run, table, into + "(1, 7)", into + "(2, 7)", FailureKind.UNIQUE);
                }),
                ConformanceCase.of(
                        "CON-02", "TX-801", "a null in a column that takes none is told as NOT_NULL", run -> {
                            String table = run.table("id int primary key, v int not null");
                            String into = "insert into " + table + " (id, v) values ";
                            told(run, table, into + "(1, 0)", into + "(2, null)", FailureKind.NOT_NULL);
                        }),
                ConformanceCase.of("CON-03a", "TX-801", "a child without a parent is told as FOREIGN_KEY", run -> {
                    String parent = run.table();
                    String child = child(run, parent);
                    run.observe("insert into " + parent + " (id, v) values (1, 0)");
                    String into = "insert into " + child + " (id, parent) values ";
                    told(run, child, into + "(1, 1)", into + "(2, 5)", FailureKind.FOREIGN_KEY);
                }),
                ConformanceCase.of(
                        "CON-03b",
                        "TX-801",
                        "the deletion of a parent that has a child is told as FOREIGN_KEY",
                        run -> {
                            String parent = run.table();
                            String child = child(run, parent);
                            run.observe("insert into " + parent + " (id, v) values (1, 0)");
                            told(
                                    run,
                                    child,
                                    "insert into " + child + " (id, parent) values (1, 1)",
                                    "delete from " + parent + " where id = 1",
                                    FailureKind.FOREIGN_KEY);
                            equal(List.of(1), run.ids(parent), "parents");
                        }),
                ConformanceCase.of("CON-04", "TX-801", "a row that a check refuses is told as CHECK", run -> {
                    String table = taken(run, "check", "id int primary key, v int, check (v < 10)");
                    String into = "insert into " + table + " (id, v) values ";
                    told(run, table, into + "(1, 9)", into + "(2, 10)", FailureKind.CHECK);
                }),
                ConformanceCase.of("CON-05", "TX-801", "a text too long for its column is told as DATA", run -> {
                    String table = run.table("id int primary key, t varchar(5)");
                    String into = "insert into " + table + " (id, t) values ";
                    try {
                        told(run, table, into + "(1, 'short')", into + "(2, 'much longer')", FailureKind.DATA);
                    } catch (Untested e) {
                        run.note("lengths of texts", "not enforced");
                        run.characterised();
                    }
                }));
    }

    /** A table whose rows refer to a parent. */
    private static String child(CaseRun run, String parent) throws SQLException {
        return taken(
                run,
                "foreign key",
                "id int primary key, parent int not null, foreign key (parent) references " + parent + " (id)");
    }

    private static String taken(CaseRun run, String what, String columns) {
        try {
            return run.table(columns);
        } catch (SQLException e) {
            throw new Untested("the database takes no " + what + ": " + e.getMessage());
        }
    }

    /** What breaks the constraint by plain JDBC raises the kind in a transaction, and leaves nothing. */
    private static void told(CaseRun run, String table, String good, String bad, FailureKind kind) throws SQLException {
        run.observe(good);
        if (thrownBy(() -> run.observe(bad)) == null) {
            throw new Untested("the database does not enforce it");
        }
        Transactor db = run.transactor();
        AtomicReference<@Nullable Failure> inside = new AtomicReference<>();
        SQLException raised = throwing(
                SQLException.class,
                () -> db.execute(tx -> {
                    try {
                        update(tx, bad);
                    } catch (SQLException e) {
                        inside.set(tx.classify(e));
                        throw e;
                    }
                }));
        Failure failure = inside.get();
        run.note("raised", raised.getClass().getSimpleName() + " " + failure);
        equal(kind, failure == null ? null : failure.kind(), "the kind told by the transaction");
        equal(kind, kind(db, raised), "the kind told by the transactor");
        equal(List.of(1), run.ids(table), "committed rows");
    }

    private static @Nullable FailureKind kind(Transactor db, @Nullable Throwable error) {
        Failure failure = error == null ? null : db.classify(error);
        return failure == null ? null : failure.kind();
    }

    private static List<ConformanceCase> ofOthers() {
        return List.of(
                ConformanceCase.of(
                        "CON-06a",
                        "TX-802",
                        "a key that another inserted and then commits is a duplicate, and only then",
                        Needs.of(Means.CONCURRENT_WRITERS),
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            Throwable told = afterTheOther(run, db, table, UnmanagedTx::commit);
                            FailureKind kind = kind(db, told);
                            holds(() -> kind == FailureKind.UNIQUE || CONFLICTS.contains(kind), "UNIQUE: " + told);
                            equal(List.of(1), run.observed("select v from " + table), "committed values");
                        }),
                ConformanceCase.of(
                        "CON-06b",
                        "TX-802",
                        "a key that another inserted and then rolls back is no duplicate",
                        Needs.of(Means.CONCURRENT_WRITERS),
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            Throwable told = afterTheOther(run, db, table, UnmanagedTx::rollback);
                            if (told == null) {
                                equal(List.of(2), run.observed("select v from " + table), "committed values");
                                return;
                            }
                            FailureKind kind = kind(db, told);
                            holds(() -> CONFLICTS.contains(kind), "no duplicate, as there was none: " + told);
                            equal(List.of(), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "CON-09a",
                        "TX-804",
                        "a child inserted while its parent is being deleted is never left alone",
                        Needs.of(Means.CONCURRENT_WRITERS),
                        run -> family(run, "delete from {parent} where id = 1", "insert into {child} values (1, 1)")),
                ConformanceCase.of(
                        "CON-09b",
                        "TX-804",
                        "a parent deleted while a child is being inserted leaves nobody alone",
                        Needs.of(Means.CONCURRENT_WRITERS),
                        run -> family(run, "insert into {child} values (1, 1)", "delete from {parent} where id = 1")),
                ConformanceCase.of(
                        "CON-10",
                        "TX-803",
                        "of eight sessions that insert a key at once, one wins and all know why",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor(EngineSetup.on(run.pool(RACERS)));
                            CyclicBarrier start = new CyclicBarrier(RACERS);
                            List<CompletableFuture<@Nullable Throwable>> racers = IntStream.range(0, RACERS)
                                    .mapToObj(racer -> Threads.<@Nullable Throwable>supply(() -> {
                                        start.await(Patience.step().toMillis(), TimeUnit.MILLISECONDS);
                                        return thrownBy(() -> db.execute(tx ->
                                                update(tx, "insert into " + table + " (id, v) values (1, ?)", racer)));
                                    }))
                                    .toList();
                            List<FailureKind> losers = new ArrayList<>();
                            for (CompletableFuture<@Nullable Throwable> racer : racers) {
                                Throwable told = racer.get(Patience.step().toMillis(), TimeUnit.MILLISECONDS);
                                if (told == null) {
                                    continue;
                                }
                                FailureKind kind = kind(db, told);
                                if (kind == null || (kind != FailureKind.UNIQUE && !CONFLICTS.contains(kind))) {
                                    throw new AssertionError("told as " + kind + ": " + told, told);
                                }
                                losers.add(kind);
                            }
                            run.note("losers", losers);
                            equal(RACERS - 1, losers.size(), "losers");
                            equal(List.of(1), run.ids(table), "committed rows");
                        }));
    }

    /** Inserts a key that another has inserted and not committed; answers what came of it once the other has ended. */
    private static @Nullable Throwable afterTheOther(
            CaseRun run, Transactor db, String table, Consumer<UnmanagedTx> end) throws SQLException {
        AtomicBoolean released = new AtomicBoolean();
        AtomicBoolean tooEarly = new AtomicBoolean();
        try (UnmanagedTx first = db.begin()) {
            update(first, "insert into " + table + " (id, v) values (1, 1)");
            Rival second = Rival.start(run, db, TxOptions.none(), tx -> {
                update(tx, "insert into " + table + " (id, v) values (1, 2)");
                tooEarly.set(!released.get());
            });
            run.note("the second", second.seen());
            released.set(true);
            end.accept(first);
            Throwable told = second.end();
            holds(() -> !tooEarly.get(), "the second does not get the key while the first has it");
            return told;
        }
    }

    /** Of two transactions that cannot both be right, the first one commits and the second one does not. */
    private static void family(CaseRun run, String first, String second) throws Exception {
        String parent = run.table();
        String child = child(run, parent);
        String one = first.replace("{parent}", parent).replace("{child}", child);
        String other = second.replace("{parent}", parent).replace("{child}", child);
        run.observe("insert into " + parent + " (id, v) values (1, 0)");
        if (thrownBy(() -> run.observe("insert into " + child + " values (9, 9)")) == null) {
            throw new Untested("the database does not enforce foreign keys");
        }
        Transactor db = run.transactor();
        Throwable told;
        try (UnmanagedTx holder = db.begin()) {
            update(holder, one);
            Rival rival = Rival.start(run, db, TxOptions.none(), tx -> update(tx, other));
            run.note("the second", rival.seen());
            holder.commit();
            told = rival.end();
        }
        String alone = "select id from " + child + " where parent not in (select id from " + parent + ")";
        List<Integer> orphans = run.observed(alone);
        if (!orphans.isEmpty()) {
            // a dialect cannot mend what the database does not hold
            run.observe("delete from " + child);
            run.observe("delete from " + parent);
            run.observe("insert into " + parent + " (id, v) values (1, 0)");
            byPlainJdbc(run, one, other);
            if (!run.observed(alone).isEmpty()) {
                run.note("foreign keys", "do not hold between transactions, by plain JDBC either");
                run.characterised();
                return;
            }
        }
        equal(List.of(), orphans, "children without a parent");
        FailureKind kind = kind(db, told);
        holds(
                () -> kind == FailureKind.FOREIGN_KEY || CONFLICTS.contains(kind),
                "the second is told FOREIGN_KEY: " + told);
    }

    private static void byPlainJdbc(CaseRun run, String first, String second) throws Exception {
        try (Connection one = run.database().sessions().getConnection();
                Connection other = run.database().sessions().getConnection()) {
            one.setAutoCommit(false);
            execute(one, first);
            CompletableFuture<@Nullable Void> rival = Threads.run(() -> execute(other, second));
            // while the first is open, unless it waits
            thrownBy(() -> rival.get(Patience.of(Duration.ofSeconds(1)).toMillis(), TimeUnit.MILLISECONDS));
            one.commit();
            thrownBy(() -> rival.get(Patience.step().toMillis(), TimeUnit.MILLISECONDS));
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static List<ConformanceCase> ddlAndBatches() {
        return List.of(
                ConformanceCase.of(
                        "CON-11",
                        "TX-807",
                        "DDL is rolled back with its transaction, or that it commits is told",
                        run -> {
                            String table = run.table();
                            String made = table + "_ddl";
                            Transactor db = run.transactor();
                            IllegalStateException undo = new IllegalStateException("undo");
                            AtomicReference<@Nullable Outcome> outcome = new AtomicReference<>();
                            run.closing(() -> thrownBy(() -> run.observe("drop table " + made)));
                            Throwable told = thrownBy(() -> db.execute(tx -> {
                                tx.afterCompletion(outcome::set);
                                insert(tx, table, 1);
                                update(tx, "create table " + made + " (id int)");
                                insert(tx, table, 2);
                                throw undo;
                            }));
                            boolean isThere = thrownBy(() -> run.ids(made)) == null;
                            List<Integer> rows = run.ids(table);
                            if (run.has(Feature.TRANSACTIONAL_DDL)) {
                                equal(undo, told, "what the caller is told");
                                equal(false, isThere, "whether the table is there after the rollback");
                                equal(List.of(), rows, "committed rows");
                                return;
                            }
                            run.note("rows committed by the DDL", rows);
                            run.note("told", String.valueOf(told));
                            run.note("outcome", String.valueOf(outcome.get()));
                            if (!rows.isEmpty()) {
                                holds(
                                        () -> !(outcome.get() instanceof Outcome.RolledBack) && told != undo,
                                        "rows " + rows + " are there, so nobody is told of a rollback; told: " + told
                                                + ", outcome: " + outcome.get());
                            }
                        }),
                ConformanceCase.of(
                        "CON-12a",
                        "TX-808",
                        "a batch that breaks a constraint is told as UNIQUE, and counts what is there",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            AtomicReference<int[]> counts = new AtomicReference<>(new int[0]);
                            Throwable told = thrownBy(() -> db.execute(tx -> {
                                insert(tx, table, 10);
                                SQLException raised = throwing(SQLException.class, () -> batch(tx, table, 1, 2, 2, 3));
                                equal(FailureKind.UNIQUE, kind(db, raised), "the kind");
                                if (batchOf(raised) instanceof BatchUpdateException batch) {
                                    counts.set(batch.getUpdateCounts());
                                }
                                run.note("update counts", Arrays.toString(counts.get()));
                            }));
                            if (told != null) {
                                // the error had aborted the transaction
                                equal(TxRolledBackException.class, told.getClass(), "what the caller is told");
                                equal(List.of(), run.ids(table), "committed rows");
                                return;
                            }
                            if (counts.get().length == 0) {
                                // the driver does not count: what is there is only told
                                List<Integer> rows = run.ids(table);
                                run.note("committed rows", rows);
                                holds(() -> rows.contains(10), "the row before the batch is there: " + rows);
                                return;
                            }
                            List<Integer> ids = List.of(1, 2, 2, 3);
                            List<Integer> expected = new ArrayList<>();
                            for (int i = 0; i < counts.get().length; i++) {
                                if (counts.get()[i] != Statement.EXECUTE_FAILED) {
                                    expected.add(ids.get(i));
                                }
                            }
                            expected.add(10);
                            equal(expected, run.ids(table), "committed rows, by the update counts");
                        }),
                ConformanceCase.of(
                        "CON-12b",
                        "TX-808",
                        "a batch in a savepoint that breaks a constraint is undone as a whole",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            db.execute(tx -> {
                                insert(tx, table, 10);
                                SQLException raised = throwing(
                                        SQLException.class,
                                        () -> tx.executeNested(nested -> batch(nested, table, 1, 2, 2, 3)));
                                equal(FailureKind.UNIQUE, kind(db, raised), "the kind");
                                equal(List.of(10), ints(tx, "select id from " + table), "rows of the transaction");
                                insert(tx, table, 11);
                            });
                            equal(List.of(10, 11), run.ids(table), "committed rows");
                        }));
    }

    private static int[] batch(ConnectionScope scope, String table, int... ids) throws SQLException {
        return scope.withConnection(connection -> {
            try (PreparedStatement statement =
                    connection.prepareStatement("insert into " + table + " (id, v) values (?, 0)")) {
                for (int id : ids) {
                    statement.setInt(1, id);
                    statement.addBatch();
                }
                return statement.executeBatch();
            }
        });
    }

    private static @Nullable Throwable batchOf(Throwable raised) {
        Throwable cause = raised;
        while (cause != null && !(cause instanceof BatchUpdateException)) {
            cause = cause.getCause();
        }
        return cause;
    }
}
