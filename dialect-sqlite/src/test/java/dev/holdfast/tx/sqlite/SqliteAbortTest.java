package dev.holdfast.tx.sqlite;

import static dev.holdfast.tx.sqlite.Database.ENDLESS;
import static dev.holdfast.tx.sqlite.Database.cancelled;
import static dev.holdfast.tx.sqlite.Database.run;
import static dev.holdfast.tx.sqlite.Database.session;
import static dev.holdfast.tx.sqlite.Database.state;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.holdfast.tx.Access;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.TxPlan;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Wherever a transaction is left, its abort ends it and leaves the session as found. */
class SqliteAbortTest extends PlannedRuns {
    SqliteAbortTest(String journal, boolean autocommit) {
        super(journal, autocommit);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void after_abort_nothing_is_left_and_a_second_abort_changes_nothing(TxOptions options) throws SQLException {
        Map<String, String> before = session(connection);
        TxPlan plan = plan(options);
        Runner runner = begun(plan);
        if (options.access() != Access.READ_ONLY) {
            run(connection, "INSERT INTO t VALUES (10, 10)");
        }
        runner.perform(plan.abort());
        assertAsFound(before);
        runner.perform(plan.abort());
        assertAsFound(before);
        assertThat(database.committed()).isEqualTo(1);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void abort_is_right_after_any_part_of_begin(TxOptions options) throws SQLException {
        Map<String, String> before = session(connection);
        TxPlan plan = plan(options);
        List<Step> steps = plan.begin().steps();
        for (int done = 0; done <= steps.size(); done++) {
            Runner runner = new Runner(connection);
            runner.perform(steps.subList(0, done));
            runner.perform(plan.abort());
            assertAsFound(before);
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void abort_is_right_after_any_part_of_commit(TxOptions options) throws SQLException {
        Map<String, String> before = session(connection);
        TxPlan plan = plan(options);
        List<Step> steps = plan.commit().message().steps();
        for (int done = 0; done <= steps.size(); done++) {
            Runner runner = begun(plan);
            runner.perform(steps.subList(0, done));
            runner.perform(plan.abort());
            assertAsFound(before);
        }
    }

    @ParameterizedTest
    @MethodSource("writing")
    void abort_is_right_after_a_BEGIN_that_did_not_get_the_lock(TxOptions options) throws SQLException {
        Map<String, String> before = session(connection);
        TxPlan plan = plan(options.lockTimeout(Duration.ofMillis(1)));
        Connection other = database.open();
        run(other, "BEGIN IMMEDIATE");
        Runner runner = new Runner(connection);
        SQLException error = catchThrowableOfType(SQLException.class, () -> runner.perform(plan.begin()));
        assertThat(error.getErrorCode()).isEqualTo(5);
        runner.perform(plan.abort());
        run(other, "ROLLBACK");
        assertAsFound(before);
    }

    static Stream<Arguments> endings() {
        return writing()
                .flatMap(options -> Stream.of(
                                "INSERT OR ROLLBACK INTO t VALUES (1, 5)",
                                "ROLLBACK",
                                "COMMIT",
                                "SAVEPOINT s",
                                "SELECT 1")
                        .map(ending -> Arguments.of(options, ending)));
    }

    @ParameterizedTest
    @MethodSource("endings")
    void abort_is_right_however_the_transaction_was_left(TxOptions options, String ending) throws SQLException {
        Map<String, String> before = session(connection);
        TxPlan plan = plan(options);
        Runner runner = begun(plan);
        try {
            run(connection, ending);
        } catch (SQLException expected) {
            assertThat(expected.getErrorCode()).isEqualTo(19);
        }
        runner.perform(plan.abort());
        assertAsFound(before);
    }

    @Test
    void abort_is_right_after_a_cancelled_write() throws Exception {
        Map<String, String> before = session(connection);
        TxPlan plan = plan(NONE.lockTimeout(LONG).deferConstraints());
        Runner runner = begun(plan);
        run(connection, "INSERT INTO t VALUES (10, 10)");
        cancelled(connection, "INSERT INTO big " + ENDLESS + "SELECT x FROM c");
        runner.perform(plan.abort());
        assertAsFound(before);
        assertThat(database.committed()).isEqualTo(1);
    }

    @Test
    void abort_is_right_after_a_COMMIT_that_a_foreign_key_refused() throws SQLException {
        Map<String, String> before = session(connection);
        TxPlan plan = plan(NONE.lockTimeout(LONG).deferConstraints());
        Runner runner = begun(plan);
        run(connection, "INSERT INTO t VALUES (10, 10)", "INSERT INTO child VALUES (5, 5)");
        SQLException error = catchThrowableOfType(
                SQLException.class, () -> runner.perform(plan.commit().message()));
        assertThat(error.getErrorCode()).isEqualTo(19);
        runner.perform(plan.abort());
        assertAsFound(before);
        assertThat(database.committed()).isEqualTo(1);
    }

    @Test
    void a_half_read_query_hinders_neither_commit_nor_abort() throws SQLException {
        run(database.open(), "INSERT INTO t VALUES (2, 2), (3, 3)");
        TxPlan plan = plan(NONE);
        for (var end : List.of(plan.commit().message(), plan.abort())) {
            Runner runner = begun(plan);
            try (Statement reading = connection.createStatement();
                    ResultSet rows = reading.executeQuery("SELECT * FROM t")) {
                rows.next();
                runner.perform(end);
                assertThat(state(connection)).isEqualTo(idle);
            }
            assertThat(database.isFree()).isTrue();
        }
    }

    @Test
    void a_half_read_RETURNING_makes_abort_fail_and_closing_the_connection_rolls_back() throws SQLException {
        TxPlan plan = plan(NONE);
        Runner runner = begun(plan);
        try (Statement writing = connection.createStatement();
                ResultSet rows = writing.executeQuery("INSERT INTO t VALUES (10, 10), (11, 11) RETURNING id")) {
            rows.next();
            SQLException error = catchThrowableOfType(SQLException.class, () -> runner.perform(plan.abort()));
            assertThat(error.getMessage()).contains("SQL statements in progress");
            connection.close();
        }
        assertThat(database.committed()).isEqualTo(1);
        assertThat(database.isFree()).isTrue();
    }
}
