package dev.holdfast.tx.testkit;

import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.UnmanagedTx;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.testkit.FaultScenario.Planned;
import dev.holdfast.tx.testkit.FaultScenario.Stage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The scenarios of the fault table that any database can play. */
final class FaultScenarios {
    private static final Duration MOMENT = Duration.ofMillis(1);

    private static final TxOptions OPTIONS = TxOptions.of(Isolation.SERIALIZABLE)
            .lockTimeout(Duration.ofSeconds(4))
            .deferConstraints();

    /** What many a server keeps in the session, and that has to be put back there. */
    private static final TxOptions SETTINGS = TxOptions.none().lockTimeout(Duration.ofSeconds(4));

    private FaultScenarios() {}

    /** Beginning, and as little as possible after it. */
    static List<FaultScenario> begins() {
        return onBothPools(
                begin("begin", TxOptions.none()),
                begin("begin with options", OPTIONS).needing(Feature.LOCK_TIMEOUT, Feature.DEFERRED_CONSTRAINTS),
                begin("begin with settings", SETTINGS).needing(Feature.LOCK_TIMEOUT),
                begin("begin read-only", TxOptions.none().readOnly()).needing(Feature.READ_ONLY),
                begin(
                                "begin read-only with options",
                                TxOptions.of(Isolation.SERIALIZABLE).readOnly().lockTimeout(Duration.ofSeconds(4)))
                        .needing(Feature.READ_ONLY, Feature.LOCK_TIMEOUT));
    }

    private static FaultScenario begin(String name, TxOptions options) {
        return FaultScenario.of(
                name,
                stage -> stage.db().execute(options, tx -> {
                    tx.open();
                }));
    }

    static List<FaultScenario> common() {
        return Stream.of(transactions(), nested(), rolledBack(), around())
                .flatMap(List::stream)
                .toList();
    }

    /** Those that may behave differently where the driver has a transaction open all the time. */
    private static List<FaultScenario> onBothPools(FaultScenario... scenarios) {
        List<FaultScenario> both = new ArrayList<>();
        for (FaultScenario scenario : scenarios) {
            both.add(scenario);
            both.add(scenario.autocommitOff());
        }
        return both;
    }

    private static List<FaultScenario> transactions() {
        return onBothPools(
                FaultScenario.of("plain insert", stage -> stage.db().execute(tx -> insert(tx, stage.table(), 1))),
                FaultScenario.of(
                        "a query between two inserts",
                        stage -> stage.db().execute(tx -> {
                            insert(tx, stage.table(), 1);
                            ints(tx, "select id from " + stage.table());
                            insert(tx, stage.table(), 2);
                        })),
                FaultScenario.of("options", stage -> stage.db().execute(OPTIONS, tx -> insert(tx, stage.table(), 1)))
                        .needing(Feature.LOCK_TIMEOUT, Feature.DEFERRED_CONSTRAINTS),
                FaultScenario.of("settings", stage -> stage.db().execute(SETTINGS, tx -> insert(tx, stage.table(), 1)))
                        .needing(Feature.LOCK_TIMEOUT),
                FaultScenario.of("read-only", FaultScenarios::reads).needing(Feature.READ_ONLY),
                FaultScenario.of("a lock that waits for a while", FaultScenarios::locks)
                        .needing(Feature.LOCK_UPDATE, Feature.LOCK_WAIT_AT_MOST),
                FaultScenario.of("unmanaged, committed", stage -> {
                    try (UnmanagedTx tx = stage.db().begin()) {
                        insert(tx, stage.table(), 1);
                        tx.commit();
                    }
                }),
                FaultScenario.of("retried", stage -> {
                    TxOptions options =
                            TxOptions.none().retry(RetryPolicy.attempts(3).backoff(MOMENT, MOMENT));
                    stage.db().execute(options, tx -> insert(tx, stage.table(), 1));
                }));
    }

    private static void reads(Stage stage) {
        stage.db().execute(TxOptions.none().readOnly(), tx -> ints(tx, "select id from " + stage.table()));
    }

    private static void locks(Stage stage) {
        stage.db().execute(tx -> {
            insert(tx, stage.table(), 1);
            RowLock lock = RowLock.forUpdate().waitAtMost(Duration.ofSeconds(4));
            ints(tx, tx.lock(lock, "select id from " + stage.table() + " {table-lock} where id = 1 {row-lock}"));
        });
    }

    private static List<FaultScenario> nested() {
        return onBothPools(
                FaultScenario.of(
                                "savepoint, released",
                                stage -> stage.db().execute(tx -> {
                                    insert(tx, stage.table(), 1);
                                    tx.executeNested(inner -> insert(inner, stage.table(), 2));
                                    insert(tx, stage.table(), 3);
                                }))
                        .needing(Feature.SAVEPOINTS),
                FaultScenario.of(
                                "savepoint, rolled back and survived",
                                stage -> stage.db().execute(tx -> {
                                    insert(tx, stage.table(), 1);
                                    survive(tx, stage.table());
                                    insert(tx, stage.table(), 3);
                                }))
                        .needing(Feature.SAVEPOINTS),
                FaultScenario.of(
                        "joined scope",
                        stage -> stage.db().execute(tx -> {
                            insert(tx, stage.table(), 1);
                            stage.db().execute(joined -> insert(joined, stage.table(), 2));
                        })));
    }

    private static void survive(Tx tx, String table) {
        try {
            tx.executeNested(inner -> {
                insert(inner, table, 2);
                throw new Planned();
            });
        } catch (Exception survived) {
            if (tx.isActive()) {
                return;
            }
            throw survived;
        }
    }

    private static List<FaultScenario> rolledBack() {
        return onBothPools(
                FaultScenario.of(
                        "rolled back by an exception",
                        stage -> stage.db().execute(tx -> {
                            insert(tx, stage.table(), 1);
                            throw new Planned();
                        })),
                FaultScenario.of(
                        "forced to roll back",
                        stage -> stage.db()
                                .execute(TxOptions.none().forceRollback(), tx -> insert(tx, stage.table(), 1))),
                FaultScenario.of(
                        "rolled back on request",
                        stage -> stage.db().execute(tx -> {
                            insert(tx, stage.table(), 1);
                            tx.setRollbackOnly("planned by the scenario");
                        })),
                FaultScenario.of("unmanaged, closed without commit", stage -> {
                    try (UnmanagedTx tx = stage.db().begin()) {
                        insert(tx, stage.table(), 1);
                    }
                }));
    }

    private static List<FaultScenario> around() {
        return onBothPools(
                FaultScenario.of(
                                "statement outside of a transaction",
                                stage -> stage.db().withConnection(connection -> {
                                    try (var statement = connection.createStatement()) {
                                        return statement.executeUpdate(
                                                "insert into " + stage.table() + " (id, v) values (1, 0)");
                                    }
                                }))
                        .outside(),
                FaultScenario.of("the making of a transactor", stage -> {
                    Transactor made = stage.database().transactor(EngineSetup.on(stage.source()));
                    made.close();
                }));
    }
}
