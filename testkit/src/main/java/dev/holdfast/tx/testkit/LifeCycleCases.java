package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxRolledBackException;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Beginning and ending (LIF). */
final class LifeCycleCases {
    private LifeCycleCases() {}

    static List<ConformanceCase> all() {
        return List.of(
                ConformanceCase.of("LIF-01", "a body that returns is committed", run -> {
                    String table = run.table();
                    Transactor db = run.transactor();
                    db.execute(tx -> insert(tx, table, 1));
                    equal(List.of(1), run.ids(table), "rows the observer sees");
                }),
                ConformanceCase.of("LIF-02", "what the body throws rolls back and reaches the caller as it is", run -> {
                    String table = run.table();
                    Transactor db = run.transactor();
                    for (Throwable thrown : List.of(
                            new Exception("checked"), new IllegalStateException("unchecked"), new Error("error"))) {
                        Throwable seen = thrownBy(() -> db.execute(tx -> {
                            insert(tx, table, 1);
                            throw Facts.sneaky(thrown);
                        }));
                        equal(thrown, seen, "the very object");
                        equal(List.of(), run.ids(table), "rows the observer sees");
                    }
                }),
                ConformanceCase.of("LIF-03", "the result reaches the caller, null included", run -> {
                    Transactor db = run.transactor();
                    equal("result", db.transact(tx -> "result"), "the result");
                    equal(null, db.<@Nullable String>transact(tx -> null), "the result");
                }),
                ConformanceCase.of("LIF-06", "a commit of what an error has aborted is never reported as done", run -> {
                    String table = run.table();
                    Transactor db = run.transactor();
                    Throwable seen = thrownBy(() -> db.execute(tx -> {
                        insert(tx, table, 1);
                        throwing(SQLException.class, () -> insert(tx, table, 1)); // and swallowed
                    }));
                    if (seen == null) {
                        equal(List.of(1), run.ids(table), "rows after a commit that was reported as done");
                    } else {
                        equal(TxRolledBackException.class, seen.getClass(), "what the caller is told");
                        equal(List.of(), run.ids(table), "rows after a rollback");
                    }
                }));
    }
}
