package dev.holdfast.samples.guide;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.samples.firstscreen.Accounts;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxEvent.Routed.Why;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.testkit.server.ReplicatedServer;
import java.sql.Statement;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** The examples of the guide to replicas, on a primary and a standby. */
class ReadReplicasTest {
    private static final Duration BOUND = Duration.ofSeconds(20);

    @Test
    void everyExampleSeesWhatItShould() throws Exception {
        ReplicatedServer server = ReplicatedServer.postgres(18);
        ReadReplicas examples = new ReadReplicas();
        try (Transactor db = examples.connect(
                        server.primary().url(), server.replica().url());
                Transactor other = examples.connect(
                        server.primary().url(), server.replica().url())) {
            db.execute(tx -> {
                try (Statement statement = tx.connection().createStatement()) {
                    statement.execute("drop table if exists account");
                    statement.execute("create table account (id int primary key, balance bigint not null)");
                }
                new Accounts(tx).open(1, 1_000);
                new Accounts(tx).open(2, 0);
            });
            server.pause();
            try {
                assertThat(examples.moveAndLook(db, 1, 2)).isEqualTo(900);
                assertThat(examples.tell(db, other, 1, 2)).isEqualTo(800);
            } finally {
                server.resume();
            }
            assertThat(examples.moveAndLook(db, 1, 2)).isEqualTo(700);
            long start = System.nanoTime();
            while (!examples.routes.containsKey(Why.REPLICA)) { // until the replica has come that far
                assertThat(System.nanoTime() - start).isLessThan(BOUND.toNanos());
                db.execute(TxOptions.none().readOnly(), tx -> new Accounts(tx).balance(1));
            }
            assertThat(examples.report(db, 1)).isEqualTo(700);
            assertThat(examples.routes.keySet()).containsExactlyInAnyOrder(Why.BEHIND, Why.REPLICA);
        }
    }
}
