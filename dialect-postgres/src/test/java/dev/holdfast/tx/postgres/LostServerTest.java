package dev.holdfast.tx.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Reads;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.Facts;
import dev.holdfast.tx.testkit.Sql;
import dev.holdfast.tx.testkit.fault.CountingProxy;
import dev.holdfast.tx.testkit.server.ReplicatedServer;
import dev.holdfast.tx.testkit.server.TestServer;
import java.net.URI;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;

/** A pool all of whose connections have died, and which believes in each of them. */
class LostServerTest {
    private static final String ALIVE = "com.zaxxer.hikari.aliveBypassWindowMs";
    private static final int SIZE = 4;
    private static final int ANY_NUMBER = 1_000_000;

    /** HikariCP takes a connection that was used a moment ago for alive; here, every one. */
    private static HikariDataSource pool(String url) {
        return pool(url, new Semaphore(ANY_NUMBER));
    }

    /** The same, where each that is lent takes a permit, and nobody gives one back. */
    private static HikariDataSource pool(String url, Semaphore permits) {
        String before = System.getProperty(ALIVE);
        System.setProperty(ALIVE, "600000");
        try {
            HikariConfig config = new HikariConfig();
            config.setJdbcUrl(url);
            config.setMaximumPoolSize(SIZE);
            config.setMinimumIdle(0);
            return new HikariDataSource(config) {
                @Override
                public Connection getConnection() throws SQLException {
                    Connection lent = super.getConnection();
                    permits.acquireUninterruptibly();
                    return lent;
                }
            };
        } finally {
            if (before == null) {
                System.clearProperty(ALIVE);
            } else {
                System.setProperty(ALIVE, before);
            }
        }
    }

    /** Opens all of its connections, and does this while nobody else has one of them. */
    private static void fill(HikariDataSource pool, Runnable meanwhile) throws SQLException {
        List<Connection> all = new ArrayList<>();
        for (int i = 0; i < SIZE; i++) {
            all.add(pool.getConnection());
        }
        meanwhile.run();
        for (Connection each : all) {
            each.close();
        }
    }

    @Test
    void oneErrorTellsThatAllConnectionsHaveDied() throws Exception {
        String url = TestServer.postgres(18).find().url();
        URI address = URI.create(url.substring("jdbc:".length()));
        List<TxEvent> events = new ArrayList<>();
        try (CountingProxy proxy = CountingProxy.before(address.getHost(), address.getPort());
                HikariDataSource pool = pool(url.replaceFirst(":[0-9]+/", ":" + proxy.port() + "/"));
                Transactor db = Holdfast.builder(pool).listener(events::add).build()) {
            fill(pool, proxy::cutAll);
            Throwable first = Facts.thrownBy(() -> db.execute(tx -> Sql.ints(tx, "select 1")));
            assertThat(Objects.requireNonNull(db.classify(Objects.requireNonNull(first)))
                            .kind())
                    .isEqualTo(FailureKind.CONNECTION_LOST);
            for (int i = 0; i < 2 * SIZE; i++) {
                assertThat(db.<List<Integer>>transact(TxOptions.none(), tx -> Sql.ints(tx, "select 1")))
                        .containsExactly(1);
            }
            assertThat(dead(events)).as("those that nobody was using").isEqualTo(SIZE - 1);
        }
    }

    private static long dead(List<TxEvent> events) {
        return events.stream()
                .filter(event -> event instanceof TxEvent.Evicted evicted
                        && evicted.why().startsWith("it was dead"))
                .count();
    }

    /** A replica is skipped, and asked again in the background: not once for each connection that has died. */
    @Test
    void oneErrorTellsThatAllConnectionsOfAReplicaHaveDied() throws Exception {
        ReplicatedServer server = ReplicatedServer.postgres(18);
        URI address = URI.create(server.replica().url().substring("jdbc:".length()));
        List<TxEvent> events = new CopyOnWriteArrayList<>();
        TxOptions reading = TxOptions.none().readOnly().reads(Reads.replica());
        Semaphore permits = new Semaphore(ANY_NUMBER);
        try (CountingProxy proxy = CountingProxy.before(address.getHost(), address.getPort());
                HikariDataSource pool =
                        pool(server.replica().url().replaceFirst(":[0-9]+/", ":" + proxy.port() + "/"), permits);
                Transactor db = Holdfast.builder(server.primary().url())
                        .replica(pool)
                        .listener(events::add)
                        .build()) {
            awaitReplica(db, reading);
            fill(pool, () -> {
                permits.drainPermits();
                permits.release(); // who reads and who asks in the background do not have an error each
                proxy.cutAll();
            });
            db.execute(reading, tx -> Sql.ints(tx, "select 1"));
            permits.release(ANY_NUMBER);
            awaitReplica(db, reading);
            for (int i = 0; i < 2 * SIZE; i++) {
                db.execute(reading, tx -> Sql.ints(tx, "select 1"));
            }
            assertThat(dead(events)).isEqualTo(SIZE - 1);
        }
    }

    private static void awaitReplica(Transactor db, TxOptions reading) {
        ServerTest.await(
                "it reads on the replica",
                () -> db.transact(reading, tx -> Sql.ints(tx, "select count(*) from pg_stat_wal_receiver"))
                        .contains(1));
    }

    @Test
    void aServerThatCannotBeAskedWhetherItTakesWritesIsNotSaidToTakeNone() throws Exception {
        String url = TestServer.postgres(18).find().url();
        URI address = URI.create(url.substring("jdbc:".length()));
        List<TxEvent> events = new ArrayList<>();
        try (CountingProxy proxy = CountingProxy.before(address.getHost(), address.getPort());
                HikariDataSource pool = pool(url.replaceFirst(":[0-9]+/", ":" + proxy.port() + "/"));
                Transactor db = Holdfast.builder(pool).listener(events::add).build()) {
            Throwable refused = Facts.thrownBy(() -> db.execute(tx -> {
                Sql.update(tx, "set local transaction_read_only = on");
                try {
                    Sql.update(tx, "create table lost_server (id int)");
                } finally {
                    proxy.cutAtPacket(2); // after ROLLBACK
                }
            }));
            assertThat(Objects.requireNonNull(db.classify(Objects.requireNonNull(refused)))
                            .kind())
                    .isEqualTo(FailureKind.READ_ONLY);
            assertThat(proxy.losses()).isEqualTo(1);
            assertThat(events)
                    .filteredOn(TxEvent.Evicted.class::isInstance)
                    .extracting(event -> ((TxEvent.Evicted) event).why())
                    .containsExactly("its server did not tell whether it takes writes");
        }
    }
}
