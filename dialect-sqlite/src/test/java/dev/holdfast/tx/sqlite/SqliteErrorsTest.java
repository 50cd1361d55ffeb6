package dev.holdfast.tx.sqlite;

import static dev.holdfast.tx.sqlite.Database.ENDLESS;
import static dev.holdfast.tx.sqlite.Database.ask;
import static dev.holdfast.tx.sqlite.Database.cancelled;
import static dev.holdfast.tx.sqlite.Database.errorOf;
import static dev.holdfast.tx.sqlite.Database.run;
import static dev.holdfast.tx.sqlite.Database.state;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.holdfast.tx.CommitFate;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Cancelled;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Wish;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sqlite.BusyHandler;

/** Errors as SQLite raises them: what is said of each is true of the database afterwards. */
@ParameterizedClass
@ValueSource(strings = {"WAL", "DELETE"})
class SqliteErrorsTest {
    private final String journal;
    private Database database;
    private Connection one;
    private Connection two;

    SqliteErrorsTest(String journal) {
        this.journal = journal;
    }

    @BeforeEach
    void open() throws SQLException {
        database = Database.file(journal);
        one = database.open();
        two = database.open();
    }

    @AfterEach
    void close() throws SQLException {
        database.close();
    }

    private Failure classify(SQLException error, Phase phase, Connection connection) throws SQLException {
        return classify(error, phase, connection, Cancelled.NOT);
    }

    private Failure classify(SQLException error, Phase phase, Connection connection, Cancelled cancelled) {
        Moment moment =
                Moment.of(phase, Wish.of(TxOptions.none())).cancelled(cancelled).driverState(state(connection));
        return Database.DIALECT.classify(error, moment, SqlitePlansTest.WRITER);
    }

    /** The transaction of {@code one}, with a row that must be there afterwards exactly if it is still open. */
    private Failure inTransaction(String... statements) throws SQLException {
        run(one, "BEGIN IMMEDIATE", "INSERT INTO t VALUES (10, 10)");
        Failure failure = classify(errorOf(one, statements), Phase.STATEMENT, one);
        boolean open = failure.effect() == FailureEffect.NONE;
        assertThat(ask(one, "SELECT count(*) FROM t WHERE id = 10")).isEqualTo(open ? "1" : "0");
        if (open) {
            run(one, "COMMIT");
            assertThat(database.committed()).isEqualTo(2);
        } else {
            assertThat(database.isFree()).as("the write lock is free").isTrue();
        }
        return failure;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "INSERT INTO t VALUES (1, 5)                 | UNIQUE",
                "INSERT INTO t VALUES (5, 1)                 | UNIQUE",
                "INSERT INTO t VALUES (5, null)              | NOT_NULL",
                "INSERT INTO t VALUES (5, 100)               | CHECK",
                "INSERT INTO t VALUES ('a', 5)               | DATA",
                "INSERT INTO strict VALUES ('a')             | DATA",
                "INSERT INTO big VALUES (zeroblob(2000000000)) | DATA",
                "INSERT INTO child VALUES (5, 5)             | FOREIGN_KEY",
                "DELETE FROM parent                          | FOREIGN_KEY",
                "SELEC 1                                     | SYNTAX",
                "SELECT * FROM nowhere                       | SYNTAX",
                "SELECT * FROM t FOR UPDATE                  | SYNTAX",
                "BEGIN                                       | TX_STATE",
                "ROLLBACK TO nowhere                         | TX_STATE",
                "RELEASE nowhere                             | TX_STATE",
                "VACUUM                                      | TX_STATE",
                "ATTACH '/no/such/folder/x.db' AS x          | OTHER",
            })
    void an_error_that_undoes_its_statement_alone_leaves_the_transaction_open(String sql, FailureKind kind)
            throws SQLException {
        Failure failure = inTransaction(sql);
        assertThat(failure.kind()).isEqualTo(kind);
        assertThat(failure.effect()).isEqualTo(FailureEffect.NONE);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "INSERT OR ROLLBACK INTO t VALUES (1, 5)     | UNIQUE",
                "INSERT OR ROLLBACK INTO t VALUES (5, 1)     | UNIQUE",
                "INSERT OR ROLLBACK INTO t VALUES (5, null)  | NOT_NULL",
                "INSERT OR ROLLBACK INTO t VALUES (5, 100)   | CHECK",
            })
    void a_constraint_resolved_by_ROLLBACK_ends_the_transaction(String sql, FailureKind kind) throws SQLException {
        Failure failure = inTransaction(sql);
        assertThat(failure.kind()).isEqualTo(kind);
        assertThat(failure.effect()).isEqualTo(FailureEffect.ENDED);
    }

    @ParameterizedTest
    @CsvSource({"ABORT, NONE", "FAIL, NONE", "ROLLBACK, ENDED"})
    void a_trigger_decides_by_the_kind_of_its_RAISE(String how, FailureEffect effect) throws SQLException {
        run(one, "CREATE TRIGGER g BEFORE INSERT ON big BEGIN SELECT raise(" + how + ", 'no'); END");
        Failure failure = inTransaction("INSERT INTO big VALUES (1)");
        assertThat(failure.kind()).isEqualTo(FailureKind.OTHER);
        assertThat(failure.effect()).isEqualTo(effect);
    }

    @Test
    void a_full_database_is_out_of_resources_and_the_transaction_open_or_not_as_the_effect_says() throws SQLException {
        Failure failure = inTransaction("PRAGMA max_page_count=12", "INSERT INTO big VALUES (randomblob(100000))");
        assertThat(failure.kind()).isEqualTo(FailureKind.RESOURCES);
        assertThat(failure.effect()).isIn(FailureEffect.NONE, FailureEffect.ENDED);
    }

    @Test
    void a_query_that_is_cancelled_leaves_the_transaction_open() throws Exception {
        run(one, "BEGIN IMMEDIATE", "INSERT INTO t VALUES (10, 10)");
        SQLException error = cancelled(one, ENDLESS + "SELECT count(*) FROM c");
        Failure failure = classify(error, Phase.STATEMENT, one, Cancelled.BY_LIMIT);
        assertThat(failure.kind()).isEqualTo(FailureKind.STATEMENT_TIMEOUT);
        assertThat(failure.effect()).isEqualTo(FailureEffect.NONE);
        run(one, "INSERT INTO t VALUES (11, 11)", "COMMIT");
        assertThat(database.committed()).isEqualTo(3);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "INSERT INTO big " + ENDLESS + "SELECT x FROM c",
                "UPDATE t SET n = (" + ENDLESS + "SELECT count(*) FROM c)"
            })
    void a_write_that_is_cancelled_ends_the_transaction(String sql) throws Exception {
        run(one, "BEGIN IMMEDIATE", "INSERT INTO t VALUES (10, 10)");
        Failure failure = classify(cancelled(one, sql), Phase.STATEMENT, one, Cancelled.BY_CALLER);
        assertThat(failure.kind()).isEqualTo(FailureKind.CANCELLED);
        assertThat(failure.effect()).isEqualTo(FailureEffect.ENDED);
        assertThat(database.isFree()).isTrue();
        assertThat(database.committed()).isEqualTo(1);
    }

    @Test
    void while_a_result_set_is_half_read_a_cancel_hits_every_statement_and_the_transaction_counts_as_doomed()
            throws Exception {
        run(one, "INSERT INTO t VALUES (2, 2)", "BEGIN IMMEDIATE", "INSERT INTO t VALUES (10, 10)");
        try (Statement reading = one.createStatement();
                ResultSet rows = reading.executeQuery("SELECT * FROM t")) {
            rows.next();
            SQLException error = cancelled(one, ENDLESS + "SELECT count(*) FROM c");
            Failure failure = classify(error, Phase.STATEMENT, one);
            assertThat(failure.effect()).isEqualTo(FailureEffect.ASK);
            assertThat(errorOf(one, "SAVEPOINT s").getErrorCode()).isEqualTo(9);
        }
        assertThat(state(one)).isEqualTo(DriverState.OPEN);
    }

    @Test
    void an_interrupt_does_not_reach_a_statement_that_waits_for_a_lock_and_what_ended_the_wait_is_told()
            throws SQLException {
        run(two, "BEGIN IMMEDIATE");
        AtomicInteger most = new AtomicInteger();
        try (Statement waiting = one.createStatement()) {
            BusyHandler.setHandler(one, new BusyHandler() {
                @Override
                protected int callback(int waits) throws SQLException {
                    waiting.cancel();
                    most.set(waits);
                    return waits < 3 ? 1 : 0;
                }
            });
            SQLException error = catchThrowableOfType(SQLException.class, () -> waiting.execute("BEGIN IMMEDIATE"));
            assertThat(most).hasValue(3);
            assertThat(error.getErrorCode()).isEqualTo(5);
            assertThat(classify(error, Phase.BEGIN, one, Cancelled.NOT).kind()).isEqualTo(FailureKind.LOCK_TIMEOUT);
            assertThat(classify(error, Phase.BEGIN, one, Cancelled.BY_CALLER).kind())
                    .isEqualTo(FailureKind.CANCELLED);
            assertThat(classify(error, Phase.BEGIN, one, Cancelled.BY_LIMIT).kind())
                    .isEqualTo(FailureKind.STATEMENT_TIMEOUT);
        }
        run(one, "SELECT 1");
    }

    @Test
    void a_lock_that_is_not_had_at_BEGIN_is_a_lock_timeout_and_nothing_is_open() throws SQLException {
        run(two, "BEGIN IMMEDIATE");
        Failure failure = classify(errorOf(one, "BEGIN IMMEDIATE"), Phase.BEGIN, one);
        assertThat(failure.kind()).isEqualTo(FailureKind.LOCK_TIMEOUT);
        assertThat(failure.effect()).isEqualTo(FailureEffect.NONE);
        assertThat(state(one)).isEqualTo(DriverState.IDLE);
    }

    @Test
    void a_reader_that_cannot_become_a_writer_is_still_open() throws SQLException {
        run(two, "BEGIN IMMEDIATE");
        run(one, "BEGIN", "SELECT * FROM t");
        Failure failure = classify(errorOf(one, "INSERT INTO t VALUES (10, 10)"), Phase.STATEMENT, one);
        assertThat(failure.kind()).isEqualTo(FailureKind.LOCK_TIMEOUT);
        assertThat(failure.effect()).isEqualTo(FailureEffect.NONE);
        run(two, "ROLLBACK");
        run(one, "INSERT INTO t VALUES (10, 10)", "COMMIT");
        assertThat(database.committed()).isEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"INSERT INTO later VALUES (5)", "INSERT INTO child VALUES (5, 5)"})
    void a_COMMIT_that_a_foreign_key_refuses_is_still_open(String sql) throws SQLException {
        run(one, "BEGIN IMMEDIATE", "PRAGMA defer_foreign_keys=ON", sql, "INSERT INTO t VALUES (10, 10)");
        Failure failure = classify(errorOf(one, "COMMIT"), Phase.COMMIT, one);
        assertThat(failure.kind()).isEqualTo(FailureKind.FOREIGN_KEY);
        assertThat(failure.atCommit()).isEqualTo(CommitFate.STILL_OPEN);
        assertThat(database.committed()).isEqualTo(1);
        run(one, "INSERT INTO parent VALUES (5)", "COMMIT");
        assertThat(database.committed()).isEqualTo(2);
    }

    @Test
    void a_COMMIT_of_nothing_is_an_error_and_settles_nothing() throws SQLException {
        run(one, "BEGIN IMMEDIATE", "INSERT INTO t VALUES (10, 10)");
        try (Statement statement = one.createStatement()) {
            statement.executeUpdate("INSERT INTO t VALUES (11, 11); COMMIT"); // past every guard
        }
        Failure failure = classify(errorOf(one, "COMMIT"), Phase.COMMIT, one);
        assertThat(failure.kind()).isEqualTo(FailureKind.TX_STATE);
        assertThat(failure.atCommit()).isEqualTo(CommitFate.UNKNOWN);
        assertThat(database.committed()).isEqualTo(3);
    }

    @ParameterizedTest
    @ValueSource(strings = {"SAVEPOINT s", "COMMIT"})
    void a_half_read_RETURNING_is_a_state_that_waiting_does_not_change(String sql) throws SQLException {
        run(one, "BEGIN IMMEDIATE");
        try (Statement writing = one.createStatement();
                ResultSet rows = writing.executeQuery("INSERT INTO t VALUES (10, 10), (11, 11) RETURNING id")) {
            rows.next();
            Failure failure = classify(errorOf(one, sql), Phase.COMMIT, one);
            assertThat(failure.kind()).isEqualTo(FailureKind.TX_STATE);
            assertThat(failure.effect()).isEqualTo(FailureEffect.NONE);
            assertThat(failure.atCommit()).isEqualTo(CommitFate.STILL_OPEN);
        }
        run(one, "COMMIT");
        assertThat(database.committed()).isEqualTo(3);
    }

    @Test
    void a_result_set_that_a_rollback_overtook_is_aborted() throws SQLException {
        run(one, "INSERT INTO t VALUES (2, 2)", "BEGIN IMMEDIATE", "CREATE TABLE fresh(a)");
        try (Statement reading = one.createStatement();
                ResultSet rows = reading.executeQuery("SELECT * FROM t")) {
            rows.next();
            run(one, "ROLLBACK");
            SQLException error = catchThrowableOfType(SQLException.class, rows::next);
            Failure failure = classify(error, Phase.STATEMENT, one);
            assertThat(failure.kind()).isEqualTo(FailureKind.TX_ABORTED);
            assertThat(failure.effect()).isEqualTo(FailureEffect.ENDED);
        }
    }

    @Test
    void a_write_under_query_only_is_refused_and_the_transaction_open() throws SQLException {
        run(one, "PRAGMA query_only=ON", "BEGIN");
        Failure failure = classify(errorOf(one, "INSERT INTO t VALUES (10, 10)"), Phase.STATEMENT, one);
        assertThat(failure.kind()).isEqualTo(FailureKind.READ_ONLY);
        assertThat(failure.effect()).isEqualTo(FailureEffect.NONE);
        assertThat(ask(one, "SELECT count(*) FROM t")).isEqualTo("1");
    }

    @Test
    void a_write_to_a_file_opened_for_reading_is_refused() throws SQLException {
        try (Connection reader = DriverManager.getConnection(database.url() + "?open_mode=1")) {
            run(reader, "BEGIN");
            Failure failure = classify(errorOf(reader, "INSERT INTO t VALUES (10, 10)"), Phase.STATEMENT, reader);
            assertThat(failure.kind()).isEqualTo(FailureKind.READ_ONLY);
            assertThat(failure.effect()).isEqualTo(FailureEffect.NONE);
        }
    }

    @Test
    void errors_of_batches_and_of_prepared_and_joined_statements_are_classified_alike() throws SQLException {
        try (Statement batch = one.createStatement()) {
            batch.addBatch("INSERT INTO t VALUES (1, 5)");
            assertUnique(catchThrowableOfType(BatchUpdateException.class, batch::executeBatch));
        }
        try (PreparedStatement batch = one.prepareStatement("INSERT INTO t VALUES (?, 5)")) {
            batch.setInt(1, 1);
            batch.addBatch();
            assertUnique(catchThrowableOfType(SQLException.class, batch::executeBatch));
        }
        try (Statement joined = one.createStatement()) {
            assertUnique(catchThrowableOfType(
                    SQLException.class, () -> joined.executeUpdate("SELECT 1; INSERT INTO t VALUES (1, 5)")));
        }
    }

    private void assertUnique(SQLException error) throws SQLException {
        assertThat(classify(error, Phase.OUTSIDE, one).kind()).isEqualTo(FailureKind.UNIQUE);
    }

    @Test
    void in_a_shared_cache_what_another_holds_is_a_lock_timeout() throws SQLException {
        String url = "jdbc:sqlite:file:errors" + journal + "?mode=memory&cache=shared";
        try (Connection writer = DriverManager.getConnection(url);
                Connection reader = DriverManager.getConnection(url)) {
            run(writer, "CREATE TABLE t(a)", "BEGIN IMMEDIATE", "INSERT INTO t VALUES (1)");
            run(reader, "BEGIN");
            Failure failure = classify(errorOf(reader, "SELECT * FROM t"), Phase.STATEMENT, reader);
            assertThat(failure.kind()).isEqualTo(FailureKind.LOCK_TIMEOUT);
            assertThat(failure.effect()).isEqualTo(FailureEffect.NONE);
            run(writer, "COMMIT");
            assertThat(ask(reader, "SELECT count(*) FROM t")).isEqualTo("1");
        }
    }

    @Test
    void a_connection_that_was_closed_is_lost() throws SQLException {
        Statement statement = one.createStatement();
        one.close();
        SQLException noStatement = catchThrowableOfType(SQLException.class, one::createStatement);
        SQLException noAnswer = catchThrowableOfType(SQLException.class, () -> statement.execute("SELECT 1"));
        for (SQLException error : new SQLException[] {noStatement, noAnswer}) {
            Failure failure = classify(error, Phase.STATEMENT, one);
            assertThat(failure.kind()).isEqualTo(FailureKind.CONNECTION_LOST);
            assertThat(failure.effect()).isEqualTo(FailureEffect.LOST);
        }
    }

    @Test
    void a_file_that_cannot_be_opened_gives_no_connection() throws SQLException {
        SQLException error = catchThrowableOfType(
                SQLException.class, () -> DriverManager.getConnection("jdbc:sqlite:/no/such/folder/x.db"));
        assertThat(classify(error, Phase.ACQUIRE, one).kind()).isEqualTo(FailureKind.CONNECTION_LOST);
    }

    @Test
    void a_file_that_is_no_database_is_none_of_the_known_kinds() throws Exception {
        Path file = Files.writeString(Files.createTempFile(Database.folder(), "no", ".db"), "x".repeat(5000));
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file)) {
            Failure failure = classify(errorOf(connection, "SELECT * FROM t"), Phase.OUTSIDE, one);
            assertThat(failure.kind()).isEqualTo(FailureKind.OTHER);
        } finally {
            Files.delete(file);
        }
    }
}
