package dev.holdfast.tx.postgres;

import static dev.holdfast.tx.postgres.ServerTest.BOUND;
import static dev.holdfast.tx.postgres.ServerTest.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.CausalToken;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.Reads;
import dev.holdfast.tx.ReplicaPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxEvent.Routed.Why;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.UnmanagedTx;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.fault.CountingProxy;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What is read on a real standby after a commit on its primary. */
class CausalReadsOnServerTest extends ReplicatedServerTest {
    @Test
    void aCausalReadSeesTheLastCommit_andGoesToThePrimaryIfNoReplicaHasSeenItInTime() throws Exception {
        Transactor db = db(
                ReplicaPolicy.standard().catchUpWithin(Duration.ofMillis(50)),
                server.replica().url());
        server.pause();
        insert(db, 1);
        db.execute(READ, tx -> {
            assertThat(count(tx, table)).isEqualTo(1);
            assertThat(isOnReplica(tx)).isFalse();
        });
        assertThat(db.<Integer>transact(ANY, tx -> count(tx, table))).isZero();
        server.resume();
        await("the row is on the replica", () -> db.transact(ANY, tx -> count(tx, table)) == 1);
        db.execute(READ, tx -> {
            assertThat(count(tx, table)).isEqualTo(1);
            assertThat(isOnReplica(tx)).isTrue();
        });
        assertThat(routes().get(0)).isEqualTo(Why.BEHIND);
    }

    @Test
    void aCausalReadWaitsForTheReplica() throws Exception {
        Transactor db = db(
                ReplicaPolicy.standard().catchUpWithin(BOUND), server.replica().url());
        for (int id = 1; id <= 20; id++) {
            insert(db, id);
            int rows = id;
            db.execute(READ, tx -> {
                assertThat(isOnReplica(tx)).isTrue();
                assertThat(count(tx, table)).isEqualTo(rows);
            });
        }
    }

    @Test
    void whatWasCommittedOutsideOfTransactionsIsSeen() throws Exception {
        Transactor db = db(
                ReplicaPolicy.standard().catchUpWithin(Duration.ofMillis(50)),
                server.replica().url());
        server.pause();
        db.<Boolean>withConnection(connection -> {
            try (Statement statement = connection.createStatement()) {
                statement.execute("insert into " + table + " values (1)");
            }
            assertThat(db.outside(() -> db.<Integer>transact(READ, tx -> count(tx, table))))
                    .isEqualTo(1);
            return true;
        });
        assertThat(db.<Integer>transact(READ, tx -> count(tx, table))).isEqualTo(1);
    }

    @Test
    void aTokenTravelsAsText() throws Exception {
        Transactor writer = Holdfast.connect(server.primary().url());
        opened.add(writer);
        Transactor reader = db(
                ReplicaPolicy.standard().catchUpWithin(Duration.ofMillis(50)),
                server.replica().url());
        server.pause();
        insert(writer, 1);
        String text = writer.causalToken().toString();
        assertThat(text).startsWith("postgresql:");
        assertThat(reader.<Integer>transact(READ.reads(Reads.causal(new CausalToken(text))), tx -> count(tx, table)))
                .isEqualTo(1);
        assertThat(reader.<Integer>transact(READ, tx -> count(tx, table))).isZero();
        String[] parts = text.split(":", -1);
        for (String bad : List.of(
                "nonsense",
                "mysql:" + parts[1] + ":" + parts[2],
                "postgresql:1:" + parts[2],
                "postgresql:" + parts[1] + ":12",
                "postgresql:" + parts[1] + ":00000001/FFFFFFFF/0",
                "postgresql:" + parts[1] + ":00000002/0/1")) {
            assertThatThrownBy(() ->
                            reader.execute(READ.reads(Reads.causal(new CausalToken(bad))), tx -> count(tx, table)))
                    .as(bad)
                    .satisfies(error -> assertThat(error instanceof TxUnsupportedException
                                    || error.getCause() instanceof TxUnsupportedException)
                            .isTrue())
                    .hasMessageContaining(bad)
                    .hasMessageContaining("PostgreSQL " + major);
        }
        CausalToken own = reader.causalToken();
        insert(reader, 2);
        assertThat(reader.causalToken()).isNotEqualTo(own);
    }

    @Test
    void anOrdinaryUserNeedsNoPrivileges() throws Exception {
        String role = "plain_" + table;
        try (Transactor admin = Holdfast.connect(server.primary().url())) {
            admin.execute(tx -> {
                run(tx, "create role " + role + " login");
                run(tx, "grant all on " + table + " to " + role);
            });
            CausalToken created = admin.causalToken();
            try (Transactor waits = db(
                    ReplicaPolicy.standard().catchUpWithin(BOUND),
                    server.replica().url())) {
                waits.execute(READ.reads(Reads.causal(created)), tx -> count(tx, table));
            }
            try (Transactor db = Holdfast.builder(as(role, server.primary().url()))
                    .replica(as(role, server.replica().url()))
                    .replicaPolicy(ReplicaPolicy.standard().catchUpWithin(BOUND))
                    .build()) {
                insert(db, 1);
                assertThat(db.<Boolean>transact(READ, ReplicatedServerTest::isOnReplica))
                        .isTrue();
                TxOptions seen = READ.reads(Reads.causal(db.causalToken()));
                assertThat(db.<Integer>transact(seen, tx -> count(tx, table))).isEqualTo(1);
            } finally {
                admin.execute(tx -> {
                    run(tx, "drop owned by " + role);
                    run(tx, "drop role " + role);
                });
            }
        }
    }

    private static String as(String role, String url) {
        return url.replaceFirst("user=[a-z]+", "user=" + role);
    }

    /** Nobody knows whether it is committed: who reads must see it, if it is. A pool that fills itself would take the cut. */
    @Test
    void aCommitWhoseAnswerWasLostIsSeen() throws Exception {
        CountingProxy relay = relay(server.primary());
        Transactor db = Holdfast.builder(quiet(by(relay, server.primary()), true))
                .replica(server.replica().url())
                .replicaPolicy(ReplicaPolicy.standard().catchUpWithin(Duration.ofMillis(50)))
                .build();
        opened.add(db);
        server.pause();
        assertThatThrownBy(() -> db.execute(tx -> {
                    run(tx, "insert into " + table + " values (1)");
                    tx.beforeCommit(relay::dropReply);
                }))
                .isInstanceOf(TxOutcomeUnknownException.class);
        assertThat(relay.losses()).isEqualTo(1);
        assertThat(db.<Integer>transact(READ, tx -> count(tx, table))).isEqualTo(1);
    }

    /** The position that somebody else asked for, while it was not known yet, is one of before. */
    @Test
    void aCommitThatWasSettledIsSeen_alsoIfItWasCarriedOutWhileThatWasAsked() throws Exception {
        CountingProxy relay = relay(server.primary());
        Transactor direct = Holdfast.connect(server.primary().url());
        opened.add(direct);
        direct.execute(tx -> {
            run(
                    tx,
                    "create function wait_" + table + "() returns trigger language plpgsql as"
                            + " 'begin perform pg_advisory_xact_lock(4711); return null; end'");
            run(
                    tx,
                    "create constraint trigger waits after insert on " + table + " deferrable initially deferred"
                            + " for each row execute function wait_" + table + "()");
        });
        Transactor db = Holdfast.builder(by(relay, server.primary()))
                .replica(server.replica().url())
                .replicaPolicy(ReplicaPolicy.standard().catchUpWithin(Duration.ofMillis(50)))
                .listener(events::add)
                .build();
        opened.add(db);
        CompletableFuture<Void> writer;
        try (UnmanagedTx blocking = direct.begin()) {
            count(blocking, "(select pg_advisory_xact_lock(4711)) l");
            writer = CompletableFuture.runAsync(
                    () -> db.execute(
                            TxOptions.none().verifiable(), tx -> run(tx, "insert into " + table + " values (1)")),
                    task -> new Thread(task).start());
            await(
                    "the commit waits",
                    () -> direct.outside(() ->
                                    direct.transact(tx -> count(tx, "pg_locks where objid = 4711 and not granted")))
                            == 1);
            relay.cutAll();
            await("the lost connection is evicted", () -> {
                synchronized (events) {
                    return events.stream().anyMatch(TxEvent.Evicted.class::isInstance);
                }
            });
            awaitOnReplica(db, READ);
            server.pause();
        }
        writer.get(BOUND.toSeconds(), TimeUnit.SECONDS);
        assertThat(db.<Integer>transact(READ, tx -> count(tx, table))).isEqualTo(1);
        direct.execute(tx -> run(tx, "drop function wait_" + table + " cascade"));
    }

    @Test
    void aVerifiableCommitTellsItsPositionToo() throws Exception {
        Transactor db = db(
                ReplicaPolicy.standard().catchUpWithin(Duration.ofMillis(50)),
                server.replica().url());
        server.pause();
        db.execute(TxOptions.none().verifiable(), tx -> run(tx, "insert into " + table + " values (1)"));
        assertThat(db.<Integer>transact(READ, tx -> count(tx, table))).isEqualTo(1);
    }

    /** There a question begins a transaction, which must not be the caller's. */
    @Test
    void poolsMayHaveAutocommitOff() throws Exception {
        HikariDataSource primary = quiet(server.primary().url(), false);
        HikariDataSource replica = quiet(server.replica().url(), false);
        TxOptions snapshot = READ.isolation(Isolation.REPEATABLE_READ);
        try (Transactor db = Holdfast.builder(primary)
                .replica(replica)
                .replicaPolicy(ReplicaPolicy.standard().catchUpWithin(BOUND))
                .build()) {
            for (int id = 1; id <= 10; id++) {
                insert(db, id);
                int rows = id;
                for (TxOptions reading : List.of(READ, snapshot)) {
                    db.execute(reading, tx -> {
                        assertThat(count(tx, table)).isEqualTo(rows);
                        assertThat(isOnReplica(tx)).isTrue();
                    });
                }
            }
        }
    }

    @Test
    void stickyReadsStayWithThePrimaryAfterACommit() {
        Transactor db = db();
        TxOptions sticky = READ.reads(Reads.sticky(Duration.ofMinutes(5)));
        assertThat(db.<Boolean>transact(sticky, ReplicatedServerTest::isOnReplica))
                .isTrue();
        insert(db, 1);
        assertThat(db.<Boolean>transact(sticky, ReplicatedServerTest::isOnReplica))
                .isFalse();
        assertThat(db.<Boolean>transact(
                        READ.reads(Reads.sticky(Duration.ofNanos(1))), ReplicatedServerTest::isOnReplica))
                .isTrue();
        assertThat(routes()).containsExactly(Why.REPLICA, Why.STICKY, Why.REPLICA);
    }
}
