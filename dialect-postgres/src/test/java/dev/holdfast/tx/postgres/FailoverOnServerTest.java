package dev.holdfast.tx.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.Sql;
import dev.holdfast.tx.testkit.Threads;
import dev.holdfast.tx.testkit.server.FailoverPair;
import dev.holdfast.tx.testkit.server.ServerUrl;
import java.lang.reflect.Proxy;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

/** A name that leads to the primary and, when that has died, to a standby that does not take writes yet. */
class FailoverOnServerTest {
    private static final Duration BOUND = Duration.ofSeconds(60);
    private static final int ATTEMPTS_IN_VAIN = 3;

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
        CountDownLatch inVain = new CountDownLatch(ATTEMPTS_IN_VAIN);
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
                                } else if (event instanceof TxEvent.Retrying retrying
                                        && retrying.failure().kind() == FailureKind.NOT_PRIMARY) {
                                    inVain.countDown();
                                }
                            })
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
                Throwable refused = catchThrowable(() -> db.execute(tx -> insert(tx, 3)));
                assertThat(kind(db, refused)).as(refused.toString()).isEqualTo(FailureKind.NOT_PRIMARY);
                assertThat(evicted).hasSize(2).last().asString().contains("takes no writes");

                RetryPolicy again = RetryPolicy.attempts(10_000)
                        .backoff(Duration.ofMillis(1), Duration.ofMillis(20))
                        .deadline(BOUND);
                CompletableFuture<?> verifiable = Threads.run(
                        () -> db.execute(TxOptions.none().verifiable().retry(again), tx -> insert(tx, 4)));
                CompletableFuture<?> plain =
                        Threads.run(() -> db.execute(TxOptions.none().retry(again), tx -> insert(tx, 5)));
                assertThat(inVain.await(BOUND.toSeconds(), TimeUnit.SECONDS)).isTrue();
                pair.promote();
                verifiable.get(BOUND.toSeconds(), TimeUnit.SECONDS);
                plain.get(BOUND.toSeconds(), TimeUnit.SECONDS);
                assertThat(Sql.ints(db, "select id from moved order by id")).containsExactly(4, 5);
            }
        }
    }
}
