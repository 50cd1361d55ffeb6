package dev.holdfast.tx.mysql;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.mysql.MysqlUnderTest.Texts;
import dev.holdfast.tx.testkit.Patience;
import dev.holdfast.tx.testkit.Sql;
import dev.holdfast.tx.testkit.Threads;
import dev.holdfast.tx.testkit.server.TestServer;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * MariaDB 11.4 answers some of the updates that it ends, for a limit or a cancel, as if there had been no row to change.
 * Where many want the same rows that is seen within some hundred limits that pass.
 */
@ParameterizedClass
@EnumSource(JdbcDriver.class)
class EndedUntoldOnServerTest {
    private static final int WRITERS = 8;
    private static final int ROWS = 6;
    private static final int TRIES = 500;

    /**
     * What the updates of one writer were told.
     *
     * @param counts of the rows changed, where they are not those that there are
     * @param expired how many limits have passed
     * @param committed how many rows were changed for good
     */
    private record Told(List<Integer> counts, int expired, int committed) {}

    private final MysqlUnderTest database;
    private HikariDataSource pool;
    private Transactor db;

    EndedUntoldOnServerTest(JdbcDriver driver) {
        this.database = new MysqlUnderTest(TestServer.mariadb("11.4"), driver, Texts.TOGETHER);
    }

    @BeforeEach
    void connect() throws SQLException {
        HikariConfig config = new HikariConfig();
        config.setDataSource(database.sessions());
        config.setMaximumPoolSize(WRITERS);
        pool = new HikariDataSource(config);
        db = Holdfast.builder(pool).dialect(new MysqlDialect()).build();
        try (Connection connection = database.sessions().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("drop table if exists wanted");
            statement.execute("create table wanted (id int primary key, n int not null)");
            statement.execute("insert into wanted values (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0)");
        }
    }

    @AfterEach
    void disconnect() throws SQLException {
        db.close();
        pool.close();
        try (Connection connection = database.sessions().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("drop table wanted");
        }
    }

    private Told write(Random random) {
        List<Integer> counts = new ArrayList<>();
        int expired = 0;
        int committed = 0;
        for (int i = 0; i < TRIES; i++) {
            int first = 1 + random.nextInt(ROWS);
            int wanted = ROWS + 1 - first;
            TxOptions limited =
                    TxOptions.none().statementTimeout(Duration.ofNanos(500_000 + random.nextInt(2_000_000)));
            try {
                committed += db.transact(limited, tx -> {
                    int changed = Sql.update(tx, "update wanted set n = n + 1 where id between ? and 100", first);
                    if (changed != wanted) {
                        counts.add(changed);
                    }
                    return changed;
                });
            } catch (Exception e) {
                Failure failure = db.classify(e);
                assertThat(failure).as("what is behind " + e).isNotNull();
                assertThat(failure.kind()) // a server that stands still for a second costs the connection
                        .isIn(FailureKind.STATEMENT_TIMEOUT, FailureKind.DEADLOCK, FailureKind.CONNECTION_LOST);
                expired += failure.kind() == FailureKind.STATEMENT_TIMEOUT ? 1 : 0;
            }
        }
        return new Told(counts, expired, committed);
    }

    @Test
    void anUpdateThatItsLimitEndsIsNeverTakenForOneThatFoundNoRows() throws Exception {
        List<CompletableFuture<Told>> writers = new ArrayList<>();
        for (int i = 0; i < WRITERS; i++) {
            Random random = new Random(i);
            writers.add(Threads.supply(() -> write(random)));
        }
        int expired = 0;
        int committed = 0;
        List<Integer> counts = new ArrayList<>();
        for (CompletableFuture<Told> writer : writers) {
            Told told = writer.get(Patience.wholeCase().toMillis(), TimeUnit.MILLISECONDS);
            expired += told.expired();
            committed += told.committed();
            counts.addAll(told.counts());
        }
        assertThat(expired).as("limits that have passed").isPositive();
        assertThat(counts)
                .as("counts of updates that should have changed each row")
                .isEmpty();
        List<Integer> sum = db.transact(tx -> Sql.ints(tx, "select sum(n) from wanted"));
        assertThat(sum).as("the sum of the rows").containsExactly(committed);
    }
}
