package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.update;

import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.TxRolledBackException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import javax.sql.DataSource;

/** Transactions that the server ended while they were idle (TMO). That it has is seen by their row lock, which is gone then. */
final class IdleCases {
    private static final Needs LIMITED = Needs.of(Means.IDLE_LIMIT).and(Means.CONCURRENT_WRITERS);
    private static final Needs KILLED = Needs.of(Means.KILL).and(Means.CONCURRENT_WRITERS);

    /** Has the server end the session of a transaction. */
    @FunctionalInterface
    private interface Ending {
        void of(CaseRun run, Tx tx) throws Exception;
    }

    private IdleCases() {}

    static List<ConformanceCase> all() {
        return List.of(
                ConformanceCase.of(
                        "TMO-20",
                        "TX-434",
                        "after the server's limit on idle transactions the next statement fails, and no place is lost",
                        LIMITED,
                        run -> endedBeforeStatement(run, IdleCases::limit)),
                ConformanceCase.of(
                        "TMO-21",
                        "TX-434",
                        "after the server's limit on idle transactions nothing is committed, and no place is lost",
                        LIMITED,
                        run -> endedBeforeCommit(run, IdleCases::limit)),
                ConformanceCase.of(
                        "TMO-22",
                        "TX-434",
                        "when an idle session was killed the next statement fails, and no place is lost",
                        KILLED,
                        run -> endedBeforeStatement(run, CancelCases::kill)),
                ConformanceCase.of(
                        "TMO-23",
                        "TX-434",
                        "when an idle session was killed nothing is committed, and no place is lost",
                        KILLED,
                        run -> endedBeforeCommit(run, CancelCases::kill)));
    }

    private static void limit(CaseRun run, Tx tx) throws SQLException {
        update(tx, Objects.requireNonNull(run.hooks().idleLimit()));
    }

    private static void endedBeforeStatement(CaseRun run, Ending ending) throws Exception {
        for (DataSource pool : pools(run)) {
            String table = run.table();
            Transactor db = run.transactor(EngineSetup.on(pool));
            List<Throwable> raised = new ArrayList<>();
            Throwable told = thrownBy(() -> db.execute(tx -> {
                end(run, tx, table, ending);
                raised.add(Objects.requireNonNull(thrownBy(() -> insert(tx, table, 2)), "an error of the statement"));
                raised.add(Objects.requireNonNull(thrownBy(() -> insert(tx, table, 3)), "an error of the one after"));
                throw (Exception) raised.get(0);
            }));
            equal(raised.get(0), told, "what the caller is told");
            var failure = Objects.requireNonNull(db.classify(raised.get(0)));
            equal(FailureEffect.LOST, failure.effect(), "what the error did, " + failure);
            holds(() -> isCausedBy(raised.get(1), raised.get(0)), "the one after was not sent: " + raised.get(1));
            serving(run, db, table);
        }
    }

    private static void endedBeforeCommit(CaseRun run, Ending ending) throws Exception {
        for (DataSource pool : pools(run)) {
            String table = run.table();
            Transactor db = run.transactor(EngineSetup.on(pool));
            Throwable told = thrownBy(() -> db.execute(tx -> end(run, tx, table, ending)));
            holds(
                    () -> told instanceof TxRolledBackException || told instanceof TxOutcomeUnknownException,
                    "the commit failed: " + told);
            serving(run, db, table);
        }
    }

    /** Writes row 1, has the session ended, and returns when another one has written that row. */
    private static void end(CaseRun run, Tx tx, String table, Ending ending) throws Exception {
        insert(tx, table, 1);
        ending.of(run, tx);
        run.observe("insert into " + table + " (id, v) values (1, 7)");
    }

    private static void serving(CaseRun run, Transactor db, String table) throws SQLException {
        db.execute(tx -> insert(tx, table, 4));
        equal(List.of(1, 4), run.ids(table), "committed rows, of another session and of the next transaction");
    }

    /** Pools of one: the kit's own, and HikariCP's with either judge of what an error costs. */
    private static List<DataSource> pools(CaseRun run) throws SQLException {
        List<DataSource> pools = new ArrayList<>();
        pools.add(run.closing(new KeptSession(run.sessions(), Duration.ZERO)).dataSource());
        pools.add(run.pool(1));
        try {
            pools.add(run.closing(HikariPool.judging(run.sessions(), 1)));
        } catch (NoClassDefFoundError e) {
            run.note("HikariCP", "not on the class path");
        }
        return pools;
    }

    private static boolean isCausedBy(Throwable error, Throwable first) {
        for (Throwable cause = error.getCause(); cause != null; cause = cause.getCause()) {
            if (cause == first) {
                return true;
            }
        }
        return false;
    }
}
