package dev.holdfast.tx.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.ConnectionScope;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.UnmanagedTx;
import dev.holdfast.tx.postgres.PostgresOptions.SynchronousCommit;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.testkit.EngineSetup;
import dev.holdfast.tx.testkit.Facts;
import dev.holdfast.tx.testkit.Sql;
import dev.holdfast.tx.testkit.fault.ScriptedDataSource;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** What each kind of transaction costs on the wire, on a warm pool, with one statement unless said otherwise. */
@ParameterizedClass
@ValueSource(ints = {18, 14})
class RoundTripsTest {
    private static final TxOptions NONE = TxOptions.none();
    private static final Duration LONG = Duration.ofMinutes(1);
    private static final int WARM = 12;
    private static final int MEASURED = 3;

    private static final Map<String, UnaryOperator<TxOptions>> OPTIONS = Map.of(
            "isolation", options -> options.isolation(Isolation.SERIALIZABLE),
            "lock timeout", options -> options.lockTimeout(LONG),
            "statement timeout", options -> options.statementTimeout(LONG),
            "whole timeout", options -> options.wholeTimeout(LONG),
            "deferred constraints", TxOptions::deferConstraints,
            "synchronous_commit", options -> options.with(PostgresOptions.SYNCHRONOUS_COMMIT, SynchronousCommit.OFF),
            "label as application_name",
                    options -> options.label("shown").with(PostgresOptions.LABEL_AS_APPLICATION_NAME, true),
            "verifiable", TxOptions::verifiable);

    private final int major;
    private ProxiedPostgres postgres;

    RoundTripsTest(int major) {
        this.major = major;
    }

    /** Work whose cost is known. */
    private record Row(String what, long expected, Work work) {}

    @FunctionalInterface
    private interface Work {
        void on(Transactor db) throws Exception;
    }

    @BeforeEach
    void connect() throws SQLException {
        postgres = new ProxiedPostgres(major);
        postgres.observe("INSERT INTO proxied VALUES (1, 0)");
    }

    @AfterEach
    void disconnect() throws SQLException {
        postgres.close();
    }

    private static void update(ConnectionScope scope) throws SQLException {
        Sql.update(scope, "UPDATE proxied SET v = v + 1 WHERE id = 1");
    }

    private static void select(ConnectionScope scope) throws SQLException {
        Sql.ints(scope, "SELECT v FROM proxied WHERE id = 1");
    }

    /** The cost in steady state: that of each of a few runs, all of which must be the same. */
    private long cost(Transactor db, Work work, int warm) throws Exception {
        for (int i = 0; i < warm; i++) {
            work.on(db);
        }
        var before = postgres.proxy.counts();
        for (int i = 0; i < MEASURED; i++) {
            work.on(db);
        }
        long all = postgres.proxy.counts().since(before).roundTrips();
        assertThat(all % MEASURED).as("each run costs the same").isZero();
        return all / MEASURED;
    }

    private void check(String pool, Transactor db, List<Row> rows) throws Exception {
        Map<String, Long> expected = new LinkedHashMap<>();
        Map<String, Long> counted = new LinkedHashMap<>();
        StringBuilder table =
                new StringBuilder("round trips on PostgreSQL " + major + ", pool with autocommit " + pool + "\n");
        for (Row row : rows) {
            expected.put(row.what(), row.expected());
            long cost = cost(db, row.work(), WARM);
            counted.put(row.what(), cost);
            table.append(String.format("  %-52s %d%n", row.what(), cost));
        }
        System.out.print(table);
        assertThat(counted).isEqualTo(expected);
    }

    private static List<Row> plain() {
        return List.of(
                new Row("plain", 2, db -> db.execute(RoundTripsTest::update)),
                new Row(
                        "plain, two statements",
                        3,
                        db -> db.execute(tx -> {
                            update(tx);
                            select(tx);
                        })),
                new Row("empty", 0, db -> db.execute(tx -> {})),
                new Row("unmanaged", 2, db -> {
                    try (UnmanagedTx tx = db.begin()) {
                        update(tx);
                        tx.commit();
                    }
                }),
                new Row(
                        "rolled back by an exception",
                        2,
                        db -> Facts.thrownBy(() -> db.execute(tx -> {
                            update(tx);
                            throw new IllegalStateException("planned");
                        }))),
                new Row("forced to roll back", 2, db -> db.execute(NONE.forceRollback(), RoundTripsTest::update)),
                new Row("outside: one statement", 1, RoundTripsTest::update));
    }

    private static List<Row> nested() {
        return List.of(
                new Row(
                        "nested scope: 2 more, and its statement",
                        5,
                        db -> db.execute(tx -> {
                            update(tx);
                            tx.executeNested(RoundTripsTest::update);
                        })),
                new Row(
                        "nested scope, rolled back and survived",
                        5,
                        db -> db.execute(tx -> {
                            update(tx);
                            Facts.thrownBy(() -> tx.executeNested(inner -> {
                                update(inner);
                                throw new IllegalStateException("planned");
                            }));
                        })),
                new Row(
                        "nested scope, empty",
                        2,
                        db -> db.execute(tx -> {
                            update(tx);
                            tx.executeNested(inner -> {});
                        })),
                new Row(
                        "joined scope, and its statement",
                        3,
                        db -> db.execute(tx -> {
                            update(tx);
                            db.execute(RoundTripsTest::update);
                        })));
    }

    private static List<Row> withOptions() {
        TxOptions all = NONE;
        for (UnaryOperator<TxOptions> option : OPTIONS.values()) {
            all = option.apply(all);
        }
        TxOptions mix = all;
        TxOptions reading = TxOptions.of(Isolation.SERIALIZABLE)
                .readOnly()
                .with(PostgresOptions.DEFERRABLE, true)
                .lockTimeout(LONG);
        List<Row> rows = new ArrayList<>();
        rows.add(new Row("read-only", 2, db -> db.execute(NONE.readOnly(), RoundTripsTest::select)));
        rows.add(new Row("read-only hint", 2, db -> db.execute(NONE.readOnlyHint(), RoundTripsTest::select)));
        rows.add(new Row("acquire timeout, label", 2, db -> {
            db.execute(NONE.acquireTimeout(LONG).label("named"), RoundTripsTest::update);
        }));
        rows.add(new Row("label in SQL", 2, db -> {
            db.execute(NONE.label("named").labelInSql(), RoundTripsTest::update);
        }));
        TxOptions unnamed = NONE.with(PostgresOptions.LABEL_AS_APPLICATION_NAME, true);
        rows.add(new Row("application_name, but no label", 2, db -> db.execute(unnamed, RoundTripsTest::update)));
        rows.add(new Row("the same, read-only", 2, db -> db.execute(unnamed.readOnly(), RoundTripsTest::select)));
        OPTIONS.forEach((name, option) ->
                rows.add(new Row(name, 3, db -> db.execute(option.apply(NONE), RoundTripsTest::update))));
        rows.sort((one, other) -> one.what().compareTo(other.what()));
        rows.add(new Row("serializable, read-only, deferrable, lock timeout", 3, db -> {
            db.execute(reading, RoundTripsTest::select);
        }));
        rows.add(new Row("all options for writing at once", 3, db -> db.execute(mix, RoundTripsTest::update)));
        rows.add(new Row("retried once", 4, RoundTripsTest::retried));
        return rows;
    }

    private static void retried(Transactor db) {
        RetryPolicy twice = RetryPolicy.attempts(2).backoff(Duration.ofNanos(1), Duration.ofNanos(1));
        boolean[] again = new boolean[1];
        db.execute(NONE.retry(twice), tx -> {
            if (again[0]) {
                update(tx);
            } else {
                again[0] = true;
                Sql.update(tx, "DO $$ BEGIN RAISE EXCEPTION 'planned' USING ERRCODE = '40001'; END $$");
            }
        });
    }

    @Test
    void each_kind_of_transaction_costs_what_is_promised() throws Exception {
        List<Row> rows = new ArrayList<>(plain());
        rows.addAll(nested());
        rows.addAll(withOptions());
        check("on", postgres.transactor(postgres.sessions(), 1, Autocommit.ON), rows);
    }

    @Test
    void a_pool_with_autocommit_off_costs_no_more() throws Exception {
        List<Row> rows = new ArrayList<>(plain());
        rows.addAll(nested());
        rows.addAll(withOptions());
        check("off", postgres.transactor(postgres.sessions(), 1, Autocommit.OFF), rows);
    }

    @Test
    void any_mix_of_options_costs_three() throws Exception {
        Transactor db = postgres.transactor(postgres.sessions(), 1, Autocommit.ON);
        List<UnaryOperator<TxOptions>> options = List.copyOf(OPTIONS.values());
        List<TxOptions> mixes = new ArrayList<>();
        for (int chosen = 1; chosen < 1 << options.size(); chosen++) {
            TxOptions mix = NONE;
            for (int i = 0; i < options.size(); i++) {
                mix = (chosen & 1 << i) == 0 ? mix : options.get(i).apply(mix);
            }
            mixes.add(mix);
        }
        cost(db, one -> one.execute(RoundTripsTest::update), WARM);
        for (TxOptions mix : mixes) {
            assertThat(cost(db, one -> one.execute(mix, RoundTripsTest::update), 1))
                    .as("%s", mix)
                    .isEqualTo(3);
        }
        System.out.println(
                "round trips on PostgreSQL " + major + ": 3 for each of " + mixes.size() + " mixes of options");
    }

    @Test
    void an_empty_transaction_takes_no_connection() throws Exception {
        PostgresUnderTest database = new PostgresUnderTest(major);
        ScriptedDataSource source = new ScriptedDataSource(
                postgres.sessions(), Autocommit.ON, database.dialect().port(), List.of());
        try (source;
                Transactor db = database.transactor(EngineSetup.on(source))) {
            source.play(null);
            db.execute(tx -> {});
            db.execute(TxOptions.of(Isolation.SERIALIZABLE).verifiable(), tx -> tx.executeNested(inner -> {}));
            assertThat(source.calls()).isEmpty();
        }
    }
}
