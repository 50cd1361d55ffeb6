package dev.holdfast.tx.mysql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

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
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A primary that dies, and a replica that does not take writes yet. Both are named by one URL. */
class FailoverOnServerTest {
    private static final Duration BOUND = Duration.ofSeconds(60);
    private static final int ATTEMPTS_IN_VAIN = 3;

    enum Product {
        MYSQL {
            @Override
            FailoverPair pair() {
                return FailoverPair.mysql("9");
            }
        },
        MARIADB {
            @Override
            FailoverPair pair() {
                return FailoverPair.mariadb("10.11");
            }
        };

        abstract FailoverPair pair();
    }

    private static void insert(Tx tx, int id) throws SQLException {
        Sql.update(tx, "insert into moved values (?)", id);
    }

    private static FailureKind kind(Transactor db, Throwable error) {
        return Objects.requireNonNull(db.classify(error), () -> "no failure behind " + error)
                .kind();
    }

    @ParameterizedTest
    @EnumSource
    void aTransactionIsNeverContinuedOnTheReplica_andAWriterWaitsForThePromotion(Product product) throws Exception {
        CountDownLatch inVain = new CountDownLatch(ATTEMPTS_IN_VAIN);
        try (FailoverPair pair = product.pair();
                Transactor db = Holdfast.builder(pair.url())
                        .listener(event -> {
                            if (event instanceof TxEvent.Retrying retrying
                                    && retrying.failure().kind() == FailureKind.NOT_PRIMARY) {
                                inVain.countDown();
                            }
                        })
                        .build()) {
            String markers = Holdfast.markerTable(new MysqlDialect()).orElseThrow();
            db.<Boolean>withConnection(connection -> {
                try (Statement statement = connection.createStatement()) {
                    statement.execute(markers);
                    return statement.execute("create table moved (id int primary key)");
                }
            });

            Throwable told = catchThrowable(() -> db.execute(tx -> {
                insert(tx, 1);
                pair.killPrimary();
                Throwable lost = catchThrowable(() -> insert(tx, 2));
                assertThat(kind(db, lost)).as(lost.toString()).isEqualTo(FailureKind.CONNECTION_LOST);
                assertThat(catchThrowable(() -> Sql.ints(tx, "select id from moved")))
                        .hasMessageContaining("ended the transaction");
            }));
            assertThat(kind(db, told)).isEqualTo(FailureKind.CONNECTION_LOST);

            Throwable refused = catchThrowable(() -> db.execute(tx -> insert(tx, 3)));
            assertThat(kind(db, refused)).as(refused.toString()).isEqualTo(FailureKind.NOT_PRIMARY);
            RetryPolicy again = RetryPolicy.attempts(10_000)
                    .backoff(Duration.ofMillis(1), Duration.ofMillis(20))
                    .deadline(BOUND);
            CompletableFuture<?> verifiable =
                    Threads.run(() -> db.execute(TxOptions.none().verifiable().retry(again), tx -> insert(tx, 4)));
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
