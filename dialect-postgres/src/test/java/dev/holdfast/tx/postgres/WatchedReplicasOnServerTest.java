package dev.holdfast.tx.postgres;

import static dev.holdfast.tx.postgres.ServerTest.BOUND;
import static dev.holdfast.tx.postgres.ServerTest.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.tx.ReplicaPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxEvent.Routed.Why;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.DriverSessions;
import dev.holdfast.tx.testkit.fault.CountingProxy;
import dev.holdfast.tx.testkit.fault.JdbcProxy;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

/** Which standbys are there to be read from: some are not at the start, or not for long. */
class WatchedReplicasOnServerTest extends ReplicatedServerTest {
    @Test
    void oneWhoseFirstConnectionNeverComesIsAskedAgain() {
        CountDownLatch never = new CountDownLatch(1);
        opened.add(never::countDown);
        AtomicInteger taken = new AtomicInteger();
        DataSource real = sessions();
        DataSource stuck = JdbcProxy.of(DataSource.class, "stuck", (self, method, arguments) -> {
            if (method.getName().equals("getConnection") && taken.incrementAndGet() == 1) {
                never.await();
            }
            return JdbcProxy.call(real, method, arguments);
        });
        try (Transactor db = Holdfast.builder(server.primary().url())
                .replica(stuck)
                .replicaPolicy(QUICK)
                .build()) {
            awaitOnReplica(db, ANY);
        }
    }

    private DataSource sessions() {
        return DriverSessions.of(
                server.replica().url(),
                server.replica().user(),
                server.replica().password());
    }

    /** The threads that wait for a connection there count: or all would wait for the same one. */
    @Test
    void theOneInLeastUseIsNotTheOneThatGivesNoConnection() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        opened.add(never::countDown);
        AtomicInteger waiting = new AtomicInteger();
        AtomicInteger elsewhere = new AtomicInteger();
        AtomicBoolean stuck = new AtomicBoolean();
        DataSource real = sessions();
        DataSource slow = JdbcProxy.of(DataSource.class, "slow", (self, method, arguments) -> {
            if (method.getName().equals("getConnection") && stuck.get()) {
                waiting.incrementAndGet();
                never.await();
            }
            return JdbcProxy.call(real, method, arguments);
        });
        DataSource fast = JdbcProxy.of(DataSource.class, "fast", (self, method, arguments) -> {
            if (method.getName().equals("getConnection")) {
                elsewhere.incrementAndGet();
            }
            return JdbcProxy.call(real, method, arguments);
        });
        try (Transactor db = Holdfast.builder(server.primary().url())
                .replica(slow)
                .replica(fast)
                .replicaPolicy(
                        ONLY_ON_USE.choice(ReplicaPolicy.Choice.LEAST_IN_USE).answerWithin(BOUND))
                .build()) {
            stuck.set(true);
            List<CompletableFuture<Boolean>> readers = new ArrayList<>();
            while (waiting.get() == 0) {
                CompletableFuture<Boolean> reader = CompletableFuture.supplyAsync(
                        () -> db.transact(ANY, ReplicatedServerTest::isOnReplica), task -> new Thread(task).start());
                readers.add(reader);
                await("it waits, or has read", () -> reader.isDone() || waiting.get() == 1);
            }
            int before = elsewhere.get();
            for (int i = 0; i < 4; i++) {
                assertThat(db.<Boolean>transact(ANY, ReplicatedServerTest::isOnReplica))
                        .isTrue();
            }
            assertThat(elsewhere.get()).isGreaterThanOrEqualTo(before + 4);
            stuck.set(false);
            never.countDown();
            for (CompletableFuture<Boolean> reader : readers) {
                assertThat(reader.get(BOUND.toSeconds(), TimeUnit.SECONDS)).isTrue();
            }
        }
    }

    @Test
    void anotherKindOfDatabaseIsRefusedWhenTheTransactorIsBuilt() {
        DataSource real = sessions();
        DataSource other = JdbcProxy.of(DataSource.class, "other", (self, method, arguments) -> {
            Object result = JdbcProxy.call(real, method, arguments);
            return result instanceof Connection connection ? ofAnotherKind(connection) : result;
        });
        assertThatThrownBy(() -> Holdfast.builder(server.primary().url())
                        .replica(other)
                        .build()
                        .close())
                .isInstanceOf(TxException.class)
                .hasMessageContaining("replica 1")
                .hasMessageContaining("Nowhere");
    }

    private static Connection ofAnotherKind(Connection connection) {
        return JdbcProxy.of(Connection.class, "other", (self, method, arguments) -> {
            Object result = JdbcProxy.call(connection, method, arguments);
            return result instanceof DatabaseMetaData data
                    ? JdbcProxy.of(
                            DatabaseMetaData.class,
                            "other",
                            (again, asked, given) -> asked.getReturnType() == String.class
                                    ? "Nowhere"
                                    : JdbcProxy.call(data, asked, given))
                    : result;
        });
    }

    @Test
    void oneThatIsDownAtTheStartIsReadFromWhenItAnswers() {
        CountingProxy relay = relay(server.replica());
        relay.goDown();
        Transactor db = db(QUICK, by(relay, server.replica()));
        assertThat(db.<Boolean>transact(ANY, ReplicatedServerTest::isOnReplica)).isFalse();
        relay.comeUp();
        awaitOnReplica(db, ANY);
    }

    @Test
    void aServerThatFollowsNobodyIsLeftOut() {
        Transactor db = db(QUICK, server.primary().url());
        assertThat(db.<Boolean>transact(ANY, ReplicatedServerTest::isOnReplica)).isFalse();
        assertThat(routes()).containsExactly(Why.NONE_HEALTHY);
    }

    @Test
    void theThreadThatAsksEndsWithTheTransactor_andThereIsNoneWithoutReplicas() {
        Transactor without = Holdfast.connect(server.primary().url());
        assertThat(askers()).isZero();
        Transactor db = db(QUICK, server.replica().url());
        assertThat(askers()).isEqualTo(1);
        db.close();
        await("the thread has ended", () -> askers() == 0);
        without.close();
    }

    private static long askers() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("holdfast-replicas"))
                .peek(thread -> assertThat(thread.isDaemon()).isTrue())
                .count();
    }
}
