package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;
import static dev.holdfast.tx.testkit.Sql.update;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRejectedException;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.testkit.fault.ScriptedDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Transactions that only read (RO). */
final class ReadOnlyCases {
    private static final TxOptions READ_ONLY = TxOptions.none().readOnly();

    /** Ways to take the next number of a sequence; databases know one of them. */
    private static final List<String> NEXT = List.of(
            "select nextval('{sequence}')",
            "select next value for {sequence} from {table}",
            "values next value for {sequence}");

    private ReadOnlyCases() {}

    static List<ConformanceCase> all() {
        return List.of(
                ConformanceCase.of(
                        "RO-01a",
                        "TX-150",
                        "the server refuses a write in a read-only transaction, told as READ_ONLY",
                        Feature.READ_ONLY,
                        run -> {
                            String table = run.table();
                            run.observe("insert into " + table + " (id, v) values (1, 0)");
                            Transactor db = run.transactor();
                            for (String write : List.of(
                                    "insert into " + table + " (id, v) values (2, 0)",
                                    "update " + table + " set v = 1",
                                    "delete from " + table)) {
                                Throwable told = thrownBy(() -> db.execute(READ_ONLY, tx -> {
                                    equal(List.of(1), ints(tx, "select id from " + table), "rows read");
                                    update(tx, write);
                                }));
                                equal(FailureKind.READ_ONLY, kind(db, told), "the kind of the error of: " + write);
                                equal(List.of(0), run.observed("select v from " + table), "committed values");
                            }
                        }),
                ConformanceCase.of(
                        "RO-01b", "TX-151", "a transaction that only intends to read is not kept from writing", run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            db.execute(TxOptions.none().readOnlyHint(), tx -> insert(tx, table, 1));
                            equal(List.of(1), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "RO-02",
                        "TX-152",
                        "after a read-only transaction, ended well or not, its connection writes",
                        Feature.READ_ONLY,
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
                            boolean before = db.withConnection(Connection::isReadOnly);
                            db.execute(READ_ONLY, tx -> ints(tx, "select id from " + table));
                            db.execute(tx -> insert(tx, table, 1));
                            Throwable told = thrownBy(() -> db.execute(READ_ONLY, tx -> insert(tx, table, 2)));
                            equal(FailureKind.READ_ONLY, kind(db, told), "the kind of the error");
                            db.withConnection(lent -> {
                                try (Statement statement = lent.createStatement()) {
                                    statement.execute("insert into " + table + " (id, v) values (3, 0)");
                                }
                                equal(before, lent.isReadOnly(), "whether JDBC calls the connection read-only");
                                return null;
                            });
                            db.execute(tx -> insert(tx, table, 4));
                            equal(List.of(1, 3, 4), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "RO-03a",
                        "TX-153",
                        "a read-only scope does not join a transaction that writes, and leaves it writing",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            db.execute(tx -> {
                                insert(tx, table, 1);
                                Class<? extends TxException> refusal = run.has(Feature.READ_ONLY)
                                        ? TxRejectedException.class
                                        : TxUnsupportedException.class;
                                TxException told = throwing(
                                        refusal, () -> db.execute(READ_ONLY, inner -> insert(inner, table, 2)));
                                String message = String.valueOf(told.getMessage());
                                holds(() -> message.contains("READ_ONLY_HINT"), "what would join is named: " + message);
                                db.execute(
                                        TxOptions.none().readOnlyHint(),
                                        inner ->
                                                equal(List.of(1), ints(inner, "select id from " + table), "rows read"));
                                insert(tx, table, 3);
                            });
                            equal(List.of(1, 3), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "RO-03b",
                        "TX-154",
                        "a read-only savepoint scope refuses writes, and only those in it",
                        Needs.of(Feature.READ_ONLY_SAVEPOINT, Feature.SAVEPOINTS),
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            TxOptions nested = READ_ONLY.propagation(Propagation.SAVEPOINT);
                            db.execute(tx -> {
                                insert(tx, table, 1);
                                Throwable told = thrownBy(() -> tx.execute(nested, inner -> insert(inner, table, 2)));
                                equal(FailureKind.READ_ONLY, kind(db, told), "the kind of the error");
                                insert(tx, table, 3);
                                tx.execute(
                                        nested,
                                        inner -> equal(
                                                List.of(1, 3),
                                                ints(inner, "select id from " + table + " order by id"),
                                                "rows read"));
                                insert(tx, table, 4);
                            });
                            equal(List.of(1, 3, 4), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "RO-04",
                        "TX-153",
                        "a scope that asks to write is refused in a read-only transaction, before anything is sent",
                        Feature.READ_ONLY,
                        run -> {
                            String table = run.table();
                            ScriptedDataSource calls = run.closing(NestingCases.scripted(run));
                            Transactor db = run.transactor(EngineSetup.on(calls));
                            calls.play(null);
                            db.execute(READ_ONLY, tx -> {
                                ints(tx, "select id from " + table);
                                int sent = calls.calls().size();
                                holds(() -> sent > 0, "calls are counted");
                                throwing(
                                        TxRejectedException.class,
                                        () -> db.execute(
                                                TxOptions.none().readWrite(), inner -> insert(inner, table, 1)));
                                equal(sent, calls.calls().size(), "calls of the driver");
                                equal(List.of(), ints(tx, "select id from " + table), "rows, still read");
                            });
                            equal(List.of(), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "RO-05",
                        "TX-155",
                        "whether a read-only transaction may take numbers of a sequence",
                        Feature.READ_ONLY,
                        ReadOnlyCases::sequence),
                ConformanceCase.of(
                        "RO-06",
                        "TX-156",
                        "a read-only transaction sees one state, while others commit twice",
                        Feature.READ_ONLY,
                        run -> {
                            Isolation level = Levels.ofOneState(run.profile());
                            run.note("level", level);
                            String table = run.table();
                            run.observe("insert into " + table + " (id, v) values (1, 10)");
                            run.observe("insert into " + table + " (id, v) values (2, 20)");
                            Transactor db = run.transactor();
                            List<List<Integer>> seen = new ArrayList<>();
                            List<Rival> writers = new ArrayList<>();
                            db.execute(READ_ONLY.isolation(level), tx -> {
                                seen.add(values(tx, table));
                                for (int i = 1; i <= 2; i++) {
                                    // one that waits for this reader is right too
                                    Rival writer = Rival.start(
                                            run,
                                            db,
                                            TxOptions.none().retry(RetryPolicy.attempts(20)),
                                            other -> update(other, "update " + table + " set v = v + 1"));
                                    writers.add(writer);
                                    run.note("writer " + i, writer.seen());
                                    seen.add(values(tx, table));
                                }
                            });
                            for (Rival writer : writers) {
                                equal(null, writer.end(), "what a writer is told");
                            }
                            equal(List.of(12, 22), values(run, table), "committed values");
                            equal(
                                    List.of(List.of(10, 20), List.of(10, 20), List.of(10, 20)),
                                    seen,
                                    "the values read three times");
                        }));
    }

    private static List<Integer> values(Tx tx, String table) throws SQLException {
        return ints(tx, "select v from " + table + " order by id");
    }

    private static List<Integer> values(CaseRun run, String table) throws SQLException {
        return run.observed("select v from " + table + " order by id");
    }

    private static void sequence(CaseRun run) throws SQLException {
        String table = run.table();
        run.observe("insert into " + table + " (id, v) values (1, 0)");
        String sequence = table + "_seq";
        try {
            run.observe("create sequence " + sequence);
        } catch (SQLException e) {
            throw new Untested("the database takes no sequence: " + e.getMessage());
        }
        run.closing(() -> {
            if (thrownBy(() -> run.observe("drop sequence " + sequence)) != null) {
                run.observe("drop sequence " + sequence + " restrict");
            }
        });
        String next = NEXT.stream()
                .map(way -> way.replace("{sequence}", sequence).replace("{table}", table))
                .filter(way -> thrownBy(() -> run.observed(way)) == null)
                .findFirst()
                .orElseThrow(() -> new Untested("no known way to take a number of a sequence"));
        Transactor db = run.transactor();
        AtomicReference<@Nullable Throwable> raised = new AtomicReference<>();
        thrownBy(() -> db.execute(READ_ONLY, tx -> {
            try {
                ints(tx, next);
            } catch (SQLException e) {
                raised.set(e);
                throw e;
            }
        }));
        if (raised.get() == null) {
            run.note("numbers of a sequence", "given");
        } else {
            equal(FailureKind.READ_ONLY, kind(db, raised.get()), "the kind of the refusal");
            run.note("numbers of a sequence", "refused");
        }
        run.characterised();
    }

    private static @Nullable FailureKind kind(Transactor db, @Nullable Throwable error) {
        Failure failure = error == null ? null : db.classify(error);
        return failure == null ? null : failure.kind();
    }
}
