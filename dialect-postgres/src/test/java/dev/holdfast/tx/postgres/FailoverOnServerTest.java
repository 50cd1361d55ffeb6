package dev.holdfast.tx.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.CommitsInFlight;
import dev.holdfast.tx.testkit.Sql;
import dev.holdfast.tx.testkit.WritersInVain;
import dev.holdfast.tx.testkit.server.FailoverPair;
import dev.holdfast.tx.testkit.server.ServerUrl;
import java.lang.reflect.Proxy;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

/** A name that leads to the primary and, when that has died, to a standby that does not take writes yet. */
class FailoverOnServerTest {
    private static final Duration BOUND = Duration.ofSeconds(60);

    /** Of what the name leads to at the time. */
    private static DataSource sessions(AtomicReference<ServerUrl> name) {
        return (DataSource) Proxy.newProxyInstance(
                FailoverOnServerTest.class.getClassLoader(),
                new Class<?>[] {DataSource.class},
                (proxy, method, arguments) -> switch (method.getName()) {
                    case "getConnection" ->
                        DriverManager.getConnection(name.get().url() + "&options=-c%20synchronous_commit=on");
                    case "getLoginTimeout" -> 0;
                    default -> null;
                });
    }

    private static void insert(Tx tx, int id) throws SQLException {
        Sql.update(tx, "insert into moved values (?)", id);
    }

    private static FailureKind kind(Transactor db, Throwable error) {
        return Objects.requireNonNull(db.classify(error), () -> "no failure behind " + error)
                .kind();
    }

    @Test
    void aWriterThatReachesAStandbyIsTriedAgainElsewhere() throws Exception {
        WritersInVain writers = new WritersInVain();
        List<String> evicted = new CopyOnWriteArrayList<>();
        try (FailoverPair pair = FailoverPair.postgres(18)) {
            AtomicReference<ServerUrl> name = new AtomicReference<>(pair.primary());
            HikariConfig config = new HikariConfig();
            config.setDataSource(sessions(name));
            config.setMaximumPoolSize(2);
            config.setMinimumIdle(0);
            try (HikariDataSource pool = new HikariDataSource(config);
                    Transactor db = Holdfast.builder(pool)
                            .listener(event -> {
                                if (event instanceof TxEvent.Evicted thrownAway) {
                                    evicted.add(thrownAway.why());
                                }
                            })
                            .listener(writers)
                            .build()) {
                db.execute(tx -> Sql.update(tx, "create table moved (id int primary key)"));
                Throwable byTheUser = catchThrowable(() -> db.execute(tx -> {
                    Sql.update(tx, "set local transaction_read_only = on");
                    insert(tx, 1);
                }));
                assertThat(kind(db, byTheUser)).isEqualTo(FailureKind.READ_ONLY);
                assertThat(evicted).isEmpty();

                Throwable lost = catchThrowable(() -> db.execute(tx -> {
                    insert(tx, 1);
                    name.set(pair.replica());
                    pair.killPrimary();
                    insert(tx, 2);
                }));
                assertThat(kind(db, lost)).isIn(FailureKind.CONNECTION_LOST, FailureKind.SERVER_SHUTDOWN);
                evicted.clear();
                writers.untilPromoted(pair, db, "moved");
                assertThat(evicted).first().asString().contains("takes no writes");
            }
        }
    }

    @Test
    void commitsThatTheReplicaHasNotAcknowledgedAreSettled() throws Exception {
        CommitsInFlight commits = new CommitsInFlight();
        try (FailoverPair pair = FailoverPair.postgres(18);
                Transactor db = Holdfast.builder(pair.url())
                        .settleWithin(BOUND)
                        .listener(commits)
                        .build()) {
            System.out.println(pair + ": " + commits.settle(pair, db));
        }
    }
}
