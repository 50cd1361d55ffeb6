package dev.holdfast.tx.postgres;

import static dev.holdfast.tx.postgres.ServerTest.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.Reads;
import dev.holdfast.tx.ReplicaPolicy.Fallback;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxEvent.Routed.Reason;
import dev.holdfast.tx.TxEvent.Routed.Why;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.DriverSessions;
import dev.holdfast.tx.testkit.fault.CountingProxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A real standby dies, falls silent or is cut off while it is used. */
class LostReplicasOnServerTest extends ReplicatedServerTest {
    @Test
    void aReplicaThatDiedIsSkippedWithoutTheCallerNoticing_andComesBack() {
        CountingProxy relay = relay(server.replica());
        Transactor db = db(QUICK, by(relay, server.replica()));
        assertThat(db.<Boolean>transact(ANY, ReplicatedServerTest::isOnReplica)).isTrue();
        relay.goDown();
        assertThat(db.<Boolean>transact(ANY, ReplicatedServerTest::isOnReplica)).isFalse();
        assertThat(routes()).last().isEqualTo(Why.NONE_HEALTHY);
        relay.comeUp();
        awaitOnReplica(db, ANY);
    }

    @Test
    void oneThatDoesNotAnswerIsLeftOutAfterOneCall() throws Exception {
        CountingProxy relay = relay(server.replica());
        Transactor db =
                db(ONLY_ON_USE, by(relay, server.replica()), server.replica().url());
        for (int i = 0; i < 4; i++) {
            assertThat(db.<Boolean>transact(ANY, ReplicatedServerTest::isOnReplica))
                    .isTrue();
        }
        relay.freeze();
        for (int i = 0; i < 6; i++) {
            assertThat(db.<Boolean>transact(ANY, ReplicatedServerTest::isOnReplica))
                    .isTrue();
        }
        relay.thaw();
        assertThat(skipped()).isEqualTo(1);
    }

    /** Bounded, because a replica that is not asked would be waited for without end. */
    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void theLabelIsShownThere_andWhereThereIsNoneAReplicaThatDoesNotAnswerIsStillSkipped() throws Exception {
        TxOptions shown = ANY.with(PostgresOptions.LABEL_AS_APPLICATION_NAME, true);
        String named = "(select 1 where pg_is_in_recovery() and current_setting('application_name') = 'report') r";
        CountingProxy relay = relay(server.replica());
        Transactor db =
                db(ONLY_ON_USE, by(relay, server.replica()), server.replica().url());
        for (int i = 0; i < 4; i++) {
            assertThat(db.<Integer>transact(shown.label("report"), tx -> count(tx, named)))
                    .isEqualTo(1);
            assertThat(db.<Integer>transact(shown, tx -> count(tx, named))).isZero();
        }
        relay.freeze();
        for (int i = 0; i < 6; i++) {
            assertThat(db.<Boolean>transact(shown, ReplicatedServerTest::isOnReplica))
                    .isTrue();
        }
        relay.thaw();
        assertThat(skipped()).isEqualTo(1);
    }

    /** The one that takes its place is looked for among those that were not tried yet. */
    @Test
    void eachThatFailsIsToldAsSkippedOnce_alsoWhereTheNextOneIsLostAtTheFirstStatement() throws Exception {
        CountingProxy relay = relay(server.replica());
        CountingProxy second = relay(server.replica());
        Transactor db = db(ONLY_ON_USE, by(relay, server.replica()), by(second, server.replica()));
        relay.goDown();
        db.execute(ANY, tx -> {
            try (PreparedStatement select = tx.connection().prepareStatement("select 1")) {
                second.goDown();
                select.executeQuery().close();
            }
        });
        assertThat(routes()).containsExactly(Why.REPLICA, Why.NONE_HEALTHY);
        assertThat(skipped()).isEqualTo(2);
        assertThat(reasons()).containsExactly(Reason.NOT_BEGUN, Reason.LOST);
    }

    @Test
    void oneThatIsBehindAndPassedOverForThePrimaryIsToldAsSkipped() throws Exception {
        Transactor db = db(
                ONLY_ON_USE.catchUpWithin(Duration.ofMillis(50)),
                server.replica().url());
        server.pause();
        insert(db, 1);
        assertThat(db.<Integer>transact(READ, tx -> count(tx, table))).isEqualTo(1);
        assertThat(routes()).containsExactly(Why.BEHIND);
        assertThat(reasons()).containsExactly(Reason.BEHIND);
    }

    private List<Reason> reasons() {
        synchronized (events) {
            return events.stream()
                    .filter(TxEvent.Routed.class::isInstance)
                    .flatMap(event -> ((TxEvent.Routed) event).skipped().stream())
                    .map(TxEvent.Routed.Skipped::reason)
                    .toList();
        }
    }

    /** Nothing can have been written there. */
    @Test
    void onAReplicaAReadWhoseCommitWasNotAnsweredIsNotUnknown() {
        CountingProxy relay = relay(server.replica());
        AtomicInteger bodies = new AtomicInteger();
        assertThatThrownBy(() -> losesItsFirstCommit(relay, ANY, bodies))
                .isInstanceOf(TxRolledBackException.class)
                .hasMessageContaining("the connection was lost at the commit")
                .satisfies(told -> assertThat(((TxException) told).failure())
                        .isNotNull()
                        .extracting(Failure::kind)
                        .isEqualTo(FailureKind.CONNECTION_LOST));
        assertThat(bodies).hasValue(1);
        assertThat(relay.losses()).isEqualTo(1);
        assertThat(outcomes()).hasSize(1).first().isInstanceOf(Outcome.RolledBack.class);
    }

    @Test
    void andIsDoneAgainWhereAPolicySaysSo() {
        CountingProxy relay = relay(server.replica());
        AtomicInteger bodies = new AtomicInteger();
        losesItsFirstCommit(relay, ANY.retry(RetryPolicy.attempts(2)), bodies);
        assertThat(bodies).hasValue(2);
        assertThat(relay.losses()).isEqualTo(1);
        assertThat(outcomes()).hasSize(2).last().isInstanceOf(Outcome.Committed.class);
    }

    /** Who only intends to read is READ ONLY there, too. */
    @Test
    void soIsOneThatOnlyIntendsToRead() {
        CountingProxy relay = relay(server.replica());
        TxOptions hint = TxOptions.none().readOnlyHint().reads(Reads.replica());
        assertThatThrownBy(() -> losesItsFirstCommit(relay, hint, new AtomicInteger()))
                .isInstanceOf(TxRolledBackException.class);
        assertThat(relay.losses()).isEqualTo(1);
    }

    private void losesItsFirstCommit(CountingProxy relay, TxOptions options, AtomicInteger bodies) {
        try (Transactor db = Holdfast.builder(server.primary().url())
                .replica(quiet(by(relay, server.replica()), true))
                .replicaPolicy(ONLY_ON_USE)
                .listener(events::add)
                .build()) {
            db.execute(options, tx -> {
                boolean there = isOnReplica(tx);
                if (bodies.incrementAndGet() == 1) {
                    assertThat(there).isTrue();
                    tx.beforeCommit(relay::dropReply);
                }
            });
        }
    }

    private List<Outcome> outcomes() {
        synchronized (events) {
            return events.stream()
                    .filter(TxEvent.Ended.class::isInstance)
                    .map(event -> ((TxEvent.Ended) event).outcome())
                    .toList();
        }
    }

    /** A READ ONLY transaction may do more than read there: NOTIFY takes effect at COMMIT. */
    @Test
    void onThePrimaryAReadWhoseCommitWasNotAnsweredIsUnknown_forItMayHaveNotified() throws Exception {
        CountingProxy relay = relay(server.primary());
        Transactor db = Holdfast.connect(by(relay, server.primary()));
        opened.add(db);
        try (Connection listening = DriverSessions.of(
                                server.primary().url(),
                                server.primary().user(),
                                server.primary().password())
                        .getConnection();
                Statement listen = listening.createStatement()) {
            listen.execute("listen " + table);
            assertThatThrownBy(() -> db.execute(READ, tx -> {
                        run(tx, "notify " + table);
                        tx.beforeCommit(relay::dropReply);
                    }))
                    .isInstanceOf(TxOutcomeUnknownException.class);
            assertThat(relay.losses()).isEqualTo(1);
            assertThat(listening.unwrap(org.postgresql.PGConnection.class).getNotifications(20_000))
                    .hasSize(1);
        }
    }

    private int skipped() {
        synchronized (events) {
            return events.stream()
                    .filter(TxEvent.Routed.class::isInstance)
                    .mapToInt(event -> ((TxEvent.Routed) event).skipped().size())
                    .sum();
        }
    }

    /** Up to the answer to the first statement nothing was read: whatever is cut before that is not noticed. */
    @Test
    void oneThatIsCutAtAnyPacketUpToTheFirstAnswerIsSkippedWithoutTheCallerNoticing() throws Exception {
        CountingProxy relay = relay(server.replica());
        try (Transactor db = Holdfast.builder(server.primary().url())
                .replica(quiet(by(relay, server.replica()), true))
                .replicaPolicy(QUICK)
                .listener(events::add)
                .build()) {
            for (int n = 1; n <= 2; n++) {
                int packet = n;
                for (boolean reply : List.of(false, true)) {
                    // again if the cut was met by a question of the background
                    await("the transaction meets the cut at " + (reply ? "reply " : "packet ") + n, () -> {
                        awaitOnReplica(db, ANY);
                        return isSkippedUnnoticed(db, relay, packet, reply);
                    });
                }
            }
        }
    }

    /** Adds on a replica that is cut off; answers whether that was noticed by its route. */
    private boolean isSkippedUnnoticed(Transactor db, CountingProxy relay, int n, boolean reply) {
        int losses = relay.losses();
        if (reply) {
            relay.cutAtReply(n);
        } else {
            relay.cutAtPacket(n);
        }
        db.execute(ANY, tx -> {
            try (PreparedStatement select = tx.connection().prepareStatement("select ?::int + ?::int")) {
                select.setInt(1, 40);
                select.setInt(2, 2);
                try (ResultSet row = select.executeQuery()) {
                    row.next();
                    assertThat(row.getInt(1)).isEqualTo(42);
                }
            }
        });
        assertThat(relay.losses()).as("losses at " + n).isEqualTo(losses + 1);
        List<Why> routes = routes();
        return routes.get(routes.size() - 1) == Why.NONE_HEALTHY;
    }

    /** It holds another connection now, which somebody may have forgotten. */
    @Test
    void aTransactionThatLeftItsReplicaAtTheFirstStatementIsStillWatched() throws Exception {
        CountingProxy relay = relay(server.replica());
        Transactor db = Holdfast.builder(server.primary().url())
                .replica(by(relay, server.replica()))
                .replicaPolicy(ONLY_ON_USE)
                .listener(events::add)
                .warnAfter(Duration.ofSeconds(1))
                .build();
        opened.add(db);
        db.execute(ANY.label("moves"), tx -> {
            try (Statement statement = tx.connection().createStatement()) {
                relay.cutAll();
                statement.executeQuery("select 1").close();
            }
            assertThat(isOnReplica(tx)).isFalse();
            await("it is told to be open too long", () -> openTooLong("moves") == 1);
        });
        assertThat(openTooLong("moves")).isEqualTo(1);
        assertThat(reasons()).containsExactly(Reason.LOST);
    }

    private long openTooLong(String label) {
        synchronized (events) {
            return events.stream()
                    .filter(event -> event instanceof TxEvent.OpenTooLong open && label.equals(open.label()))
                    .count();
        }
    }

    @Test
    void aStatementWhoseLimitHasPassedIsNotExecutedElsewhere() {
        CountingProxy relay = relay(server.replica());
        Transactor db = db(ONLY_ON_USE, by(relay, server.replica()));
        TxOptions limited = ANY.statementTimeout(Duration.ofMillis(200));
        assertThatThrownBy(() -> db.execute(limited, tx -> {
                    try (Statement statement = tx.connection().createStatement()) {
                        relay.freeze();
                        statement.executeQuery("select 1").close();
                    }
                }))
                .hasStackTraceContaining("statementTimeout");
        relay.thaw();
        assertThat(routes()).containsExactly(Why.REPLICA);
    }

    @Test
    void withoutAHealthyReplicaItIsRefusedWherePolicySaysSo() {
        CountingProxy relay = relay(server.replica());
        Transactor db = db(ONLY_ON_USE.fallback(Fallback.REFUSE), by(relay, server.replica()));
        relay.goDown();
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> db.execute(ANY, ReplicatedServerTest::isOnReplica))
                    .isInstanceOf(SQLException.class)
                    .hasCauseInstanceOf(TxException.class)
                    .hasMessageContaining("replica 1")
                    .hasMessageContaining("refuses the primary");
        }
        assertThat(db.<Boolean>transact(ReplicatedServerTest::isOnReplica)).isFalse();
    }
}
