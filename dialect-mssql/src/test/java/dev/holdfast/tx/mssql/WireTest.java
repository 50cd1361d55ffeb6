package dev.holdfast.tx.mssql;

import static dev.holdfast.tx.mssql.Bed.BEGIN;
import static dev.holdfast.tx.mssql.Bed.COMMIT;
import static dev.holdfast.tx.mssql.Bed.READ;
import static dev.holdfast.tx.mssql.Bed.ROLLBACK;
import static dev.holdfast.tx.mssql.Bed.WRITE;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.UnmanagedTx;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.mssql.tds.Answer;
import dev.holdfast.tx.mssql.tds.Responder;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.testkit.Sql;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** What the driver sends for the engine, in which order and in how many round trips; answered by the responder. */
class WireTest {
    private static final TxOptions NONE = TxOptions.none();
    private static final Duration LONG = Duration.ofSeconds(60);

    /** Each option that a SQL Server takes, and that costs something or might. */
    private static Map<String, UnaryOperator<TxOptions>> options() {
        Map<String, UnaryOperator<TxOptions>> options = new LinkedHashMap<>();
        options.put("isolation", asked -> asked.isolation(Isolation.SERIALIZABLE));
        options.put("lock timeout", asked -> asked.lockTimeout(LONG));
        options.put("statement timeout", asked -> asked.statementTimeout(LONG));
        options.put("whole timeout", asked -> asked.wholeTimeout(LONG));
        options.put("acquire timeout", asked -> asked.acquireTimeout(LONG));
        options.put("hint", TxOptions::readOnlyHint);
        options.put("xact abort", asked -> asked.with(MssqlOptions.XACT_ABORT, true));
        options.put("label", asked -> asked.label("wire"));
        return options;
    }

    @Test
    void a_plain_transaction_is_three_batches() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.db.execute(Bed::write);
            assertThat(bed.sent()).containsExactly("batch: " + BEGIN, "batch: " + WRITE, "batch: " + COMMIT);
            assertThat(bed.responder.committed()).containsExactly(WRITE);
            assertThat(bed.responder.outside()).isEmpty();
        }
    }

    @Test
    void all_options_are_read_set_and_put_back_in_the_same_three() throws Exception {
        try (Bed bed = Bed.usual()) {
            TxOptions all = TxOptions.of(Isolation.SERIALIZABLE)
                    .lockTimeout(Duration.ofSeconds(2))
                    .with(MssqlOptions.XACT_ABORT, true);
            bed.db.execute(all, tx -> {
                Bed.write(tx);
                assertThat(bed.session().settings()).isEqualTo("SERIALIZABLE, lock timeout 2000, xact_abort on");
            });
            assertThat(bed.sent())
                    .containsExactly(
                            "batch: SELECT CASE (SELECT transaction_isolation_level FROM sys.dm_exec_sessions"
                                    + " WHERE session_id = @@SPID) WHEN 1 THEN 'READ UNCOMMITTED'"
                                    + " WHEN 3 THEN 'REPEATABLE READ' WHEN 4 THEN 'SERIALIZABLE' WHEN 5 THEN 'SNAPSHOT'"
                                    + " ELSE 'READ COMMITTED' END, @@LOCK_TIMEOUT,"
                                    + " CASE WHEN @@OPTIONS & 16384 = 0 THEN 'OFF' ELSE 'ON' END;"
                                    + "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;SET LOCK_TIMEOUT 2000;"
                                    + "SET XACT_ABORT ON;BEGIN TRAN",
                            "batch: " + WRITE,
                            "batch: " + COMMIT + ";SET TRANSACTION ISOLATION LEVEL READ COMMITTED;"
                                    + "SET LOCK_TIMEOUT -1;SET XACT_ABORT OFF");
        }
    }

    private static void eachMixCostsThree(Autocommit autocommit, List<String> ofThePool) throws Exception {
        List<UnaryOperator<TxOptions>> options = List.copyOf(options().values());
        try (Bed bed = Bed.of(new Responder(), autocommit)) {
            String before = bed.session().settings();
            for (int chosen = 0; chosen < 1 << options.size(); chosen++) {
                TxOptions mix = NONE;
                for (int i = 0; i < options.size(); i++) {
                    mix = (chosen & 1 << i) == 0 ? mix : options.get(i).apply(mix);
                }
                bed.responder.clearLog();
                bed.db.execute(mix, Bed::write);
                List<String> sent = new ArrayList<>(bed.sent());
                assertThat(sent).as("%s", mix).hasSize(3 + ofThePool.size());
                assertThat(sent.subList(3, sent.size())).isEqualTo(ofThePool);
                assertThat(bed.session().settings()).as("%s", mix).isEqualTo(before);
                assertThat(bed.session().trancount()).isZero();
            }
            System.out.printf(
                    "round trips on the responder, pool with autocommit %s: 3 for each of %d mixes of options%s%n",
                    autocommit, 1 << options.size(), ofThePool.isEmpty() ? "" : ", and the pool's own " + ofThePool);
            assertThat(bed.responder.committed()).hasSize(1 << options.size());
            assertThat(bed.responder.outside()).isEmpty();
        }
    }

    @Test
    void any_mix_of_options_costs_three() throws Exception {
        eachMixCostsThree(Autocommit.ON, List.of());
    }

    /** Its row is written by the batch that begins; whether the table is there is asked once. */
    @Test
    void what_is_verifiable_costs_three_in_any_mix() throws Exception {
        List<UnaryOperator<TxOptions>> options = List.copyOf(options().values());
        try (Bed bed = Bed.of(new Responder().withTables())) {
            Bed.send(bed.db, Holdfast.markerTable(new MssqlDialect()).orElseThrow());
            bed.db.execute(NONE.verifiable(), Bed::write);
            for (int chosen = 0; chosen < 1 << options.size(); chosen++) {
                TxOptions mix = NONE.verifiable();
                for (int i = 0; i < options.size(); i++) {
                    mix = (chosen & 1 << i) == 0 ? mix : options.get(i).apply(mix);
                }
                bed.responder.clearLog();
                bed.db.execute(mix, Bed::write);
                assertThat(bed.sent()).as("%s", mix).hasSize(3);
                assertThat(bed.sent().get(0)).contains("INSERT INTO holdfast_marker");
            }
        }
    }

    /** HikariCP rolls back what it was given back with autocommit off, whether there is something or not. */
    @Test
    void a_pool_with_autocommit_off_costs_three_and_what_the_pool_does_itself() throws Exception {
        eachMixCostsThree(Autocommit.OFF, List.of("batch: " + ROLLBACK));
    }

    @Test
    void on_a_pool_with_autocommit_off_the_mode_of_implicit_transactions_is_left_meanwhile() throws Exception {
        try (Bed bed = Bed.autocommitOff()) {
            String before = bed.session().settings();
            assertThat(before).endsWith("implicit transactions");
            bed.db.execute(TxOptions.of(Isolation.SERIALIZABLE), tx -> {
                Bed.write(tx);
                assertThat(bed.session().trancount()).isEqualTo(1);
                assertThat(bed.session().settings()).isEqualTo("SERIALIZABLE, lock timeout -1, xact_abort off");
            });
            assertThat(bed.session().settings()).isEqualTo(before);
            thrownBy(() -> bed.db.execute(tx -> {
                Bed.write(tx);
                throw new IllegalStateException("planned");
            }));
            assertThat(bed.session().settings()).isEqualTo(before);
            assertThat(bed.responder.committed()).containsExactly(WRITE);
        }
    }

    @Test
    void an_empty_transaction_sends_nothing() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.db.execute(TxOptions.of(Isolation.SERIALIZABLE), tx -> tx.executeNested(inner -> {}));
            assertThat(bed.sent()).isEmpty();
        }
    }

    @Test
    void what_is_refused_sends_nothing() throws Exception {
        try (Bed bed = Bed.usual()) {
            assertThatThrownBy(() -> bed.db.execute(TxOptions.of(Isolation.SNAPSHOT), Bed::write))
                    .isInstanceOf(TxUnsupportedException.class)
                    .hasMessageContaining("ALLOW_SNAPSHOT_ISOLATION");
            assertThatThrownBy(() -> bed.db.execute(NONE.readOnly(), Bed::write))
                    .isInstanceOf(TxUnsupportedException.class)
                    .hasMessageContaining("READ_ONLY_HINT");
            assertThatThrownBy(() -> bed.db.execute(NONE.deferConstraints(), Bed::write))
                    .isInstanceOf(TxUnsupportedException.class);
            assertThatThrownBy(() ->
                            bed.db.execute(NONE.verifiable().readOnlyHint().deferConstraints(), Bed::write))
                    .isInstanceOf(TxUnsupportedException.class);
            assertThat(bed.sent()).isEmpty();
        }
    }

    @Test
    void snapshot_is_asked_for_where_the_database_allows_it() throws Exception {
        try (Bed bed = Bed.of(new Responder().probed("snapshot", 1))) {
            bed.db.execute(TxOptions.of(Isolation.SNAPSHOT), tx -> {
                Bed.write(tx);
                assertThat(bed.session().settings()).startsWith("SNAPSHOT,");
            });
            assertThat(bed.session().settings()).startsWith("READ COMMITTED,");
        }
    }

    @Test
    void a_rollback_is_one_batch() throws Exception {
        try (Bed bed = Bed.usual()) {
            thrownBy(() -> bed.db.execute(tx -> {
                Bed.write(tx);
                throw new IllegalStateException("planned");
            }));
            bed.db.execute(NONE.forceRollback(), Bed::write);
            assertThat(bed.sent())
                    .containsExactly(
                            "batch: " + BEGIN,
                            "batch: " + WRITE,
                            "batch: " + ROLLBACK,
                            "batch: " + BEGIN,
                            "batch: " + WRITE,
                            "batch: " + ROLLBACK);
            assertThat(bed.responder.committed()).isEmpty();
        }
    }

    @Test
    void a_savepoint_costs_one_and_its_release_none() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.db.execute(tx -> {
                Bed.write(tx);
                tx.executeNested(Bed::write);
            });
            assertThat(bed.sent())
                    .containsExactly(
                            "batch: " + BEGIN,
                            "batch: " + WRITE,
                            "batch: SAVE TRAN hf_1",
                            "batch: " + WRITE,
                            "batch: " + COMMIT);
            assertThat(bed.responder.committed()).containsExactly(WRITE, WRITE);
        }
    }

    @Test
    void a_nested_scope_that_fails_is_undone_alone() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.db.execute(tx -> {
                Bed.write(tx);
                for (int i = 0; i < 2; i++) {
                    thrownBy(() -> tx.executeNested(inner -> {
                        Bed.send(inner, Bed.OTHER_WRITE);
                        throw new IllegalStateException("planned");
                    }));
                }
                tx.executeNested(inner -> inner.executeNested(Bed::write));
            });
            assertThat(bed.sent())
                    .contains("batch: SAVE TRAN hf_1", "batch: ROLLBACK TRAN hf_1", "batch: ROLLBACK TRAN hf_2");
            assertThat(bed.responder.committed()).containsExactly(WRITE, WRITE);
        }
    }

    @Test
    void unmanaged_and_retried_transactions_are_the_same_batches() throws Exception {
        try (Bed bed = Bed.usual()) {
            try (UnmanagedTx tx = bed.db.begin(NONE.lockTimeout(LONG))) {
                Bed.write(tx);
                tx.commit();
            }
            assertThat(bed.sent()).hasSize(3);
            bed.responder.clearLog();
            bed.responder.next(WRITE, Answer.error(1205, 13, 51, "deadlock").did(Answer.Did.ROLLED_BACK));
            RetryPolicy twice = RetryPolicy.attempts(2).backoff(Duration.ofNanos(1), Duration.ofNanos(1));
            bed.db.execute(NONE.retry(twice), Bed::write);
            assertThat(bed.sent())
                    .containsExactly(
                            "batch: " + BEGIN,
                            "batch: " + WRITE,
                            "batch: " + ROLLBACK,
                            "batch: " + BEGIN,
                            "batch: " + WRITE,
                            "batch: " + COMMIT);
        }
    }

    /** What a prepared statement holds runs in a procedure, where settings end with it: ours never do. */
    @Test
    void prepared_statements_are_calls_and_everything_of_ours_is_a_batch() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.answer("update t set v = @P0", Answer.count(1));
            bed.db.execute(TxOptions.of(Isolation.SERIALIZABLE), tx -> {
                Sql.update(tx, "update t set v = ?", 5);
                tx.executeNested(inner -> Sql.update(inner, "update t set v = ?", 6));
            });
            assertThat(bed.sent().stream().filter(each -> !each.startsWith("batch: ")))
                    .containsExactly("sp_executesql: update t set v = @P0", "sp_executesql: update t set v = @P0");
            assertThat(bed.sent()).hasSize(5);
            assertThat(bed.responder.committed())
                    .containsExactly("update t set v = @P0 [5]", "update t set v = @P0 [6]");
        }
    }

    @Test
    void outside_of_a_transaction_a_statement_is_sent_alone() throws Exception {
        try (Bed bed = Bed.usual()) {
            Bed.write(bed.db);
            assertThat(bed.sent()).containsExactly("batch: " + WRITE);
            assertThat(bed.responder.outside()).containsExactly(WRITE);
        }
    }

    // ---- row locks

    private static final String JOIN =
            "select o.id from orders o {table-lock:o} join item i {table-lock:i} on i.o = o.id {row-lock}";

    @Test
    void one_template_is_locked_by_hints_behind_its_tables() throws Exception {
        try (Bed bed = Bed.usual()) {
            String both =
                    "select o.id from orders o WITH (UPDLOCK, ROWLOCK) join item i WITH (UPDLOCK, ROWLOCK) on i.o = o.id";
            String one = "select o.id from orders o join item i WITH (UPDLOCK, ROWLOCK, NOWAIT) on i.o = o.id";
            String rest = "select id from job WITH (UPDLOCK, ROWLOCK, READPAST) where s = 0 order by id";
            for (String sql : List.of(both, one, rest)) {
                bed.responder.answer(sql, Answer.row(1));
            }
            bed.db.execute(tx -> {
                assertThat(Sql.ints(tx, tx.lock(RowLock.forUpdate(), JOIN))).containsExactly(1);
                assertThat(Sql.ints(tx, tx.lock(RowLock.forUpdate().of("i").noWait(), JOIN)))
                        .containsExactly(1);
                String jobs = "select id from job {table-lock} where s = 0 order by id {row-lock}";
                assertThat(Sql.ints(tx, tx.lock(RowLock.forUpdate().skipLocked(), jobs)))
                        .containsExactly(1);
            });
            assertThat(bed.sent()).hasSize(5);
        }
    }

    @Test
    void where_read_committed_reads_versions_a_lock_reads_what_it_locks() throws Exception {
        try (Bed bed = Bed.of(new Responder().probed("rcsi", 1))) {
            String rest = "select id from job WITH (UPDLOCK, ROWLOCK, READCOMMITTEDLOCK, READPAST)";
            bed.responder.answer(rest, Answer.row(1));
            bed.db.execute(tx -> {
                String sql = tx.lock(RowLock.forUpdate().skipLocked(), "select id from job {table-lock} {row-lock}");
                assertThat(Sql.ints(tx, sql)).containsExactly(1);
            });
        }
    }

    @Test
    void a_lock_that_waits_for_a_time_limits_it_for_its_select_alone() throws Exception {
        try (Bed bed = Bed.usual()) {
            String sql = "select v from t WITH (UPDLOCK, ROWLOCK)";
            bed.responder.answer(sql, Answer.row(1));
            bed.db.execute(NONE.lockTimeout(Duration.ofSeconds(9)), tx -> {
                RowLock lock = RowLock.forUpdate().waitAtMost(Duration.ofSeconds(2));
                Sql.ints(tx, tx.lock(lock, "select v from t {table-lock} {row-lock}"));
                assertThat(bed.session().lockTimeout()).isEqualTo(9000);
            });
            assertThat(bed.sent().subList(1, 4))
                    .containsExactly(
                            "batch: SELECT @@LOCK_TIMEOUT;SET LOCK_TIMEOUT 2000",
                            "sp_executesql: " + sql,
                            "batch: SET LOCK_TIMEOUT 9000");
            assertThat(bed.session().settings()).contains("lock timeout -1");
        }
    }

    @Test
    void a_lock_that_waited_in_vain_leaves_the_limit_as_it_was() throws Exception {
        try (Bed bed = Bed.usual()) {
            String sql = "select v from t WITH (UPDLOCK, ROWLOCK)";
            for (boolean goesOn : new boolean[] {true, false}) {
                for (String sent : List.of(sql, sql + " /* lock 2 */")) { // two locks of one text, each with a limit
                    bed.responder.next(sent, Answer.error(1222, 16, 51, "Lock request time out period exceeded."));
                }
                Throwable thrown = thrownBy(() -> bed.db.execute(tx -> {
                    for (long seconds = 1; seconds <= 2; seconds++) {
                        RowLock lock = RowLock.forUpdate().waitAtMost(Duration.ofSeconds(seconds));
                        String locking = tx.lock(lock, "select v from t {table-lock} {row-lock}");
                        Throwable waited = thrownBy(() -> Sql.ints(tx, locking));
                        assertThat(waited).isNotNull();
                        assertThat(bed.session().lockTimeout()).isEqualTo(-1);
                        if (!goesOn) {
                            throw new IllegalStateException("planned");
                        }
                    }
                    Bed.write(tx);
                }));
                assertThat(thrown == null).isEqualTo(goesOn);
                assertThat(bed.session().settings()).contains("lock timeout -1");
            }
            assertThat(bed.responder.committed()).containsExactly(WRITE);
        }
    }

    @Test
    void a_read_is_seen() throws Exception {
        try (Bed bed = Bed.usual()) {
            assertThat(bed.db.<List<Integer>>transact(tx -> Sql.ints(tx, READ))).containsExactly(7);
        }
    }
}
