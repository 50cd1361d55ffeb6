package dev.holdfast.tx.mysql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.CommitsInFlight;
import dev.holdfast.tx.testkit.Sql;
import dev.holdfast.tx.testkit.WritersInVain;
import dev.holdfast.tx.testkit.server.FailoverPair;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A primary that dies, and a replica that does not take writes yet. Both are named by one URL. */
class FailoverOnServerTest {
    private static final Duration BOUND = Duration.ofSeconds(60);

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
        WritersInVain writers = new WritersInVain();
        try (FailoverPair pair = product.pair();
                Transactor db = Holdfast.builder(pair.url()).listener(writers).build()) {
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

            writers.untilPromoted(pair, db, "moved");
        }
    }

    @ParameterizedTest
    @EnumSource
    void commitsThatTheReplicaHasNotAcknowledgedAreSettled(Product product) throws Exception {
        CommitsInFlight commits = new CommitsInFlight();
        try (FailoverPair pair = product.pair();
                Transactor db = Holdfast.builder(pair.url())
                        .settleWithin(BOUND)
                        .listener(commits)
                        .build()) {
            String markers = Holdfast.markerTable(new MysqlDialect()).orElseThrow();
            db.<Integer>withConnection(
                    connection -> connection.createStatement().executeUpdate(markers));
            System.out.println(pair + ": " + commits.settle(pair, db));
        }
    }
}
