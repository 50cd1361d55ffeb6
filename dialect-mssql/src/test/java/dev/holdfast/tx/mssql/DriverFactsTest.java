package dev.holdfast.tx.mssql;

import static dev.holdfast.tx.testkit.Facts.throwing;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.tx.mssql.tds.Answer;
import dev.holdfast.tx.mssql.tds.Answer.Did;
import dev.holdfast.tx.mssql.tds.Responder;
import java.io.IOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the dialect takes for granted of mssql-jdbc: each is the reason of something in it. */
class DriverFactsTest {
    private final Responder responder;
    private Connection connection;

    DriverFactsTest() throws IOException {
        responder = new Responder();
    }

    @BeforeEach
    void connect() throws SQLException {
        responder.answer("insert into t values (1)", Answer.count(1)).answer("select 7 from t", Answer.row(7));
        connection = connected("connectRetryCount=0");
    }

    private Connection connected(String properties) throws SQLException {
        Connection fresh = DriverManager.getConnection(responder.url() + ";" + properties, "test", "test");
        responder.clearLog();
        return fresh;
    }

    @AfterEach
    void close() throws Exception {
        connection.close();
        responder.close();
    }

    private void assertSent(String... requests) {
        assertThat(responder.log()).containsExactly(requests);
        responder.clearLog();
    }

    private static void write(Connection on) throws SQLException {
        try (Statement statement = on.createStatement()) {
            statement.execute("insert into t values (1)");
        }
    }

    @Test
    void turning_autocommit_off_is_a_batch_and_begins_nothing() throws Exception {
        connection.setAutoCommit(false);
        connection.setAutoCommit(false);
        assertSent("batch: set implicit_transactions on ");
        assertThat(responder.sessions().get(0).trancount()).isZero();
        write(connection);
        assertThat(responder.sessions().get(0).trancount()).isEqualTo(1);
    }

    @Test
    void turning_autocommit_on_commits() throws Exception {
        connection.setAutoCommit(false);
        write(connection);
        responder.clearLog();
        connection.setAutoCommit(true);
        assertSent("batch: set implicit_transactions off IF @@TRANCOUNT > 0 COMMIT TRAN ");
        assertThat(responder.committed()).hasSize(1);
    }

    /** So the driver's commit is not used: it is content with a transaction that is gone. */
    @Test
    void the_drivers_commit_does_not_notice_that_there_is_no_transaction() throws Exception {
        connection.setAutoCommit(false);
        responder.next("insert into t values (1)", Answer.row(1).did(Did.ROLLED_BACK));
        write(connection);
        responder.clearLog();
        connection.commit();
        assertSent("batch: IF @@TRANCOUNT > 0 COMMIT TRAN");
        assertThat(responder.committed()).isEmpty();
    }

    @Test
    void on_autocommit_the_drivers_commit_sends_nothing_and_its_rollback_complains() throws Exception {
        connection.commit();
        assertThatThrownBy(connection::rollback).isInstanceOf(SQLException.class);
        assertSent();
    }

    @Test
    void read_only_is_never_sent() throws Exception {
        connection.setReadOnly(true);
        assertThat(connection.isReadOnly()).isFalse();
        write(connection);
        connection.setReadOnly(false);
        assertSent("batch: insert into t values (1)");
    }

    @Test
    void the_level_is_sent_at_once_each_time_and_never_asked_for() throws Exception {
        connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
        connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
        try (Statement statement = connection.createStatement()) {
            statement.execute("SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED");
        }
        assertThat(connection.getTransactionIsolation()).isEqualTo(Connection.TRANSACTION_SERIALIZABLE); // it is not
        assertSent(
                "batch: set transaction isolation level  serializable ",
                "batch: set transaction isolation level  serializable ",
                "batch: SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED");
    }

    @Test
    void a_savepoint_of_the_drivers_cannot_be_released() throws Exception {
        String set = "IF @@TRANCOUNT = 0 BEGIN BEGIN TRAN IF @@TRANCOUNT = 2 COMMIT TRAN END SAVE TRAN [a]";
        responder.answer(set, Answer.count(-1));
        connection.setAutoCommit(false);
        responder.clearLog();
        Savepoint savepoint = connection.setSavepoint("a");
        assertSent("batch: " + set);
        assertThatThrownBy(() -> connection.releaseSavepoint(savepoint))
                .isInstanceOf(SQLFeatureNotSupportedException.class);
        assertSent();
    }

    /** The first execution is by {@code sp_executesql}; of a statement that is used again, the second prepares it. */
    @Test
    void prepared_statements_run_in_procedures() throws Exception {
        responder.answer("insert into t values (@P0)", Answer.count(1));
        try (PreparedStatement statement = connection.prepareStatement("insert into t values (?)")) {
            for (int i = 0; i < 3; i++) {
                statement.setInt(1, i);
                statement.executeUpdate();
            }
        }
        assertSent(
                "sp_executesql: insert into t values (@P0)",
                "sp_prepexec: insert into t values (@P0)",
                "sp_execute: insert into t values (@P0)");
    }

    @Test
    void a_statement_without_parameters_that_is_prepared_is_a_procedure_too() throws Exception {
        try (PreparedStatement statement = connection.prepareStatement("select 7 from t");
                ResultSet row = statement.executeQuery()) {
            assertThat(row.next()).isTrue();
        }
        assertSent("sp_executesql: select 7 from t");
    }

    /** The query that reads settings comes first in its batch, and what fails after it is seen by asking for more. */
    @Test
    void an_error_behind_a_row_shows_only_when_more_is_asked_for() throws Exception {
        responder.next("BEGIN TRAN", Answer.error(701));
        try (Statement statement = connection.createStatement()) {
            assertThat(statement.execute("SELECT @@LOCK_TIMEOUT;BEGIN TRAN")).isTrue();
            try (ResultSet row = statement.getResultSet()) {
                assertThat(row.next()).isTrue();
            }
            assertThatThrownBy(statement::getMoreResults).isInstanceOf(SQLException.class);
        }
    }

    @Test
    void settings_and_begin_without_rows_are_no_results() throws Exception {
        try (Statement statement = connection.createStatement()) {
            assertThat(statement.execute("SET LOCK_TIMEOUT 5;SET XACT_ABORT ON;BEGIN TRAN"))
                    .isFalse();
            assertThat(statement.getUpdateCount()).isEqualTo(-1);
        }
        assertThat(responder.sessions().get(0).trancount()).isEqualTo(1);
    }

    @Test
    void what_follows_an_error_is_read_through_its_chain() throws Exception {
        responder.next("insert into t values (1)", Answer.error(50_000).did(Did.DOOMED));
        try (Statement statement = connection.createStatement()) {
            statement.execute("BEGIN TRAN");
            SQLException first = throwing(SQLException.class, () -> statement.execute("insert into t values (1)"));
            assertThat(first.getErrorCode()).isEqualTo(50_000);
            assertThat(Objects.requireNonNull(first.getNextException()).getErrorCode())
                    .isEqualTo(3998);
        }
    }

    /** A limit on rows is the session's, and costs a batch each way: the way back comes with the next statement. */
    @Test
    void a_limit_on_rows_is_set_in_the_session_and_taken_back_by_the_next_statement() throws Exception {
        try (Statement statement = connection.createStatement()) {
            statement.setMaxRows(3);
            statement.executeQuery("select 7 from t").close();
        }
        assertThat(responder.sessions().get(0).settings()).startsWith("rowcount 3");
        write(connection);
        assertThat(responder.sessions().get(0).settings()).doesNotContain("rowcount");
        assertThat(responder.log()).hasSize(4);
    }

    @Test
    void an_error_from_severity_20_on_closes_the_connection() throws Exception {
        responder.next("insert into t values (1)", Answer.error(596, 21, 1, "the session is in the kill state"));
        SQLException thrown = throwing(SQLException.class, () -> write(connection));
        assertThat(thrown.getErrorCode()).isEqualTo(596);
        assertThat(MssqlErrors.isFatal(thrown)).isTrue();
        assertThat(connection.isClosed()).isTrue();
    }

    @Test
    void a_severity_below_leaves_it_open() throws Exception {
        responder.next("insert into t values (1)", Answer.error(1204, 19, 1, "locks"));
        SQLException thrown = throwing(SQLException.class, () -> write(connection));
        assertThat(MssqlErrors.isFatal(thrown)).isFalse();
        assertThat(MssqlErrors.state(thrown)).isEqualTo(1);
        assertThat(connection.isClosed()).isFalse();
    }

    @Test
    void a_connection_that_is_cut_is_08S01_without_a_number_and_closed() throws Exception {
        responder.cutAll();
        SQLException thrown = throwing(SQLException.class, () -> write(connection));
        assertThat(thrown.getSQLState()).isEqualTo("08S01");
        assertThat(thrown.getErrorCode()).isZero();
        assertThat(connection.isClosed()).isTrue();
        SQLException again = throwing(SQLException.class, () -> write(connection));
        assertThat(again.getSQLState()).isEqualTo("08S01");
    }

    @Test
    void sqlstates_are_known_for_few_numbers() {
        for (List<Object> each : List.<List<Object>>of(
                List.of(2627, "23000"),
                List.of(2601, "23000"),
                List.of(547, "23000"),
                List.of(515, "23000"),
                List.of(1205, "40001"),
                List.of(1222, "S0001"),
                List.of(3960, "S0001"),
                List.of(2628, "S0001"))) {
            responder.next("insert into t values (1)", Answer.error((Integer) each.get(0)));
            SQLException thrown = throwing(SQLException.class, () -> write(connection));
            assertThat(thrown.getSQLState()).isEqualTo(each.get(1));
        }
    }

    @Test
    void a_driver_that_may_not_reconnect_tells_that_the_connection_is_lost() throws Exception {
        responder.recovers();
        try (Connection fixed = connected("connectRetryCount=0")) {
            try (Statement statement = fixed.createStatement()) {
                statement.execute("BEGIN TRAN");
            }
            responder.cutAll();
            assertThatThrownBy(() -> write(fixed)).isInstanceOf(SQLException.class);
            assertThat(responder.outside()).isEmpty();
        }
    }
}
