package org.example.holdfast.h2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.holdfast.tx.CommitFate;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Wish;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the dialect takes for granted, asked of H2 itself, without Holdfast's engine. */
class H2FactsTest {
    private static final AtomicInteger NUMBERS = new AtomicInteger();
    private static final H2Dialect DIALECT = new H2Dialect();

    private final String url = "jdbc:h2:mem:facts" + NUMBERS.incrementAndGet();
    private Connection one;
    private Connection other;

    @BeforeEach
    void open() throws SQLException {
        one = session();
        other = session();
        execute(
                one,
                "create table t (id int primary key, v int not null check (v >= 0), s varchar(3), p int references t)");
        execute(one, "insert into t (id, v) values (1, 10), (2, 20)");
        one.commit();
    }

    private Connection session() throws SQLException {
        Connection session = DriverManager.getConnection(url);
        session.setAutoCommit(false);
        return session;
    }

    @AfterEach
    void close() throws SQLException {
        one.close();
        other.close();
    }

    private static void execute(Connection session, String sql) throws SQLException {
        try (Statement statement = session.createStatement()) {
            statement.execute(sql);
        }
    }

    private static String ask(Connection session, String query) throws SQLException {
        try (Statement statement = session.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            assertTrue(row.next());
            return row.getString(1);
        }
    }

    private static void isolation(Connection session, String level) throws SQLException {
        execute(session, "set session characteristics as transaction isolation level " + level);
    }

    private static Failure classified(SQLException error, Moment moment) {
        return DIALECT.classify(error, moment, DIALECT.typicalProfile());
    }

    private static Moment in(TxOptions options) {
        return Moment.of(Phase.STATEMENT, Wish.of(options));
    }

    private static Failure failing(Connection session, String sql, Moment moment) {
        return classified(assertThrows(SQLException.class, () -> execute(session, sql)), moment);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            insert into t (id, v) values (1, 0)                       | UNIQUE
            insert into t (id, v) values (3, null)                    | NOT_NULL
            insert into t (id, v) values (3, -1)                      | CHECK
            insert into t (id, v, p) values (3, 0, 99)                | FOREIGN_KEY
            insert into t (id, v, s) values (3, 0, 'long')            | DATA
            insert into t (id, v) values ('x', 0)                     | DATA
            insert into t (id, v) values (3, 1 / 0)                   | DATA
            select 1 from t where id = (select id from t)             | DATA
            select nothing from t                                     | SYNTAX
            select id from nowhere                                    | SYNTAX
            nonsense                                                  | SYNTAX
            call abs('x')                                             | UNSUPPORTED
            rollback to savepoint nowhere                             | TX_STATE
            """)
    void an_error_has_its_kind_and_undoes_its_statement_only(String sql, FailureKind kind) throws SQLException {
        execute(one, "insert into t (id, v) values (7, 0)");
        assertEquals(kind, failing(one, sql, in(TxOptions.none())).kind());
        assertEquals("1", ask(one, "select count(*) from t where id = 7"), "the row from before");
    }

    @Test
    void a_row_that_is_referred_to_cannot_be_deleted() throws SQLException {
        execute(one, "update t set p = 1 where id = 2");
        assertEquals(
                FailureKind.FOREIGN_KEY,
                failing(one, "delete from t where id = 1", in(TxOptions.none())).kind());
    }

    @Test
    void a_lock_that_is_not_had_in_time_undoes_its_statement_only() throws SQLException {
        execute(other, "update t set v = 11 where id = 1");
        execute(one, "insert into t (id, v) values (7, 0)");
        execute(one, "set lock_timeout 50");
        Failure failure = failing(one, "update t set v = 12 where id = 1", in(TxOptions.none()));
        assertEquals(FailureKind.LOCK_TIMEOUT, failure.kind());
        assertEquals(FailureEffect.NONE, failure.effect());
        assertEquals("1", ask(one, "select count(*) from t where id = 7"));
    }

    @Test
    void the_same_code_means_three_things() throws SQLException {
        execute(other, "update t set v = 11 where id = 1");
        String locking = "select v from t where id = 1 for update nowait";
        SQLException error = assertThrows(SQLException.class, () -> execute(one, locking));
        Moment plain = in(TxOptions.none());
        Moment limited = in(TxOptions.none().statementTimeout(Duration.ofMillis(100)));
        assertEquals(FailureKind.LOCK_TIMEOUT, classified(error, plain).kind());
        assertEquals(FailureKind.STATEMENT_TIMEOUT, classified(error, limited).kind());
        assertEquals(
                FailureKind.LOCK_NOT_AVAILABLE,
                classified(error, plain.lock(RowLock.forUpdate().noWait())).kind());
    }

    @Test
    void a_conflict_ends_the_transaction_and_the_next_statement_begins_another() throws SQLException {
        isolation(one, "snapshot");
        execute(one, "insert into t (id, v) values (7, 0)");
        execute(other, "update t set v = 11 where id = 1");
        other.commit();
        Failure failure = failing(one, "update t set v = 12 where id = 1", in(TxOptions.of(Isolation.SNAPSHOT)));
        assertEquals(FailureKind.SERIALIZATION, failure.kind());
        assertEquals(FailureEffect.ENDED, failure.effect());
        execute(one, "insert into t (id, v) values (8, 0)");
        one.commit();
        assertEquals("8", ask(one, "select sum(id) from t where id > 2"));
    }

    @Test
    void a_deadlock_ends_the_transaction_of_its_victim() throws Exception {
        execute(one, "update t set v = 11 where id = 1");
        execute(other, "insert into t (id, v) values (7, 0)");
        execute(other, "update t set v = 21 where id = 2");
        CompletableFuture<SQLException> waiter = waiting(one.createStatement(), "update t set v = 22 where id = 2");
        SQLException raised = null;
        try {
            execute(other, "update t set v = 12 where id = 1");
        } catch (SQLException e) {
            raised = e;
        }
        SQLException error = raised == null ? waiter.get(30, TimeUnit.SECONDS) : raised;
        Failure failure = classified(error, in(TxOptions.none()));
        assertEquals(FailureKind.DEADLOCK, failure.kind());
        assertEquals(FailureEffect.ENDED, failure.effect());
        Moment commit = Moment.of(Phase.COMMIT, Wish.of(TxOptions.none()));
        assertEquals(CommitFate.ROLLED_BACK, classified(error, commit).atCommit());
    }

    /** Runs a statement elsewhere, and comes back when it waits for a lock, or is done. */
    private CompletableFuture<SQLException> waiting(Statement statement, String sql) throws Exception {
        String id = ask(statement.getConnection(), "call session_id()");
        CompletableFuture<SQLException> result = new CompletableFuture<>();
        Thread thread = new Thread(() -> {
            try {
                statement.execute(sql);
                result.complete(null);
            } catch (SQLException e) {
                result.complete(e);
            }
        });
        thread.setDaemon(true);
        thread.start();
        String waits =
                "select count(*) from information_schema.sessions where blocker_id is not null and session_id = ";
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        try (Connection monitor = session()) {
            while (ask(monitor, waits + id).equals("0") && !result.isDone()) {
                assertTrue(System.nanoTime() - until < 0, "the statement does not wait");
            }
        }
        return result;
    }

    /** So the limit of a statement is given as one of waiting, too. */
    @Test
    void no_cancel_reaches_a_statement_that_waits_for_a_lock() throws Exception {
        execute(one, "set lock_timeout 500");
        execute(other, "update t set v = 11 where id = 1");
        try (Statement statement = one.createStatement()) {
            CompletableFuture<SQLException> waiter = waiting(statement, "update t set v = 12 where id = 1");
            statement.cancel();
            assertEquals("HYT00", waiter.get(30, TimeUnit.SECONDS).getSQLState());
        }
    }

    @Test
    void read_only_is_not_heard() throws SQLException {
        one.setReadOnly(true);
        execute(one, "insert into t (id, v) values (7, 0)");
        assertFalse(one.isReadOnly());
    }

    // region facts
    @Test
    void what_is_called_serializable_is_snapshot_isolation() throws SQLException {
        isolation(one, "serializable");
        isolation(other, "serializable");
        ask(one, "select sum(v) from t");
        ask(other, "select sum(v) from t");
        execute(one, "update t set v = 0 where id = 1");
        execute(other, "update t set v = 0 where id = 2");
        one.commit();
        other.commit();
        assertEquals("0", ask(one, "select sum(v) from t"), "each saw the row that the other was changing");
    }

    @Test
    void to_set_the_level_commits() throws SQLException {
        execute(one, "insert into t (id, v) values (7, 0)");
        isolation(one, "snapshot");
        one.rollback();
        assertEquals("1", ask(other, "select count(*) from t where id = 7"));
    }
    // endregion

    @Test
    void to_set_the_lock_timeout_does_not() throws SQLException {
        execute(one, "insert into t (id, v) values (7, 0)");
        execute(one, "set lock_timeout 50");
        one.rollback();
        assertEquals("0", ask(other, "select count(*) from t where id = 7"));
    }

    @Test
    void a_table_that_is_made_commits() throws SQLException {
        execute(one, "insert into t (id, v) values (7, 0)");
        execute(one, "create table u (id int)");
        one.rollback();
        assertEquals("1", ask(other, "select count(*) from t where id = 7"));
    }

    @Test
    void release_is_read_and_ignored() throws SQLException {
        execute(one, "savepoint s");
        execute(one, "insert into t (id, v) values (7, 0)");
        execute(one, "release savepoint s");
        execute(one, "rollback to savepoint s");
        assertEquals("0", ask(one, "select count(*) from t where id = 7"));
    }

    @Test
    void the_query_timeout_of_a_statement_is_that_of_its_session() throws SQLException {
        try (Statement statement = one.createStatement()) {
            statement.setQueryTimeout(5);
        }
        try (Statement statement = one.createStatement()) {
            assertEquals(5, statement.getQueryTimeout());
        }
    }

    @Test
    void the_tables_that_a_row_lock_names_are_not_looked_at() throws SQLException {
        execute(one, "select a.id from t a join t b on b.id = a.id + 1 for update of a");
        execute(other, "set lock_timeout 50");
        assertThrows(SQLException.class, () -> execute(other, "update t set v = 1 where id = 2"));
    }
}
