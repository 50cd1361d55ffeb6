package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Facts.equal;
import static dev.holdfast.tx.testkit.Facts.holds;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;

import dev.holdfast.tx.Completion;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRejectedException;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.testkit.fault.Fault;
import dev.holdfast.tx.testkit.fault.JdbcCall;
import dev.holdfast.tx.testkit.fault.Lent;
import dev.holdfast.tx.testkit.fault.ScriptedDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Locale;

/** What is left of a session, a pool and a connection, where users of other frameworks found surprises (TRP). */
final class SessionCases {
    private SessionCases() {}

    static List<ConformanceCase> all() {
        return List.of(
                ConformanceCase.of(
                        "TRP-08",
                        "TX-402",
                        "a connection whose rollback failed is thrown away, and nothing on it is committed",
                        run -> {
                            String table = run.table();
                            ScriptedDataSource calls = run.closing(NestingCases.scripted(run));
                            Transactor db = run.transactor(EngineSetup.on(calls));
                            IllegalStateException first = new IllegalStateException("undo");
                            Facts.Attempt failing = () -> db.execute(tx -> {
                                insert(tx, table, 1);
                                throw first;
                            });
                            calls.play(null);
                            thrownBy(failing);
                            int rollback = calls.calls().stream()
                                    .filter(call ->
                                            call.text().toLowerCase(Locale.ROOT).contains("rollback"))
                                    .mapToInt(JdbcCall::number)
                                    .findFirst()
                                    .orElseThrow();
                            calls.play(Fault.throwing(rollback, "HY000"));
                            equal(first, thrownBy(failing), "what the caller is told");
                            holds(calls::hasFired, "the rollback has failed");
                            equal(
                                    List.of(Lent.Fate.THROWN_AWAY),
                                    calls.ledger().stream().map(Lent::fate).toList(),
                                    "what became of the connections");
                            holds(
                                    () -> calls.calls().stream()
                                            .filter(call -> call.number() > rollback)
                                            .noneMatch(call -> call.text().contains("setAutoCommit")),
                                    "autocommit is left alone: " + calls.calls());
                            equal(List.of(), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "TRP-15",
                        "TX-409",
                        "a transaction inside the loan of the pool's only connection is refused at once",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
                            db.withConnection(lent -> {
                                execute(lent, "insert into " + table + " (id, v) values (1, 0)");
                                return throwing(TxRejectedException.class, () -> db.execute(tx -> tx.open()));
                            });
                            equal(List.of(1), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "TRP-09",
                        "TX-401",
                        "no isolation level and no read-only flag reaches the next user of the connection",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor(EngineSetup.on(run.pool(1)));
                            int before = db.withConnection(Connection::getTransactionIsolation);
                            TxOptions level = TxOptions.of(run.strongestLevel());
                            TxOptions options = run.has(Feature.READ_ONLY) ? level.readOnly() : level;
                            db.execute(options, tx -> ints(tx, "select id from " + table));
                            thrownBy(() -> db.execute(options, tx -> {
                                insert(tx, table, 1);
                                throw new IllegalStateException("undo");
                            }));
                            int after = db.withConnection(Connection::getTransactionIsolation);
                            db.execute(tx -> insert(tx, table, 2));
                            equal(before, after, "the level of the session");
                            equal(List.of(2), run.ids(table), "committed rows");
                        }),
                ConformanceCase.of(
                        "TRP-17",
                        "TX-441",
                        "five thousand nested scopes in one transaction are all released",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            db.execute(tx -> {
                                for (int i = 0; i < 5_000; i++) {
                                    int id = i;
                                    tx.executeNested(nested -> insert(nested, table, id));
                                }
                            });
                            equal(List.of(5_000), run.observed("select count(*) from " + table), "committed rows");
                        }),
                ConformanceCase.of(
                        "TRP-26",
                        "TX-408",
                        "on a pool with autocommit off a scope commits, and a loan commits by itself",
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor(
                                    EngineSetup.on(run.pool(run.database().sessions(), 1, Autocommit.OFF)));
                            db.execute(tx -> insert(tx, table, 1));
                            insert(db, table, 2);
                            thrownBy(() -> db.execute(tx -> {
                                insert(tx, table, 3);
                                throw new IllegalStateException("undo");
                            }));
                            equal(List.of(1, 2), run.ids(table), "committed rows");
                            run.observe("insert into " + table + " (id, v) values (4, 0)"); // no lock is left behind
                        }),
                ConformanceCase.of(
                        "TRP-27",
                        "TX-330",
                        "in a test fixture the roots of the application run as savepoints and leave nothing",
                        Feature.SAVEPOINTS,
                        run -> {
                            String table = run.table();
                            Transactor db = run.transactor();
                            db.execute(TxOptions.none().completion(Completion.FIXTURE), fixture -> {
                                throwing(TxRejectedException.class, db::begin);
                                db.execute(tx -> insert(tx, table, 1));
                                thrownBy(() -> db.execute(tx -> {
                                    insert(tx, table, 2);
                                    throw new IllegalStateException("undo");
                                }));
                                db.execute(tx -> db.execute(
                                        TxOptions.none().propagation(Propagation.SEPARATE),
                                        own -> insert(own, table, 3)));
                                equal(List.of(1, 3), ints(fixture, "select id from " + table), "rows inside");
                            });
                            equal(List.of(), run.ids(table), "committed rows");
                        }));
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
