package dev.holdfast.tx.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Propagation;
import dev.holdfast.tx.Reads;
import dev.holdfast.tx.ReplicaPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxEvent.Routed.Why;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRejectedException;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.fault.CountingProxy;
import java.net.URI;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Where transactions go, with a real primary and a real standby, and what that costs. */
class ReplicasOnServerTest extends ReplicatedServerTest {
    @Test
    void whatReadsGoesToTheReplica_andWhatWritesToThePrimary() {
        Transactor db = db();
        assertThat(db.<Boolean>transact(READ, ReplicatedServerTest::isOnReplica))
                .isTrue();
        assertThat(db.<Boolean>transact(TxOptions.none().readOnlyHint(), ReplicatedServerTest::isOnReplica))
                .isTrue();
        assertThat(db.<Boolean>transact(ReplicatedServerTest::isOnReplica)).isFalse();
        assertThat(db.<Boolean>transact(READ.reads(Reads.primary()), ReplicatedServerTest::isOnReplica))
                .isFalse();
        assertThat(routes()).containsExactly(Why.REPLICA, Why.REPLICA, Why.PRIMARY_ASKED);
    }

    @Test
    void scopesInsideStayWhereTheirRootIs() {
        Transactor db = db();
        db.execute(READ, tx -> {
            assertThat(isOnReplica(tx)).isTrue();
            db.execute(READ, inner -> assertThat(isOnReplica(inner)).isTrue());
            tx.executeNested(inner -> assertThat(isOnReplica(inner)).isTrue());
            assertThatThrownBy(() -> db.execute(TxOptions.none().readWrite(), inner -> {}))
                    .isInstanceOf(TxRejectedException.class);
        });
        db.execute(
                TxOptions.none().readOnlyHint(),
                tx -> assertThatThrownBy(() -> db.execute(TxOptions.none().readWrite(), inner -> {}))
                        .isInstanceOf(TxRejectedException.class)
                        .hasMessageContaining("SEPARATE"));
        db.execute(tx -> {
            run(tx, "insert into " + table + " values (1)");
            db.execute(
                    TxOptions.none().readOnlyHint(),
                    inner -> assertThat(isOnReplica(inner)).isFalse());
        });
    }

    @Test
    void aWriteSaysWhereItWasSent() {
        Transactor db = db();
        assertThatThrownBy(() -> db.execute(
                        TxOptions.none().readOnlyHint(), tx -> run(tx, "insert into " + table + " values (1)")))
                .isInstanceOf(SQLException.class)
                .hasMessageContaining("sent to a replica")
                .hasMessageContaining(port(server.replica().url()))
                .hasMessageContaining("READ_WRITE")
                .satisfies(error -> assertThat(kind(db, error)).isEqualTo(FailureKind.READ_ONLY));
        assertThatThrownBy(() ->
                        db.execute(READ.reads(Reads.primary()), tx -> run(tx, "insert into " + table + " values (1)")))
                .hasMessageContaining("sent to the primary");
    }

    private static String port(String url) {
        return ":" + URI.create(url.substring("jdbc:".length())).getPort() + "/";
    }

    @Test
    void whatCannotBeHadThereIsReadFromThePrimary() {
        Transactor db = db();
        assertThat(db.<Boolean>transact(READ.isolation(Isolation.SERIALIZABLE), ReplicatedServerTest::isOnReplica))
                .isFalse();
        assertThat(routes()).containsExactly(Why.NOT_ON_REPLICAS);
    }

    @Test
    void theOneInLeastUseIsTaken() {
        String url = server.replica().url();
        Transactor db =
                db(ONLY_ON_USE.choice(ReplicaPolicy.Choice.LEAST_IN_USE), url, url.replace("localhost", "127.0.0.1"));
        db.execute(ANY, tx -> {
            isOnReplica(tx);
            for (int i = 0; i < 4; i++) {
                db.execute(ANY.propagation(Propagation.SEPARATE), ReplicatedServerTest::isOnReplica);
            }
        });
        List<String> servers = servers();
        assertThat(servers.subList(1, 5)).hasSize(4).allMatch(each -> !each.equals(servers.get(0)));
    }

    @Test
    void eachHasItsTurn() {
        String url = server.replica().url();
        Transactor db = db(ONLY_ON_USE, url, url.replace("localhost", "127.0.0.1"));
        for (int i = 0; i < 6; i++) {
            db.execute(ANY, ReplicatedServerTest::isOnReplica);
        }
        List<String> servers = servers();
        for (int i = 1; i < servers.size(); i++) {
            assertThat(servers.get(i)).isNotEqualTo(servers.get(i - 1));
        }
    }

    private List<String> servers() {
        synchronized (events) {
            return events.stream()
                    .filter(TxEvent.Routed.class::isInstance)
                    .map(event -> ((TxEvent.Routed) event).server())
                    .toList();
        }
    }

    @Test
    void withoutReplicasNothingCostsMore_andWithThemACommitCostsTheSame_andAReadOneMore() {
        CountingProxy relay = relay(server.replica());
        CountingProxy primary = relay(server.primary());
        try (Transactor db = Holdfast.builder(quiet(by(primary, server.primary()), true))
                .replica(quiet(by(relay, server.replica()), true))
                .replicaPolicy(ONLY_ON_USE)
                .build()) {
            for (int i = 0; i < 10; i++) { // prepared on the server
                insert(db, i);
                db.execute(READ, tx -> count(tx, table));
            }
            CountingProxy.Counts before = primary.counts();
            CountingProxy.Counts there = relay.counts();
            db.execute(tx -> run(tx, "update " + table + " set id = 0 where id = 0"));
            assertThat(primary.counts().since(before).roundTrips()).isEqualTo(2);
            db.execute(ANY, tx -> count(tx, table));
            assertThat(primary.counts().since(before).roundTrips()).isEqualTo(2);
            assertThat(relay.counts().since(there).roundTrips()).isEqualTo(3);
        }
    }

    private static @Nullable FailureKind kind(Transactor db, Throwable error) {
        Failure failure = db.classify(error);
        return failure == null ? null : failure.kind();
    }
}
