package dev.holdfast.tx.sqlite;

import static dev.holdfast.tx.sqlite.Database.ask;
import static dev.holdfast.tx.sqlite.Database.errorOf;
import static dev.holdfast.tx.sqlite.Database.run;
import static dev.holdfast.tx.sqlite.Database.session;
import static dev.holdfast.tx.sqlite.Database.state;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.spi.DriverState;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** What the port says is so, and asking disturbs nothing. */
@ParameterizedClass
@ValueSource(strings = {"WAL", "DELETE"})
class SqlitePortTest {
    private final String journal;
    private Database database;
    private Connection connection;

    SqlitePortTest(String journal) {
        this.journal = journal;
    }

    @BeforeEach
    void open() throws SQLException {
        database = Database.file(journal);
        connection = database.open();
    }

    @AfterEach
    void close() throws SQLException {
        database.close();
    }

    @Test
    void a_fresh_connection_is_idle_and_stays_so() throws SQLException {
        Map<String, String> before = session(connection);
        assertThat(state(connection)).isEqualTo(DriverState.IDLE);
        assertThat(state(connection)).isEqualTo(DriverState.IDLE);
        assertThat(session(connection)).isEqualTo(before);
        run(connection, "INSERT INTO t VALUES (10, 10)");
        assertThat(database.committed()).isEqualTo(2);
    }

    @Test
    void a_transaction_is_open_and_its_work_untouched() throws SQLException {
        run(connection, "BEGIN IMMEDIATE", "INSERT INTO t VALUES (10, 10)");
        assertThat(state(connection)).isEqualTo(DriverState.OPEN);
        assertThat(database.isFree()).isFalse();
        run(connection, "SAVEPOINT s", "INSERT INTO t VALUES (11, 11)");
        assertThat(state(connection)).isEqualTo(DriverState.OPEN);
        run(connection, "ROLLBACK TO s", "COMMIT");
        assertThat(database.committed()).isEqualTo(2);
        assertThat(state(connection)).isEqualTo(DriverState.IDLE);
    }

    @Test
    void what_the_last_statement_left_behind_is_untouched() throws SQLException {
        run(connection, "BEGIN IMMEDIATE");
        try (Statement statement = connection.createStatement()) {
            statement.execute("INSERT INTO t VALUES (10, 10)");
            state(connection);
            assertThat(statement.getUpdateCount()).isEqualTo(1);
            assertThat(ask(connection, "SELECT last_insert_rowid() || ',' || changes()"))
                    .isEqualTo("10,1");
        }
    }

    @Test
    void a_half_read_result_set_goes_on_inside_a_transaction_and_outside() throws SQLException {
        run(connection, "INSERT INTO t VALUES (2, 2), (3, 3)");
        for (String begin : new String[] {"BEGIN", "SELECT 1"}) {
            run(connection, begin);
            DriverState expected = begin.equals("BEGIN") ? DriverState.OPEN : DriverState.IDLE;
            try (Statement reading = connection.createStatement();
                    ResultSet rows = reading.executeQuery("SELECT id FROM t ORDER BY id")) {
                rows.next();
                assertThat(state(connection)).isEqualTo(expected);
                assertThat(rows.next()).isTrue();
                assertThat(rows.getInt(1)).isEqualTo(2);
                assertThat(rows.next()).isTrue();
            }
            if (expected == DriverState.OPEN) {
                run(connection, "COMMIT");
            }
        }
    }

    @Test
    void a_transaction_that_an_error_ended_beside_a_half_read_result_set_is_idle() throws SQLException {
        run(connection, "INSERT INTO t VALUES (2, 2), (3, 3)", "BEGIN IMMEDIATE");
        try (Statement reading = connection.createStatement();
                ResultSet rows = reading.executeQuery("SELECT id FROM t")) {
            rows.next();
            errorOf(connection, "INSERT OR ROLLBACK INTO t VALUES (1, 1)");
            assertThat(state(connection)).isEqualTo(DriverState.IDLE);
        }
        assertThat(state(connection)).isEqualTo(DriverState.IDLE);
    }

    @Test
    void a_transaction_that_an_error_ended_beside_a_half_read_RETURNING_is_idle() throws SQLException {
        run(connection, "BEGIN IMMEDIATE");
        try (Statement writing = connection.createStatement();
                ResultSet rows = writing.executeQuery("INSERT INTO t VALUES (2, 2), (3, 3) RETURNING id")) {
            rows.next();
            errorOf(connection, "INSERT OR ROLLBACK INTO t VALUES (1, 1)");
            assertThat(state(connection)).isEqualTo(DriverState.IDLE);
        }
        run(connection, "SAVEPOINT hf_abort", "ROLLBACK");
        assertThat(state(connection)).isEqualTo(DriverState.IDLE);
        assertThat(database.committed()).isEqualTo(1);
    }

    @Test
    void a_transaction_begun_by_the_driver_is_open() throws SQLException {
        connection.setAutoCommit(false);
        assertThat(state(connection)).isEqualTo(DriverState.OPEN);
        run(connection, "INSERT INTO t VALUES (10, 10)");
        assertThat(state(connection)).isEqualTo(DriverState.OPEN);
        connection.commit();
        assertThat(database.committed()).isEqualTo(2);
    }

    @Test
    void where_others_hold_the_lock_the_answer_is_the_same() throws SQLException {
        run(database.open(), "BEGIN EXCLUSIVE");
        assertThat(state(connection)).isEqualTo(DriverState.IDLE);
        run(connection, "BEGIN");
        assertThat(state(connection)).isEqualTo(DriverState.OPEN);
    }

    @Test
    void of_a_closed_connection_nothing_is_known() throws SQLException {
        connection.close();
        assertThat(state(connection)).isEqualTo(DriverState.UNKNOWN);
    }
}
