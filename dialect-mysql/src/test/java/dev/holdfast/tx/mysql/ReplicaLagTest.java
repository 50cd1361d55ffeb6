package dev.holdfast.tx.mysql;

import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.ReplicaLag;
import dev.holdfast.tx.testkit.server.ReplicatedServer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** {@link ReplicaLag} on MySQL and MariaDB. */
class ReplicaLagTest {
    @ParameterizedTest
    @EnumSource
    void causalReadsAreNeverStale_othersAre(ReplicasOnServerTest.Product product) throws Exception {
        ReplicatedServer server = product.server();
        ReplicaLag.show(
                server,
                (policy, listener) -> Holdfast.builder(server.primary().url())
                        .replica(server.replica().url())
                        .replicaPolicy(policy)
                        .listener(listener)
                        .build());
    }
}
