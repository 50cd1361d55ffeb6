package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;
import static dev.holdfast.tx.testkit.Sql.update;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.testkit.fault.Fault;
import dev.holdfast.tx.testkit.fault.JdbcCall;
import dev.holdfast.tx.testkit.fault.Lent;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** What the next user of a connection finds (HYG). */
final class HygieneCases {
    private static final int FAILURES = 200;

    private HygieneCases() {}

    static List<ConformanceCase> all() {
        return List.of(
                ConformanceCase.of(
                        "HYG-01",
                        "TX-401",
                        "a session is given back as it was found, however its transaction went",
                        HygieneCases::asFound),
                ConformanceCase.of(
                        "HYG-02",
                        "TX-403",
                        "what the body set through setters of JDBC is put back, in a transaction and in a loan",
                        HygieneCases::settersAreUndone),
                ConformanceCase.of(
                        "HYG-03",
                        "TX-401",
                        "however a transaction ended, others can write what it wrote while its connection is idle",
                        HygieneCases::nothingIsHeld),
                ConformanceCase.of(
                        "HYG-04",
                        "TX-402",
                        "a connection whose settings cannot be put back is thrown away, and its commit stands",
                        HygieneCases::failedUndo),
                ConformanceCase.of(
                        "HYG-05", "TX-402", "a body that closes its connection gets another view, and commits", run -> {
                            FaultBed bed = new FaultBed(run);
                            bed.calls.play(null);
                            bed.db.execute(tx -> {
                                Connection view = tx.connection();
                                insert(tx, bed.table, 1);
                                view.close();
                                view.close();
                                equal(true, view.isClosed(), "whether the view is closed");
                                Connection next = tx.connection();
                                equal(false, next.isClosed(), "whether the next one is");
                                insert(tx, bed.table, 2);
                            });
                            equal(List.of(1, 2), run.ids(bed.table), "committed rows");
                            equal(List.of(Lent.Fate.RETURNED), bed.fates(), "what became of the connections");
                            equal(List.of(), bed.complaints(), "complaints of the pool");
                        }),
                ConformanceCase.of(
                        "HYG-06",
                        "TX-404",
                        "commit, rollback and setAutoCommit are refused on the connection of a scope, and send nothing",
                        HygieneCases::controlIsRefused),
                ConformanceCase.of(
                        "HYG-07",
                        "TX-404",
                        "transaction control as SQL text is refused, whatever its case and what comes before it",
                        run -> {
                            FaultBed bed = new FaultBed(run);
                            FaultBed.Work work = db -> db.execute(tx -> {
                                insert(tx, bed.table, 1);
                                bed.calls.play(null);
                                for (String text : List.of(
                                        "commit", "COMMIT", " Rollback", "/* said */ commit", "-- said\nrollback")) {
                                    SQLException refused = throwing(SQLException.class, () -> execute(tx, text));
                                    equal(
                                            true,
                                            refused.getCause() instanceof TxStateException,
                                            "whether the refusal of '" + text + "' is ours: " + refused);
                                }
                                equal(List.of(), sent(bed.calls.calls()), "what was sent");
                                insert(tx, bed.table, 2);
                            });
                            isUnderControl(run, bed, work);
                        }),
                ConformanceCase.of(
                        "HYG-08",
                        "TX-407",
                        "statements and result sets that the body left open are closed with their transaction",
                        run -> {
                            FaultBed bed = new FaultBed(run);
                            bed.db.execute(tx -> insert(tx, bed.table, 1));
                            bed.calls.play(null);
                            Connection[] view = new Connection[1];
                            PreparedStatement[] statement = new PreparedStatement[1];
                            ResultSet[] rows = new ResultSet[1];
                            bed.db.execute(tx -> {
                                view[0] = tx.connection();
                                statement[0] = view[0].prepareStatement("select id from " + bed.table);
                                rows[0] = statement[0].executeQuery();
                            });
                            equal(true, statement[0].isClosed(), "whether the statement is closed");
                            equal(true, rows[0].isClosed(), "whether the result set is closed");
                            equal(true, view[0].isClosed(), "whether the connection is closed");
                            equal(List.of(), bed.complaints(), "complaints of the pool");
                        }),
                ConformanceCase.of(
                        "HYG-08b",
                        "TX-407",
                        "a warning that a transaction left on its connection is not there for the next",
                        HygieneCases::warningsAreGone),
                ConformanceCase.of(
                        "HYG-09",
                        "TX-405",
                        "what was kept from an ended scope sends nothing to whoever has the connection next",
                        run -> {
                            FaultBed bed = new FaultBed(run);
                            Connection[] view = new Connection[1];
                            PreparedStatement[] statement = new PreparedStatement[1];
                            bed.db.execute(tx -> {
                                view[0] = tx.connection();
                                statement[0] =
                                        view[0].prepareStatement("insert into " + bed.table + " (id, v) values (5, 0)");
                                insert(tx, bed.table, 1);
                            });
                            bed.db.execute(tx -> {
                                insert(tx, bed.table, 2);
                                bed.calls.play(null);
                                for (Facts.Attempt late : List.<Facts.Attempt>of(
                                        () -> statement[0].executeUpdate(),
                                        () -> view[0].createStatement(),
                                        () -> view[0].setNetworkTimeout(Runnable::run, 1),
                                        () -> view[0].rollback(),
                                        () -> view[0].setAutoCommit(true))) {
                                    throwing(SQLException.class, late);
                                }
                                thrownBy(() -> statement[0].close());
                                thrownBy(() -> view[0].close());
                                equal(List.of(), sent(bed.calls.calls()), "what was sent");
                            });
                            equal(List.of(1, 2), run.ids(bed.table), "committed rows");
                        }),
                ConformanceCase.of(
                        "HYG-10",
                        "TX-401",
                        "what becomes of a temporary table that a transaction leaves behind",
                        run -> {
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
                            Throwable refused = thrownBy(
                                    () -> db.execute(tx -> execute(tx, "create temporary table hf_temp (id int)")));
                            if (refused != null) {
                                throw new Untested("it has no temporary tables by the common text: " + refused);
                            }
                            Throwable gone = thrownBy(() -> db.execute(tx -> ints(tx, "select id from hf_temp")));
                            run.note("a temporary table", gone == null ? "is there for the next user" : "is gone");
                            run.characterised();
                        }),
                ConformanceCase.of(
                        "HYG-12",
                        "TX-406",
                        "after two hundred transactions that failed in every way a pool of one still serves",
                        HygieneCases::failingAndFailing),
                ConformanceCase.of(
                        "HYG-13",
                        "TX-406",
                        "an error of the JVM in the body rolls back and loses no connection",
                        run -> {
                            FaultBed bed = new FaultBed(run);
                            for (Error error : List.of(
                                    new OutOfMemoryError("thrown by a case"),
                                    new StackOverflowError("thrown by a case"),
                                    new Error("thrown by a case"),
                                    new LinkageError("thrown by a case"))) {
                                bed.calls.play(null);
                                Throwable told = thrownBy(() -> bed.db.execute(tx -> {
                                    insert(tx, bed.table, 1);
                                    throw error;
                                }));
                                equal(error, told, "what the caller is told");
                                equal(List.of(), run.ids(bed.table), "committed rows");
                                holds(
                                        () -> !bed.fates().contains(Lent.Fate.OUT),
                                        "no connection is out: " + bed.fates());
                                equal(List.of(), bed.complaints(), "complaints of the pool");
                            }
                            bed.serving();
                        }),
                ConformanceCase.of(
                        "HYG-14",
                        "TX-501",
                        "after a change of the table a statement that was prepared before works in a fresh transaction",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
                            String query = "select * from " + table;
                            run.observe("insert into " + table + " (id, v) values (1, 0)");
                            for (int i = 0; i < 12; i++) { // until the driver keeps it prepared
                                db.execute(tx -> ints(tx, query));
                            }
                            run.observe("alter table " + table + " add w int");
                            Throwable told = thrownBy(() -> db.execute(tx -> ints(tx, query)));
                            run.note("a prepared statement after DDL", told == null ? "works" : told);
                            if (told != null) {
                                Failure failure = Failing.told(db, told);
                                run.note(
                                        "which is",
                                        failure + ", may be run again: "
                                                + failure.kind().isTransient());
                            }
                            equal(List.of(1), db.transact(tx -> ints(tx, query)), "the rows of a fresh transaction");
                        }));
    }

    private static void asFound(CaseRun run) throws Exception {
        FaultBed bed = new FaultBed(run);
        Map<String, FaultBed.Work> ways = Ways.all(run, bed.table);
        for (Map.Entry<String, FaultBed.Work> way : ways.entrySet()) {
            List<JdbcCall> made = bed.well(way.getValue());
            equal(List.of(), bed.complaints(), "complaints of the pool after '" + way.getKey() + "' with " + made);
            holds(
                    () -> bed.fates().stream().allMatch(fate -> fate == Lent.Fate.RETURNED),
                    "the connection of '" + way.getKey() + "' is given back: " + bed.fates());
        }
        run.note("ways", String.join(", ", ways.keySet()));
    }

    private static void settersAreUndone(CaseRun run) throws Exception {
        FaultBed bed = new FaultBed(run);
        List<String> taken = new ArrayList<>();
        for (Setter setter : Setter.ALL) {
            boolean[] changed = new boolean[1];
            for (FaultBed.Work work : List.<FaultBed.Work>of(
                    db -> db.execute(tx -> {
                        insert(tx, bed.table, 1);
                        changed[0] = setter.changes(tx.connection());
                    }),
                    db -> db.execute(tx -> {
                        insert(tx, bed.table, 1);
                        changed[0] |= setter.changes(tx.connection());
                        throw new IllegalStateException("planned");
                    }),
                    db -> db.withConnection(connection -> changed[0] |= setter.changes(connection)))) {
                bed.well(work);
                equal(List.of(), bed.complaints(), "complaints of the pool after the " + setter.name());
                holds(() -> !bed.fates().contains(Lent.Fate.OUT), "no connection is out: " + bed.fates());
            }
            if (changed[0]) {
                taken.add(setter.name());
            }
        }
        run.note("setters that have an effect", taken);
        if (taken.isEmpty()) {
            throw new Untested("no setter of the driver has an effect");
        }
    }

    private static void nothingIsHeld(CaseRun run) throws Exception {
        String table = run.table();
        Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
        for (Map.Entry<String, FaultBed.Work> way : Ways.all(run, table).entrySet()) {
            thrownBy(() -> way.getValue().on(db));
            try {
                Threads.run(() -> run.observe("delete from " + table))
                        .get(Patience.step().toMillis(), TimeUnit.MILLISECONDS);
            } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException e) {
                throw new AssertionError("after '" + way.getKey() + "' others are kept from writing: " + e, e);
            }
        }
    }

    private static void failedUndo(CaseRun run) throws Exception {
        FaultBed bed = new FaultBed(run);
        FaultBed.Work work = db -> db.execute(tx -> {
            insert(tx, bed.table, 1);
            tx.connection().setNetworkTimeout(Runnable::run, 61_000);
        });
        List<JdbcCall> made = bed.well(work);
        int commit = made.stream()
                .filter(JdbcCall::isCommit)
                .mapToInt(JdbcCall::number)
                .findFirst()
                .orElseThrow(() -> new Untested("nothing was committed: the driver takes no network timeout"));
        JdbcCall undo = made.stream()
                .filter(call -> call.number() > commit && call.text().startsWith("setNetworkTimeout"))
                .findFirst()
                .orElseThrow(() -> new AssertionError("the network timeout is not put back after COMMIT: " + made));
        Throwable told = bed.played(work, List.of(Fault.throwing(undo.number(), "HY000")));
        equal(null, told, "what the caller is told of what was committed");
        holds(() -> bed.outcome() instanceof Outcome.Committed, "it is told as committed: " + bed.outcome());
        equal(List.of(1), run.ids(bed.table), "committed rows");
        bed.thrownAwayAndServing();
    }

    private static void warningsAreGone(CaseRun run) throws Exception {
        String table = run.table();
        WarningSessions warning = new WarningSessions(run.sessions());
        Transactor db = run.transactor(EngineSetup.on(run.pool(warning.sessions(), 1, Autocommit.ON)));
        db.execute(tx -> {
            insert(tx, table, 1);
            warning.warn();
            equal(true, tx.connection().getWarnings() != null, "whether the transaction sees its own warning");
        });
        db.execute(tx -> {
            insert(tx, table, 2);
            equal(null, tx.connection().getWarnings(), "the warning that the next transaction sees");
        });
        equal(1, warning.opened(), "sessions that were opened");
    }

    private static void controlIsRefused(CaseRun run) throws Exception {
        FaultBed bed = new FaultBed(run);
        FaultBed.Work work = db -> db.execute(tx -> {
            insert(tx, bed.table, 1);
            Connection connection = tx.connection();
            bed.calls.play(null);
            for (Facts.Attempt control : List.<Facts.Attempt>of(
                    connection::commit,
                    connection::rollback,
                    () -> connection.setAutoCommit(true),
                    connection::setSavepoint,
                    () -> connection.setSavepoint("mine"))) {
                SQLException refused = throwing(SQLException.class, control);
                equal(true, refused.getCause() instanceof TxStateException, "whether the refusal is ours: " + refused);
            }
            equal(false, connection.getAutoCommit(), "autocommit inside");
            connection.setAutoCommit(false); // asks for what is in force
            equal(List.of(), sent(bed.calls.calls()), "what was sent");
            insert(tx, bed.table, 2);
        });
        isUnderControl(run, bed, work);
    }

    /** What the work inserts is committed by its own end, and not before. */
    private static void isUnderControl(CaseRun run, FaultBed bed, FaultBed.Work work) throws Exception {
        IllegalStateException planned = new IllegalStateException("planned");
        Throwable told = thrownBy(() -> bed.db.execute(tx -> {
            work.on(bed.db); // joins
            throw planned;
        }));
        equal(planned, told, "what the caller is told");
        equal(List.of(), run.ids(bed.table), "committed rows after a rollback");
        work.on(bed.db);
        equal(List.of(1, 2), run.ids(bed.table), "committed rows after a commit");
    }

    private static void failingAndFailing(CaseRun run) throws Exception {
        String table = run.table();
        Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
        Map<String, FaultBed.Work> ways = Ways.all(run, table);
        ways.remove("statement timeout, passed"); // waits
        List<String> names = new ArrayList<>(ways.keySet());
        TxOptions undone = TxOptions.none().forceRollback();
        for (int i = 0; i < FAILURES; i++) {
            FaultBed.Work way = ways.getOrDefault(names.get(i % names.size()), any -> {});
            IllegalStateException planned = new IllegalStateException("planned");
            thrownBy(() -> way.on(db));
            Throwable told = thrownBy(() -> db.execute(undone, tx -> {
                update(tx, "delete from " + table);
                throw planned;
            }));
            equal(planned, told, "what the caller is told after '" + names.get(i % names.size()) + "'");
            run.observe("delete from " + table);
        }
        db.execute(tx -> insert(tx, table, 1));
        equal(List.of(1), run.ids(table), "committed rows");
    }

    /** Of the calls those that send something: making a statement does not. */
    static List<JdbcCall> sent(List<JdbcCall> calls) {
        return calls.stream()
                .filter(call -> !call.text().startsWith("createStatement")
                        && !call.text().startsWith("close"))
                .toList();
    }

    private static void execute(Tx tx, String text) throws SQLException {
        tx.withConnection(connection -> {
            try (Statement statement = connection.createStatement()) {
                return statement.execute(text);
            }
        });
    }
}
