package dev.holdfast.tx.postgres;

import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.ReplicaLag;
import dev.holdfast.tx.testkit.server.ReplicatedServer;
import org.junit.jupiter.api.Test;

/** {@link ReplicaLag} on PostgreSQL. */
class ReplicaLagTest {
    @Test
    void causalReadsAreNeverStale_othersAre() throws Exception {
        ReplicatedServer server = ReplicatedServer.postgres(18);
        ReplicaLag.show(
                server,
                (policy, listener) -> Holdfast.builder(server.primary().url())
                        .replica(server.replica().url())
                        .replicaPolicy(policy)
                        .listener(listener)
                        .build());
    }
}
