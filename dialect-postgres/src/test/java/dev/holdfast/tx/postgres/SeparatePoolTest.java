package dev.holdfast.tx.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.ConnectionScope;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRejectedException;
import dev.holdfast.tx.UnmanagedTx;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.DriverSessions;
import dev.holdfast.tx.testkit.Patience;
import dev.holdfast.tx.testkit.Sql;
import dev.holdfast.tx.testkit.Threads;
import dev.holdfast.tx.testkit.server.ServerUrl;
import dev.holdfast.tx.testkit.server.TestServer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A pool of its own for what is started inside a running scope on a connection of its own. */
class SeparatePoolTest {
    private static final TxOptions SEPARATE = TxOptions.none().propagation(Propagation.SEPARATE);
    private static final String MAIN = "hf main";
    private static final String OTHER = "hf separate";

    private final ServerUrl server = TestServer.postgres(18).find();
    private final HikariDataSource main = pool(MAIN, 1);
    private final HikariDataSource other = pool(OTHER, 1);
    private Transactor db;

    @BeforeEach
    void connect() {
        db = Holdfast.builder(main).separatePool(other).build();
    }

    @AfterEach
    void close() {
        db.close();
        other.close();
        main.close();
    }

    private HikariDataSource pool(String name, int size) {
        HikariConfig config = new HikariConfig();
        config.setDataSource(DriverSessions.of(server.url(), server.user(), server.password())
                .with("ApplicationName", name));
        config.setMaximumPoolSize(size);
        config.setConnectionTimeout(Patience.step().toMillis());
        return new HikariDataSource(config);
    }

    /** The name that the sessions of its pool go by. */
    private static String pool(ConnectionScope scope) {
        return scope.withConnection((Connection connection) -> pool(connection));
    }

    private static String pool(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SHOW application_name")) {
            row.next();
            return row.getString(1);
        }
    }

    @Test
    void what_runs_by_itself_takes_the_main_pool() throws SQLException {
        assertThat(db.<String>transact(SeparatePoolTest::pool)).isEqualTo(MAIN);
        assertThat(db.<String>transact(SEPARATE, SeparatePoolTest::pool)).isEqualTo(MAIN);
        assertThat(db.<String>withConnection(SeparatePoolTest::pool)).isEqualTo(MAIN);
        try (UnmanagedTx begun = db.begin()) {
            assertThat(pool(begun)).isEqualTo(MAIN);
        }
    }

    @Test
    void what_is_started_inside_on_a_connection_of_its_own_takes_the_separate_pool() {
        db.execute(tx -> {
            assertThat(pool(tx)).isEqualTo(MAIN);
            assertThat(db.<String>transact(SEPARATE, SeparatePoolTest::pool)).isEqualTo(OTHER);
            assertThat(tx.<String>transact(SEPARATE, SeparatePoolTest::pool)).isEqualTo(OTHER);
            assertThat(db.<String>outside(() -> db.transact(SeparatePoolTest::pool)))
                    .isEqualTo(OTHER);
            assertThat(db.<String>outside(() -> db.withConnection(SeparatePoolTest::pool)))
                    .isEqualTo(OTHER);
            try (UnmanagedTx begun = db.begin()) {
                assertThat(pool(begun)).isEqualTo(OTHER);
            }
            assertThat(db.<String>transact(SeparatePoolTest::pool)).isEqualTo(MAIN); // it joins
        });
    }

    @Test
    void a_transaction_inside_a_loan_takes_the_separate_pool() {
        db.withConnection(lent -> {
            assertThat(pool(lent)).isEqualTo(MAIN);
            return assertThat(db.<String>transact(SeparatePoolTest::pool)).isEqualTo(OTHER);
        });
    }

    @Test
    void a_hook_after_the_commit_is_not_inside_and_takes_the_main_pool() {
        AtomicReference<String> seen = new AtomicReference<>();
        db.execute(tx -> {
            pool(tx);
            tx.afterCommit(() -> seen.set(db.transact(SEPARATE, SeparatePoolTest::pool)));
        });
        assertThat(seen).hasValue(MAIN);
    }

    @Test
    void a_scope_inside_a_separate_one_that_would_wait_for_it_is_refused_with_who_holds_what() {
        db.execute(tx -> {
            pool(tx);
            db.execute(SEPARATE, inner -> {
                pool(inner);
                assertThatThrownBy(() -> db.execute(SEPARATE, innermost -> Sql.ints(innermost, "SELECT 1")))
                        .hasCauseInstanceOf(TxRejectedException.class)
                        .hasMessageContaining("hold 1 of the pool's 1 connection(s)");
            });
        });
    }

    @Test
    void callers_that_hold_the_whole_main_pool_do_not_wait_for_each_other() throws Exception {
        int callers = 4;
        try (HikariDataSource four = pool(MAIN, callers);
                Transactor many = Holdfast.builder(four).separatePool(other).build()) {
            CyclicBarrier allHoldOne = new CyclicBarrier(callers);
            List<CompletableFuture<String>> each = new ArrayList<>();
            for (int i = 0; i < callers; i++) {
                each.add(Threads.supply(() -> many.transact(tx -> {
                    pool(tx);
                    await(allHoldOne);
                    return many.transact(SEPARATE, SeparatePoolTest::pool);
                })));
            }
            for (CompletableFuture<String> one : each) {
                assertThat(one.get(Patience.step().toSeconds(), TimeUnit.SECONDS))
                        .isEqualTo(OTHER);
            }
        }
    }

    private static void await(CyclicBarrier barrier) throws Exception {
        barrier.await(Patience.step().toSeconds(), TimeUnit.SECONDS);
    }

    @Test
    void one_that_is_opened_for_the_URL_is_closed_with_the_transactor() throws Exception {
        String name = "hf opened";
        String url = server.url() + (server.url().contains("?") ? "&" : "?") + "ApplicationName=hf%20opened";
        Transactor own = Holdfast.builder(url)
                .credentials(server.user(), server.password())
                .separatePool(1)
                .build();
        try (own) {
            own.execute(tx -> {
                int session = Sql.ints(tx, "SELECT pg_backend_pid()").get(0);
                assertThat(own.<Integer>transact(
                                SEPARATE,
                                inner -> Sql.ints(inner, "SELECT pg_backend_pid()")
                                        .get(0)))
                        .isNotEqualTo(session);
                own.execute(SEPARATE, inner -> {
                    Sql.ints(inner, "SELECT 1");
                    assertThatThrownBy(() -> own.execute(SEPARATE, third -> Sql.ints(third, "SELECT 1")))
                            .hasMessageContaining("hold 1 of the pool's 1 connection(s)");
                });
            });
        }
        ServerTest.await("its sessions are gone", () -> sessions(name) == 0);
    }

    private int sessions(String name) {
        return db.<Integer>transact(
                tx -> Sql.ints(tx, "SELECT count(*)::int FROM pg_stat_activity WHERE application_name = '" + name + "'")
                        .get(0));
    }

    @Test
    void what_makes_no_sense_is_refused() {
        assertThatThrownBy(() -> Holdfast.builder(server.url()).separatePool(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("not 0");
        assertThatThrownBy(() -> Holdfast.builder(main).separatePool(1))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("second one");
    }
}
