package dev.holdfast.tx.mysql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.ConnectionScope;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.mysql.MysqlUnderTest.Texts;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.testkit.Sql;
import dev.holdfast.tx.testkit.server.TestServer;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.FieldSource;

/** What MySQL and MariaDB do behind one's back, on each server, by each driver, on each kind of pool. */
@ParameterizedClass
@FieldSource("BEDS")
class TrapsOnServerTest {
    static final List<Arguments> BEDS = Stream.of(Servers.mysql(), Servers.mariadb())
            .flatMap(server -> Stream.of(JdbcDriver.values())
                    .flatMap(driver -> Stream.of(Texts.values())
                            .flatMap(texts -> Stream.of(Autocommit.values())
                                    .map(autocommit -> Arguments.of(server, driver, texts, autocommit)))))
            .toList();

    /** What they do, by their names. */
    private static final Map<String, String> PROCEDURES = Map.of(
            "trap_commits",
            "commit;",
            "trap_fails",
            "commit; signal sqlstate '45000' set message_text = 'planned';",
            "trap_only_fails",
            "signal sqlstate '45000' set message_text = 'planned';",
            "trap_kills",
            "commit; kill connection_id();",
            "trap_writes",
            "insert into trap values (5, 0);",
            "trap_commits_and_goes_on",
            "commit; insert into trap values (5, 0);");

    private final MysqlUnderTest database;
    private final Texts texts;
    private final Autocommit autocommit;
    private Transactor db;
    private HikariDataSource pool;
    private Connection observer;

    TrapsOnServerTest(TestServer server, JdbcDriver driver, Texts texts, Autocommit autocommit) {
        this.database = new MysqlUnderTest(server, driver, texts);
        this.texts = texts;
        this.autocommit = autocommit;
    }

    @BeforeEach
    void connect() throws SQLException {
        observer = database.sessions().getConnection();
        observe("drop table if exists trap");
        observe("create table trap (id int primary key, v int)");
        for (Map.Entry<String, String> procedure : PROCEDURES.entrySet()) {
            observe("drop procedure if exists " + procedure.getKey());
            observe("create procedure " + procedure.getKey() + "() begin " + procedure.getValue() + " end");
        }
        HikariConfig config = new HikariConfig();
        config.setDataSource(database.sessions());
        config.setMaximumPoolSize(1);
        config.setAutoCommit(autocommit == Autocommit.ON);
        pool = new HikariDataSource(config);
        db = Holdfast.builder(pool).dialect(new MysqlDialect()).build();
    }

    @AfterEach
    void disconnect() throws SQLException {
        db.close();
        pool.close();
        observe("drop table trap");
        observe("drop table if exists trap_made");
        for (String procedure : PROCEDURES.keySet()) {
            observe("drop procedure " + procedure);
        }
        observer.close();
    }

    private void observe(String sql) throws SQLException {
        try (Statement statement = observer.createStatement()) {
            statement.execute(sql);
        }
    }

    private List<Integer> ids() throws SQLException {
        List<Integer> ids = new ArrayList<>();
        try (Statement statement = observer.createStatement();
                var rows = statement.executeQuery("select id from trap order by id")) {
            while (rows.next()) {
                ids.add(rows.getInt(1));
            }
        }
        return ids;
    }

    private static void execute(ConnectionScope scope, String sql) throws SQLException {
        scope.<@Nullable Void>withConnection(connection -> {
            try (Statement statement = connection.createStatement()) {
                statement.execute(sql);
            }
            return null;
        });
    }

    @Test
    void a_statement_that_commits_by_itself_is_noticed_and_named_and_nothing_runs_after_it() throws Exception {
        assertThatThrownBy(() -> db.execute(tx -> {
                    execute(tx, "insert into trap values (1, 0)");
                    execute(tx, "analyze table trap");
                    assertThat(catchThrowable(() -> execute(tx, "insert into trap values (2, 0)")))
                            .hasCauseInstanceOf(TxStateException.class);
                }))
                .isInstanceOf(TxOutcomeUnknownException.class)
                .hasMessageContaining("analyze table trap");
        assertThat(ids()).containsExactly(1);
    }

    @Test
    void a_procedure_that_commits_is_noticed() throws Exception {
        assertThatThrownBy(() -> db.execute(tx -> {
                    execute(tx, "insert into trap values (1, 0)");
                    execute(tx, "call trap_commits()");
                    assertThat(catchThrowable(() -> execute(tx, "insert into trap values (2, 0)")))
                            .hasCauseInstanceOf(TxStateException.class);
                }))
                .isInstanceOf(TxOutcomeUnknownException.class)
                .hasMessageContaining("call trap_commits");
        assertThat(ids()).containsExactly(1);
    }

    @Test
    void a_procedure_that_commits_and_then_fails_is_noticed_and_nothing_runs_after_it() throws Exception {
        assertThatThrownBy(() -> db.execute(tx -> {
                    execute(tx, "insert into trap values (1, 0)");
                    assertThat(catchThrowable(() -> execute(tx, "call trap_fails()")))
                            .isInstanceOf(SQLException.class)
                            .hasMessageContaining("planned");
                    assertThat(catchThrowable(() -> execute(tx, "insert into trap values (2, 0)")))
                            .hasCauseInstanceOf(TxStateException.class);
                }))
                .isInstanceOf(TxOutcomeUnknownException.class)
                .hasMessageContaining("call trap_fails");
        assertThat(ids()).containsExactly(1);
    }

    @Test
    void a_procedure_that_only_fails_leaves_the_transaction_open() throws Exception {
        db.execute(tx -> {
            execute(tx, "insert into trap values (1, 0)");
            assertThat(catchThrowable(() -> execute(tx, "call trap_only_fails()")))
                    .isInstanceOf(SQLException.class)
                    .hasMessageContaining("planned");
            execute(tx, "insert into trap values (2, 0)");
        });
        assertThat(ids()).containsExactly(1, 2);
    }

    @Test
    void a_procedure_that_commits_and_loses_its_connection_makes_the_outcome_unknown() throws Exception {
        List<Outcome> outcomes = new ArrayList<>();
        Throwable thrown = catchThrowable(() -> db.execute(tx -> {
            tx.afterCompletion(outcomes::add);
            execute(tx, "insert into trap values (1, 0)");
            execute(tx, "call trap_kills()");
        }));
        assertThat(thrown).isInstanceOf(SQLException.class);
        assertThat(outcomes).singleElement().isInstanceOf(Outcome.Unknown.class);
        assertThat(ids()).containsExactly(1);
    }

    @Test
    void a_batch_in_which_a_definition_is_followed_by_a_procedure_is_noticed() throws Exception {
        assertThatThrownBy(() -> db.execute(tx -> {
                    execute(tx, "insert into trap values (1, 0)");
                    tx.<@Nullable Void>withConnection(connection -> {
                        try (Statement statement = connection.createStatement()) {
                            statement.addBatch("create table if not exists trap_made (id int)");
                            statement.addBatch("call trap_writes()");
                            statement.executeBatch();
                        }
                        return null;
                    });
                    assertThat(catchThrowable(() -> execute(tx, "insert into trap values (2, 0)")))
                            .hasCauseInstanceOf(TxStateException.class);
                }))
                .isInstanceOf(TxOutcomeUnknownException.class)
                .hasMessageContaining("create table");
    }

    @Test
    void a_procedure_that_commits_and_goes_on_is_found_when_the_body_fails() throws Exception {
        List<Outcome> outcomes = new ArrayList<>();
        Throwable thrown = catchThrowable(() -> db.execute(TxOptions.none().lockTimeout(Duration.ofSeconds(7)), tx -> {
            tx.afterCompletion(outcomes::add);
            execute(tx, "insert into trap values (1, 0)");
            execute(tx, "call trap_commits_and_goes_on()");
            throw new IllegalStateException("planned");
        }));
        assertThat(thrown).isInstanceOf(IllegalStateException.class);
        boolean open = autocommit == Autocommit.OFF; // else the driver knows of the end at once
        boolean found = !open || texts == Texts.TOGETHER;
        assertThat(outcomes).singleElement().isInstanceOf(found ? Outcome.Unknown.class : Outcome.RolledBack.class);
        assertThat(ids()).contains(1);
    }

    @Test
    void a_procedure_that_ends_nothing_leaves_a_rollback_one() throws Exception {
        List<Outcome> outcomes = new ArrayList<>();
        Throwable thrown = catchThrowable(() -> db.execute(TxOptions.none().lockTimeout(Duration.ofSeconds(7)), tx -> {
            tx.afterCompletion(outcomes::add);
            execute(tx, "call trap_writes()");
            throw new IllegalStateException("planned");
        }));
        assertThat(thrown).isInstanceOf(IllegalStateException.class);
        assertThat(outcomes).singleElement().isInstanceOf(Outcome.RolledBack.class);
        assertThat(ids()).isEmpty();
    }

    @Test
    void each_of_several_locks_has_its_own_limit() throws Exception {
        observe("insert into trap values (1, 0)");
        String template = "select @@innodb_lock_wait_timeout from trap {table-lock} where id = 1 {row-lock}";
        db.execute(tx -> {
            int usual = Sql.ints(tx, "select @@innodb_lock_wait_timeout").get(0);
            String one = tx.lock(RowLock.forUpdate().waitAtMost(Duration.ofSeconds(1)), template);
            String thirty = tx.lock(RowLock.forUpdate().waitAtMost(Duration.ofSeconds(30)), template);
            String unlimited = tx.lock(RowLock.forUpdate(), template);
            assertThat(List.of(one, thirty, unlimited)).doesNotHaveDuplicates();
            if (database.name().startsWith("MySQL")) { // elsewhere the limit is a word of the lock
                assertThat(Sql.ints(tx, one)).containsExactly(1);
                assertThat(Sql.ints(tx, thirty)).containsExactly(30);
            }
            assertThat(Sql.ints(tx, unlimited)).containsExactly(usual);
        });
    }

    @Test
    void a_temporary_table_leaves_the_transaction_open() throws Exception {
        assertThatThrownBy(() -> db.execute(tx -> {
                    execute(tx, "insert into trap values (1, 0)");
                    execute(tx, "create temporary table trap_t (id int)");
                    execute(tx, "insert into trap values (2, 0)");
                    execute(tx, "drop temporary table trap_t");
                    throw new IllegalStateException("planned");
                }))
                .isInstanceOf(IllegalStateException.class);
        assertThat(ids()).isEmpty();
    }

    @Test
    void texts_that_would_end_the_transaction_are_not_sent() throws Exception {
        db.execute(tx -> {
            execute(tx, "insert into trap values (1, 0)");
            for (String text : List.of(
                    "set @@autocommit = 1",
                    "/*! commit */",
                    "set session autocommit = 1",
                    "insert into trap values (9, 0); commit",
                    "begin")) {
                assertThat(catchThrowable(() -> execute(tx, text))).hasCauseInstanceOf(TxStateException.class);
            }
            tx.setRollbackOnly("it is still open");
        });
        assertThat(ids()).isEmpty();
    }

    @Test
    void a_read_only_transaction_without_a_statement_does_not_reach_the_next() throws Exception {
        db.execute(TxOptions.of(Isolation.SERIALIZABLE).readOnly(), tx -> {
            tx.open();
        });
        db.execute(TxOptions.none().readOnly().forceRollback(), tx -> {
            tx.open();
        });
        db.execute(tx -> execute(tx, "insert into trap values (1, 0)"));
        assertThat(ids()).containsExactly(1);
    }

    @Test
    void what_defines_something_is_not_sent_in_a_read_only_transaction() {
        db.execute(
                TxOptions.none().readOnly(),
                tx -> assertThat(catchThrowable(() -> execute(tx, "truncate table trap")))
                        .hasCauseInstanceOf(TxStateException.class)
                        .hasMessageContaining("READ_ONLY"));
    }

    @Test
    void a_transaction_whose_first_statement_failed_keeps_no_lock_when_it_is_over() throws Exception {
        observe("insert into trap values (1, 0)");
        db.execute(tx -> assertThat(catchThrowable(() -> execute(tx, "insert into trap values (1, 0)")))
                .isInstanceOf(SQLException.class));
        try (Transactor other = Holdfast.builder(database.sessions())
                .dialect(new MysqlDialect())
                .build()) {
            other.execute(tx -> assertThat(Sql.ints(
                            tx,
                            tx.lock(
                                    RowLock.forUpdate().noWait(),
                                    "select id from trap {table-lock} where id = 1 {row-lock}")))
                    .containsExactly(1));
        }
    }

    @Test
    void limits_are_put_back_however_the_transaction_ends() throws Exception {
        TxOptions limited = TxOptions.none().lockTimeout(Duration.ofSeconds(7)).statementTimeout(Duration.ofSeconds(9));
        List<Integer> before = limits();
        db.execute(limited, tx -> assertThat(limits(tx)).contains(7).isNotEqualTo(before));
        assertThat(limits()).isEqualTo(before);
        db.execute(limited.forceRollback(), tx -> execute(tx, "insert into trap values (1, 0)"));
        assertThat(limits()).isEqualTo(before);
    }

    private List<Integer> limits() {
        return db.<List<Integer>>transact(TrapsOnServerTest::limits);
    }

    private static List<Integer> limits(ConnectionScope scope) throws SQLException {
        List<Integer> limits = new ArrayList<>(Sql.ints(scope, "select @@innodb_lock_wait_timeout"));
        limits.addAll(Sql.ints(scope, "select @@lock_wait_timeout"));
        return limits;
    }

    @Test
    void read_committed_joins_the_default_level() throws Exception {
        db.execute(tx -> {
            execute(tx, "insert into trap values (1, 0)");
            db.execute(
                    TxOptions.of(Isolation.READ_COMMITTED), inner -> execute(inner, "insert into trap values (2, 0)"));
        });
        assertThat(ids()).containsExactly(1, 2);
    }

    @Test
    void a_consistent_snapshot_is_taken_when_the_transaction_begins() throws Exception {
        db.execute(TxOptions.none().with(MysqlOptions.CONSISTENT_SNAPSHOT, true), tx -> {
            tx.open();
            observe("insert into trap values (1, 0)");
            assertThat(Sql.ints(tx, "select id from trap")).isEmpty();
        });
        db.execute(TxOptions.of(Isolation.REPEATABLE_READ), tx -> {
            tx.open();
            observe("insert into trap values (2, 0)");
            assertThat(Sql.ints(tx, "select id from trap"))
                    .as("at its first read")
                    .containsExactly(1, 2);
        });
    }

    @Test
    void a_savepoint_from_before_a_commit_tells_of_it() {
        assertThatThrownBy(() -> db.execute(tx -> tx.executeNested(inner -> execute(inner, "call trap_commits()"))))
                .isInstanceOf(TxOutcomeUnknownException.class);
    }

    @Test
    void a_body_that_lets_the_refusal_pass_hears_of_the_commit() throws Exception {
        assertThatThrownBy(() -> db.execute(tx -> {
                    execute(tx, "insert into trap values (1, 0)");
                    execute(tx, "/*! call */ trap_commits()");
                    execute(tx, "insert into trap values (2, 0)");
                }))
                .isInstanceOf(SQLException.class)
                .hasMessageContaining("behind Holdfast's back");
        assertThat(ids()).containsExactly(1);
    }
}
