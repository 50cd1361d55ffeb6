package org.example.holdfast.derby;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.holdfast.tx.CommitFate;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Wish;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the dialect takes for granted, asked of Derby itself, without Holdfast's engine. */
class DerbyFactsTest {
    private static final AtomicInteger NUMBERS = new AtomicInteger();
    private static final DerbyDialect DIALECT = new DerbyDialect();

    private final String url = "jdbc:derby:memory:facts" + NUMBERS.incrementAndGet() + ";create=true";
    private Connection one;
    private Connection other;

    @BeforeEach
    void open() throws SQLException {
        one = session();
        other = session();
        execute(one, "call syscs_util.syscs_set_database_property('derby.locks.waitTimeout', '1')");
        execute(one, "call syscs_util.syscs_set_database_property('derby.locks.deadlockTimeout', '1')");
        execute(
                one,
                "create table t (id int primary key, v int not null check (v >= 0), s varchar(3),"
                        + " p int constraint parent references t deferrable initially immediate)");
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
        for (Connection session : new Connection[] {one, other}) {
            if (!session.isClosed()) {
                session.rollback(); // Derby refuses to close one with a transaction open
                session.close();
            }
        }
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

    private static Failure classified(SQLException error, Phase phase) {
        return DIALECT.classify(error, Moment.of(phase, Wish.of(TxOptions.none())), DIALECT.typicalProfile());
    }

    private static Failure failing(Connection session, String sql) {
        return classified(assertThrows(SQLException.class, () -> execute(session, sql)), Phase.STATEMENT);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            insert into t (id, v) values (1, 0)                       | UNIQUE
            insert into t (id, v) values (3, cast(null as int))       | NOT_NULL
            insert into t (id, v) values (3, -1)                      | CHECK
            insert into t (id, v, p) values (3, 0, 99)                | FOREIGN_KEY
            insert into t (id, v, s) values (3, 0, 'long')            | DATA
            insert into t (id, v) values ('x', 0)                     | DATA
            insert into t (id, v) values (3, 1 / 0)                   | DATA
            select 1 from t where id = (select id from t)             | DATA
            select nothing from t                                     | SYNTAX
            select id from nowhere                                    | SYNTAX
            nonsense                                                  | SYNTAX
            create table t (id int)                                   | SYNTAX
            rollback to savepoint nowhere                             | TX_STATE
            """)
    void an_error_has_its_kind_and_undoes_its_statement_only(String sql, FailureKind kind) throws SQLException {
        execute(one, "insert into t (id, v) values (7, 0)");
        Failure failure = failing(one, sql);
        assertEquals(kind, failure.kind(), failure.toString());
        assertEquals(FailureEffect.NONE, failure.effect());
        assertEquals("1", ask(one, "select count(*) from t where id = 7"), "the row from before");
    }

    /** The trap of this database: a transaction that goes on after a lock timeout goes on as another one. */
    @Test
    void a_lock_that_is_not_had_in_time_ends_the_transaction() throws SQLException {
        execute(other, "update t set v = 11 where id = 1");
        execute(one, "insert into t (id, v) values (7, 0)");
        Failure failure = failing(one, "update t set v = 12 where id = 1");
        assertEquals(FailureKind.LOCK_TIMEOUT, failure.kind());
        assertEquals(FailureEffect.ENDED, failure.effect());
        execute(one, "insert into t (id, v) values (8, 0)");
        one.commit();
        assertEquals("8", ask(one, "select sum(id) from t where id > 2"));
    }

    @Test
    void a_deadlock_ends_the_transaction_of_its_victim() throws Exception {
        execute(one, "call syscs_util.syscs_set_database_property('derby.locks.waitTimeout', '30')");
        one.commit();
        execute(one, "update t set v = 11 where id = 1");
        execute(other, "update t set v = 21 where id = 2");
        CompletableFuture<SQLException> waiter = new CompletableFuture<>();
        Thread thread = new Thread(() -> {
            try {
                execute(one, "update t set v = 22 where id = 2");
                waiter.complete(null);
            } catch (SQLException e) {
                waiter.complete(e);
            }
        });
        thread.start();
        SQLException raised = null;
        try {
            execute(other, "update t set v = 12 where id = 1");
        } catch (SQLException e) {
            raised = e;
        }
        SQLException error = raised == null ? waiter.get(60, TimeUnit.SECONDS) : raised;
        (raised == null ? one : other).rollback();
        thread.join();
        Failure failure = classified(error, Phase.STATEMENT);
        assertEquals(FailureKind.DEADLOCK, failure.kind());
        assertEquals(FailureEffect.ENDED, failure.effect());
    }

    @Test
    void a_deferred_constraint_that_does_not_hold_ends_the_transaction_at_commit() throws SQLException {
        execute(one, "set constraints all deferred");
        execute(one, "insert into t (id, v, p) values (7, 0, 99)");
        SQLException error = assertThrows(SQLException.class, one::commit);
        Failure failure = classified(error, Phase.COMMIT);
        assertEquals(FailureKind.FOREIGN_KEY, failure.kind());
        assertEquals(CommitFate.ROLLED_BACK, failure.atCommit());
        assertEquals("0", ask(one, "select count(*) from t where id = 7"));
        assertEquals(
                FailureKind.FOREIGN_KEY,
                failing(one, "insert into t (id, v, p) values (7, 0, 99)").kind());
    }

    @Test
    void a_session_that_is_closed_is_lost() throws SQLException {
        one.rollback();
        one.close();
        Failure failure = failing(one, "values 1");
        assertEquals(FailureKind.CONNECTION_LOST, failure.kind());
        assertEquals(FailureEffect.LOST, failure.effect());
    }

    @Test
    void a_read_only_session_writes_nothing() throws SQLException {
        one.setReadOnly(true);
        assertEquals(
                FailureKind.READ_ONLY,
                failing(one, "insert into t (id, v) values (7, 0)").kind());
        assertEquals(
                FailureKind.READ_ONLY, failing(one, "create table u (id int)").kind());
        one.rollback();
        one.setReadOnly(false);
    }

    @Test
    void to_set_the_level_commits() throws SQLException {
        execute(one, "insert into t (id, v) values (7, 0)");
        execute(one, "set isolation rs");
        one.rollback();
        assertEquals("1", ask(other, "select count(*) from t where id = 7"));
    }

    @Test
    void repeatable_read_is_its_word_for_serializable() throws SQLException {
        execute(one, "set isolation repeatable read");
        assertEquals("RR", ask(one, "values current isolation"));
        assertEquals(Connection.TRANSACTION_SERIALIZABLE, one.getTransactionIsolation());
        execute(one, "set isolation rs");
        assertEquals(Connection.TRANSACTION_REPEATABLE_READ, one.getTransactionIsolation());
        execute(one, "set isolation reset");
        assertEquals("", ask(one, "values current isolation").strip());
    }

    @Test
    void a_table_that_is_made_goes_with_its_transaction() throws SQLException {
        execute(one, "create table u (id int)");
        one.rollback();
        assertEquals(FailureKind.SYNTAX, failing(one, "select id from u").kind());
    }

    @Test
    void in_sql_there_is_no_savepoint_inside_another() throws SQLException {
        execute(one, "savepoint a on rollback retain cursors");
        assertThrows(SQLException.class, () -> execute(one, "savepoint b on rollback retain cursors"));
    }

    @Test
    void through_jdbc_there_is() throws SQLException {
        one.setSavepoint("a");
        execute(one, "insert into t (id, v) values (7, 0)");
        Savepoint inner = one.setSavepoint("b");
        execute(one, "insert into t (id, v) values (8, 0)");
        one.rollback(inner);
        assertEquals("7", ask(one, "select sum(id) from t where id > 2"));
    }

    @Test
    void no_statement_can_be_cancelled() throws SQLException {
        try (Statement statement = one.createStatement()) {
            assertThrows(SQLFeatureNotSupportedException.class, statement::cancel);
        }
    }

    /** The row is locked when it is fetched, not before. */
    @Test
    void a_row_lock_is_kept_by_with_rs_only() throws SQLException {
        ask(one, "select v from t where id = 1 for update");
        execute(other, "update t set v = 11 where id = 1");
        other.rollback();
        ask(one, "select v from t where id = 1 for update with rs");
        assertThrows(SQLException.class, () -> execute(other, "update t set v = 11 where id = 1"));
    }

    @Test
    void a_shared_lock_is_had_beside_one_for_update() throws SQLException {
        ask(one, "select v from t where id = 1 for update with rs");
        assertEquals("10", ask(other, "select v from t where id = 1 with rs"));
    }
}
