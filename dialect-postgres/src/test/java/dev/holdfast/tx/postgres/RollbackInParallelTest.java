package dev.holdfast.tx.postgres;

import static dev.holdfast.tx.testkit.Sql.insert;
import static dev.holdfast.tx.testkit.Sql.ints;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.Patience;
import dev.holdfast.tx.testkit.Threads;
import dev.holdfast.tx.testkit.fixture.RollbackFixture;
import dev.holdfast.tx.testkit.junit.RollbackExtension;
import dev.holdfast.tx.testkit.server.ServerUrl;
import dev.holdfast.tx.testkit.server.TestServer;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;

/** Tests that run at the same time, with a fixture and a connection each; they are run here. */
class RollbackInParallelTest {
    private static final String TABLE = "rollback_in_parallel";
    private static final String ALL = "select id from " + TABLE + " order by id";

    private static Transactor db;

    @BeforeAll
    static void open() throws SQLException {
        ServerUrl server = TestServer.postgres(18).find();
        db = Holdfast.connect(server.url(), server.user(), server.password());
        run("drop table if exists " + TABLE);
        run("create table " + TABLE + " (id int primary key, v int)");
    }

    @AfterAll
    static void close() throws SQLException {
        run("drop table " + TABLE);
        db.close();
    }

    private static void run(String sql) throws SQLException {
        db.withConnection(connection -> {
            try (Statement statement = connection.createStatement()) {
                return statement.execute(sql);
            }
        });
    }

    @Execution(ExecutionMode.CONCURRENT)
    static class TwoAtOnce {
        @RegisterExtension
        static final RollbackExtension ROLLBACK = RollbackExtension.on(() -> db);

        private static final Transactor APP = ROLLBACK.transactor();
        private static final CyclicBarrier BOTH = new CyclicBarrier(2);

        private static void meet() throws Exception {
            BOTH.await(Patience.step().toMillis(), TimeUnit.MILLISECONDS);
        }

        private static void worksAlone(RollbackFixture fixture, int number) throws Exception {
            insert(APP, TABLE, number);
            meet();
            assertThat(ints(APP, ALL)).containsExactly(number);
            Threads.run(() -> assertThatThrownBy(() -> insert(APP, TABLE, number + 10))
                            .isInstanceOf(TxStateException.class)
                            .hasMessageContaining("2 tests have a fixture open"))
                    .get();
            Threads.run(() -> insert(fixture.transactor(), TABLE, number + 20)).get();
            assertThat(ints(APP, ALL)).containsExactly(number, number + 20);
            meet();
        }

        @Test
        void first(RollbackFixture fixture) throws Exception {
            worksAlone(fixture, 1);
        }

        @Test
        void second(RollbackFixture fixture) throws Exception {
            worksAlone(fixture, 2);
        }
    }

    @Test
    void tests_at_the_same_time_see_nothing_of_each_other_and_unknown_threads_are_refused() throws SQLException {
        SummaryGeneratingListener listener = new SummaryGeneratingListener();
        LauncherFactory.create()
                .execute(
                        LauncherDiscoveryRequestBuilder.request()
                                .selectors(selectClass(TwoAtOnce.class))
                                .configurationParameter("junit.jupiter.execution.parallel.enabled", "true")
                                .configurationParameter(
                                        "junit.jupiter.execution.parallel.config.executor-service", "FORK_JOIN_POOL")
                                .configurationParameter("junit.jupiter.execution.parallel.config.strategy", "fixed")
                                .configurationParameter(
                                        "junit.jupiter.execution.parallel.config.fixed.parallelism", "2")
                                .build(),
                        listener);
        assertThat(listener.getSummary().getFailures())
                .extracting(failure -> failure.getException())
                .isEmpty();
        assertThat(listener.getSummary().getTestsSucceededCount()).isEqualTo(2);
        assertThat(ints(db, ALL)).isEmpty();
    }
}
