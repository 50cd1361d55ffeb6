package dev.holdfast.tx.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxTimeoutException;
import dev.holdfast.tx.testkit.Sql;
import dev.holdfast.tx.testkit.Threads;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How long answers of a server are waited for: as long as the limit says that is in force, and no other. */
class AnswerTimesOnServerTest {
    private static final TxOptions NONE = TxOptions.none();
    private static final Duration SHORT = Duration.ofSeconds(1);

    /** Each way; an answer comes long after such a limit, and after what a cancel may take. */
    private static final Duration SLOW = Duration.ofSeconds(2);

    private ProxiedPostgres postgres;
    private Transactor db;

    @BeforeEach
    void connect() throws SQLException {
        postgres = new ProxiedPostgres(18);
        db = postgres.transactor();
        db.execute(tx -> Sql.insert(tx, "proxied", 1));
    }

    @AfterEach
    void disconnect() throws SQLException {
        postgres.proxy.thaw();
        postgres.proxy.delay(Duration.ZERO);
        postgres.close();
    }

    /** What is sent in front of the statement is limited as it is. */
    @Test
    void a_lock_before_a_server_that_has_fallen_silent_ends_with_the_limit_of_its_statement() throws Exception {
        CompletableFuture<Throwable> told =
                Threads.supply(() -> catchThrowable(() -> db.execute(NONE.statementTimeout(SHORT), tx -> {
                    Sql.ints(tx, "select 1");
                    String locking = tx.lock(
                            RowLock.forUpdate().waitAtMost(SHORT),
                            "select id from proxied {table-lock} where id = 1 {row-lock}");
                    postgres.proxy.freeze();
                    Sql.ints(tx, locking);
                })));
        assertThat(ServerTest.finished(told))
                .hasStackTraceContaining(TxTimeoutException.class.getName())
                .hasStackTraceContaining("statementTimeout");
    }

    @Test
    void a_COMMIT_after_a_statement_that_failed_is_not_cut_short_by_the_limit_of_that() throws SQLException {
        db.execute(NONE.statementTimeout(SHORT), tx -> {
            Sql.insert(tx, "proxied", 2);
            assertThat(catchThrowable(() -> tx.nested(in -> Sql.update(in, "insert into proxied values (1, 0)"))))
                    .isInstanceOf(SQLException.class);
            postgres.proxy.delay(SLOW);
        });
        assertThat(postgres.ids()).containsExactly(1, 2);
    }

    @Test
    void a_statement_after_a_joined_scope_is_not_cut_short_by_the_limit_of_that() throws SQLException {
        db.execute(tx -> {
            tx.execute(NONE.wholeTimeout(SHORT), in -> Sql.insert(in, "proxied", 2));
            postgres.proxy.delay(SLOW);
            Sql.insert(tx, "proxied", 3);
            postgres.proxy.delay(Duration.ZERO);
        });
        assertThat(postgres.ids()).containsExactly(1, 2, 3);
    }

    @Test
    void a_COMMIT_after_a_nested_scope_is_not_cut_short_by_the_limit_of_that() throws SQLException {
        TxOptions nested = NONE.propagation(Propagation.SAVEPOINT).wholeTimeout(SHORT);
        db.execute(tx -> {
            tx.execute(nested, in -> Sql.insert(in, "proxied", 2));
            postgres.proxy.delay(SLOW);
        });
        assertThat(postgres.ids()).containsExactly(1, 2);
    }
}
