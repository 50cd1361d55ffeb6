package dev.holdfast.tx.sqlite;

import static dev.holdfast.tx.sqlite.Database.DIALECT;
import static dev.holdfast.tx.sqlite.Database.ask;
import static dev.holdfast.tx.sqlite.Database.errorOf;
import static dev.holdfast.tx.sqlite.Database.run;
import static dev.holdfast.tx.sqlite.Database.session;
import static dev.holdfast.tx.sqlite.Database.state;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.holdfast.tx.BeginMode;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Savepoints;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Plans carried out: what was asked for is so, and after commit the session is as found. */
class SqliteRunsTest extends PlannedRuns {
    SqliteRunsTest(String journal, boolean autocommit) {
        super(journal, autocommit);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void after_commit_the_session_is_as_found(TxOptions options) throws SQLException {
        Map<String, String> before = session(connection);
        TxPlan plan = plan(options);
        Runner runner = begun(plan);
        assertThat(state(connection)).isEqualTo(DriverState.OPEN);
        ask(connection, "SELECT count(*) FROM t");
        runner.perform(plan.commit().message());
        assertAsFound(before);
    }

    @ParameterizedTest
    @MethodSource("writing")
    void what_was_written_is_committed(TxOptions options) throws SQLException {
        TxPlan plan = plan(options);
        Runner runner = begun(plan);
        run(connection, "INSERT INTO t VALUES (10, 10)");
        if (options.beginMode() != BeginMode.EXCLUSIVE) {
            assertThat(database.committed()).isEqualTo(1);
        }
        runner.perform(plan.commit().message());
        assertThat(database.committed()).isEqualTo(2);
    }

    @Test
    void a_plain_transaction_holds_the_write_lock_and_DEFERRED_does_not() throws SQLException {
        for (BeginMode mode : BeginMode.values()) {
            TxPlan plan = plan(NONE.beginMode(mode));
            Runner runner = begun(plan);
            assertThat(database.isFree()).as("%s", mode).isEqualTo(mode == BeginMode.DEFERRED);
            runner.perform(plan.abort());
        }
        begun(plan(NONE));
        assertThat(database.isFree()).isFalse();
    }

    @Test
    void a_read_only_transaction_refuses_writes_and_lets_others_write() throws SQLException {
        TxPlan plan = plan(NONE.readOnly());
        Runner runner = begun(plan);
        assertThat(ask(connection, "SELECT count(*) FROM t")).isEqualTo("1");
        for (String sql : List.of("INSERT INTO t VALUES (10, 10)", "CREATE TABLE x(a)", "PRAGMA user_version=1")) {
            assertThat(errorOf(connection, sql).getErrorCode()).as(sql).isEqualTo(8);
        }
        if (journal.equals("WAL")) {
            run(database.open(), "INSERT INTO t VALUES (20, 20)");
            assertThat(ask(connection, "SELECT count(*) FROM t"))
                    .as("from one snapshot")
                    .isEqualTo("1");
        }
        runner.perform(plan.commit().message());
        run(connection, "INSERT INTO t VALUES (30, 30)");
    }

    @Test
    void on_a_connection_that_only_reads_query_only_is_never_touched() throws SQLException {
        try (Connection reader = database.openReader()) {
            reader.setAutoCommit(autocommit);
            Map<String, String> before = session(reader);
            TxPlan plan = DIALECT.plan(Wish.of(NONE.readOnly()), Database.profile(reader));
            Runner runner = new Runner(reader);
            runner.perform(plan.begin());
            assertThat(errorOf(reader, "INSERT INTO t VALUES (10, 10)").getErrorCode())
                    .isEqualTo(8);
            runner.perform(plan.commit().message());
            assertThat(session(reader)).isEqualTo(before);
            runner.perform(plan.begin());
            runner.perform(plan.abort());
            assertThat(session(reader)).isEqualTo(before);
        }
    }

    @Test
    void a_lock_timeout_is_in_force_from_BEGIN_on() throws SQLException {
        begun(plan(NONE.lockTimeout(LONG)));
        assertThat(ask(connection, "PRAGMA busy_timeout")).isEqualTo("7000");
    }

    @Test
    void a_query_timeout_set_on_the_driver_ends_the_lock_timeout_but_not_its_putting_back() throws SQLException {
        Map<String, String> before = session(connection);
        TxPlan plan = plan(NONE.lockTimeout(LONG));
        Runner runner = begun(plan);
        try (Statement statement = connection.createStatement()) {
            statement.setQueryTimeout(1);
            statement.execute("SELECT 1");
        }
        assertThat(ask(connection, "PRAGMA busy_timeout")).isEqualTo("20");
        runner.perform(plan.commit().message());
        assertAsFound(before);
    }

    @Test
    void a_shorter_statement_timeout_limits_the_wait_for_locks() throws SQLException {
        begun(plan(NONE.statementTimeout(Duration.ofMillis(5))));
        assertThat(ask(connection, "PRAGMA busy_timeout")).isEqualTo("5");
    }

    @Test
    void deferred_constraints_are_checked_at_COMMIT_and_in_that_transaction_only() throws SQLException {
        TxPlan plan = plan(NONE.deferConstraints());
        Runner runner = begun(plan);
        run(connection, "INSERT INTO child VALUES (5, 5)", "INSERT INTO parent VALUES (5)");
        runner.perform(plan.commit().message());
        TxPlan plain = plan(NONE);
        begun(plain);
        assertThat(errorOf(connection, "INSERT INTO child VALUES (6, 6)").getErrorCode())
                .isEqualTo(19);
    }

    @Test
    void a_setting_found_at_another_value_is_put_back_to_that() throws SQLException {
        run(connection, "PRAGMA busy_timeout=33", "PRAGMA query_only=ON");
        Map<String, String> before = session(connection);
        TxPlan plan = DIALECT.plan(
                Wish.of(NONE.readOnly().lockTimeout(LONG)),
                SqlitePlansTest.profile(Database.identity(connection).autocommit()));
        Runner runner = begun(plan);
        runner.perform(plan.commit().message());
        assertThat(session(connection)).isEqualTo(before);
        runner.perform(plan.begin());
        runner.perform(plan.abort());
        assertThat(session(connection)).isEqualTo(before);
    }

    @Test
    void read_uncommitted_is_off_in_the_transaction_and_on_again_afterwards() throws SQLException {
        run(connection, "PRAGMA read_uncommitted=ON");
        TxPlan plan = plan(TxOptions.of(Isolation.SERIALIZABLE));
        Runner runner = begun(plan);
        assertThat(ask(connection, "PRAGMA read_uncommitted")).isEqualTo("0");
        runner.perform(plan.commit().message());
        assertThat(ask(connection, "PRAGMA read_uncommitted")).isEqualTo("1");
    }

    @Test
    void savepoints_nest_and_are_undone_one_by_one() throws SQLException {
        TxPlan plan = plan(NONE);
        Runner runner = begun(plan);
        Savepoints savepoints = DIALECT.savepoints(SqlitePlansTest.WRITER);
        runner.perform(savepoints.set("hf_1"));
        run(connection, "INSERT INTO t VALUES (10, 10)");
        runner.perform(savepoints.set("hf_2"));
        run(connection, "INSERT INTO t VALUES (11, 11)");
        runner.perform(savepoints.rollbackTo("hf_2"));
        assertThat(errorOf(connection, "RELEASE hf_2").getMessage()).contains("no such savepoint");
        runner.perform(savepoints.release("hf_1"));
        runner.perform(plan.commit().message());
        assertThat(database.committed()).isEqualTo(2);
    }

    @Test
    void DDL_is_rolled_back() throws SQLException {
        TxPlan plan = plan(NONE);
        Runner runner = begun(plan);
        run(connection, "CREATE TABLE x(a)", "DROP TABLE big");
        runner.perform(plan.abort());
        assertThat(ask(connection, "SELECT count(*) FROM sqlite_schema WHERE name IN ('x', 'big')"))
                .isEqualTo("1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"IMMEDIATE", "EXCLUSIVE"})
    void a_pool_that_idles_with_the_write_lock_is_refused_and_one_on_autocommit_is_not(String mode)
            throws SQLException {
        try (Connection pooled = database.open("transaction_mode", mode)) {
            pooled.setAutoCommit(autocommit);
            TxPlan plan = DIALECT.plan(Wish.of(NONE), Database.profile(pooled));
            Runner runner = new Runner(pooled);
            if (autocommit) {
                runner.perform(plan.begin());
                runner.perform(plan.commit().message());
                assertThat(database.isFree()).isTrue();
                return;
            }
            SQLException refusal =
                    catchThrowableOfType(SQLFeatureNotSupportedException.class, () -> runner.perform(plan.begin()));
            assertThat(refusal.getMessage()).contains("transaction_mode");
            assertThat(DIALECT.classify(refusal, Moment.of(Moment.Phase.BEGIN, Wish.of(NONE)), SqlitePlansTest.WRITER)
                            .kind())
                    .isEqualTo(FailureKind.UNSUPPORTED);
            runner.perform(plan.abort());
            assertThat(state(pooled)).isEqualTo(DriverState.OPEN);
        }
    }
}
