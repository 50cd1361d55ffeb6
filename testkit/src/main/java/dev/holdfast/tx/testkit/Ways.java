package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.UnmanagedTx;
import dev.holdfast.tx.spi.Feature;
import java.sql.SQLException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/** Ways in which transactions go, each with what it throws on its way ignored. */
final class Ways {
    private static final Duration SHORT = Duration.ofMillis(100);

    private Ways() {}

    static Map<String, FaultBed.Work> all(CaseRun run, String table) {
        Map<String, FaultBed.Work> ways = new LinkedHashMap<>();
        ways.put("committed", db -> db.execute(tx -> insert(tx, table, 1)));
        ways.put(
                "failed",
                db -> db.execute(tx -> {
                    insert(tx, table, 1);
                    throw new IllegalStateException("planned");
                }));
        ways.put(
                "failed in the database",
                db -> db.execute(tx -> {
                    insert(tx, table, 1);
                    insert(tx, table, 1);
                }));
        ways.put(
                "failed in the database, and caught",
                db -> db.execute(tx -> {
                    insert(tx, table, 1);
                    thrownBy(() -> Failing.MALFORMED.raise(tx, table));
                }));
        ways.put(
                "rolled back on request",
                db -> db.execute(tx -> {
                    insert(tx, table, 1);
                    tx.setRollbackOnly("planned");
                }));
        ways.put("forced to roll back", db -> db.execute(TxOptions.none().forceRollback(), tx -> insert(tx, table, 1)));
        ways.put(
                "refused by a hook",
                db -> db.execute(tx -> {
                    insert(tx, table, 1);
                    tx.beforeCommit(() -> {
                        throw new IllegalStateException("planned");
                    });
                }));
        ways.put(
                "out of time",
                db -> db.execute(TxOptions.none().wholeTimeout(Duration.ofNanos(1)), tx -> {
                    insert(tx, table, 1);
                }));
        ways.put("unmanaged, left", db -> {
            try (UnmanagedTx tx = db.begin()) {
                insert(tx, table, 1);
            }
        });
        ways.put("unmanaged, committed", db -> {
            try (UnmanagedTx tx = db.begin()) {
                insert(tx, table, 1);
                tx.commit();
            }
        });
        ways.put(
                "a statement left open",
                db -> db.execute(tx -> {
                    insert(tx, table, 1);
                    open(tx, table);
                }));
        ways.put(
                "a view closed",
                db -> db.execute(tx -> {
                    insert(tx, table, 1);
                    tx.connection().close();
                }));
        ways.put("serializable", db -> db.execute(TxOptions.of(Isolation.SERIALIZABLE), tx -> insert(tx, table, 1)));
        if (run.has(Feature.READ_ONLY)) {
            ways.put(
                    "read-only",
                    db -> db.execute(TxOptions.none().readOnly(), tx -> ints(tx, "select id from " + table)));
            ways.put(
                    "a write in read-only, serializable",
                    db -> db.execute(TxOptions.of(Isolation.SERIALIZABLE).readOnly(), tx -> insert(tx, table, 1)));
        }
        if (run.has(Feature.DEFERRED_CONSTRAINTS)) {
            ways.put("deferred", db -> db.execute(TxOptions.none().deferConstraints(), tx -> insert(tx, table, 1)));
        }
        if (run.has(Feature.LOCK_TIMEOUT)) {
            ways.put("lock timeout", db -> db.execute(TxOptions.none().lockTimeout(SHORT), tx -> insert(tx, table, 1)));
        }
        if (run.has(Feature.LOCK_UPDATE) && run.has(Feature.LOCK_WAIT_AT_MOST)) {
            ways.put(
                    "a lock with a limit",
                    db -> db.execute(tx -> {
                        RowLock lock = RowLock.forUpdate().waitAtMost(SHORT);
                        ints(tx, tx.lock(lock, "select id from " + table + " {table-lock} where id = 1 {row-lock}"));
                    }));
        }
        if (run.has(Feature.STATEMENT_TIMEOUT)) {
            ways.put(
                    "statement timeout",
                    db -> db.execute(TxOptions.none().statementTimeout(Patience.step()), tx -> insert(tx, table, 1)));
            if (run.hooks().slow() != null) {
                ways.put(
                        "statement timeout, passed",
                        db -> db.execute(
                                TxOptions.none().statementTimeout(SHORT), tx -> ints(tx, CancelCases.slow(run))));
            }
        }
        if (run.has(Feature.SAVEPOINTS)) {
            ways.put(
                    "nested",
                    db -> db.execute(tx -> {
                        insert(tx, table, 1);
                        tx.executeNested(nested -> insert(nested, table, 2));
                        thrownBy(() -> tx.executeNested(nested -> {
                            insert(nested, table, 3);
                            throw new IllegalStateException("planned");
                        }));
                    }));
        }
        return ways;
    }

    @SuppressWarnings("resource") // left open, that is the point
    private static void open(Tx tx, String table) throws SQLException {
        tx.connection()
                .prepareStatement("select id from " + table)
                .executeQuery()
                .next();
    }
}
