package dev.holdfast.tx.mysql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.testkit.DriverSessions;
import dev.holdfast.tx.testkit.Sql;
import dev.holdfast.tx.testkit.fault.CountingProxy;
import java.net.URI;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the caller is told when the network loses a request or an answer, or the server loses a session. */
class LostRepliesOnServerTest extends RealServerTest {
    private static final RetryPolicy RETRY =
            RetryPolicy.attempts(3).backoff(Duration.ofMillis(1), Duration.ofMillis(1));

    private CountingProxy proxy;
    private HikariDataSource pool;
    private Transactor db;
    private int attempts;

    @BeforeEach
    void connect() {
        URI address = ServerAndDriver.address(server());
        proxy = CountingProxy.before(address.getHost(), address.getPort());
        HikariConfig config = new HikariConfig();
        config.setDataSource(
                DriverSessions.of(on.url("localhost", proxy.port(), database()), server().user(), server().password()));
        config.setMaximumPoolSize(2);
        config.setMinimumIdle(0);
        config.setConnectionTimeout(20_000);
        pool = new HikariDataSource(config);
        db = Holdfast.builder(pool).dialect(DIALECT).build();
        db.execute(tx -> Sql.ints(tx, "SELECT 1"));
    }

    @AfterEach
    void disconnect() {
        db.close();
        pool.close();
        proxy.close();
    }

    @FunctionalInterface
    private interface Mishap {
        void happen(Tx tx) throws Exception;
    }

    /** Inserts row 50, with a mishap before COMMIT of the first attempt. */
    private void insert(TxOptions options, Mishap beforeCommit) {
        db.execute(options, tx -> {
            attempts++;
            insert(tx, 50);
            if (attempts == 1) {
                tx.beforeCommit(() -> beforeCommit.happen(tx));
            }
        });
    }

    private static void insert(Tx tx, int id) throws SQLException {
        Sql.update(tx, "INSERT INTO item VALUES (" + id + ", 0)");
    }

    private void killOwn(Tx tx) throws SQLException {
        String id = String.valueOf(Sql.ints(tx, "SELECT CONNECTION_ID()").get(0));
        RawSession admin = open();
        admin.run("KILL " + id);
        awaitGone(id);
    }

    private void assertStillOfUse() throws SQLException {
        db.execute(tx -> insert(tx, 60));
        assertThat(count("id = 60")).isOne();
    }

    @Test
    void aCommitWhoseAnswerIsLostIsUnknown_andTheRowIsThere() throws SQLException {
        TxOutcomeUnknownException unknown = catchThrowableOfType(
                TxOutcomeUnknownException.class, () -> insert(TxOptions.none(), tx -> proxy.dropReply()));

        assertThat(Objects.requireNonNull(db.classify(unknown)).kind()).isEqualTo(FailureKind.CONNECTION_LOST);
        assertThat(count("id = 50")).isOne();
        assertStillOfUse();
    }

    @Test
    void aCommitThatIsLostIsUnknown_isNotRetried_andTheRowIsNotThere() throws SQLException {
        TxOutcomeUnknownException unknown = catchThrowableOfType(
                TxOutcomeUnknownException.class,
                () -> insert(TxOptions.none().retry(RETRY), tx -> proxy.dropRequest()));

        assertThat(Objects.requireNonNull(db.classify(unknown)).kind()).isEqualTo(FailureKind.CONNECTION_LOST);
        assertThat(attempts).isEqualTo(1);
        assertThat(count("id = 50")).isZero();
        assertStillOfUse();
    }

    @Test
    void aSessionThatIsKilledBeforeCommitLeavesAnUnknownOutcome() throws SQLException {
        assertThat(catchThrowable(() -> insert(TxOptions.none(), this::killOwn)))
                .isInstanceOf(TxOutcomeUnknownException.class);
        assertThat(count("id = 50")).isZero();
        assertStillOfUse();
    }

    @Test
    void aStatementWhoseAnswerIsLostIsRolledBackAndRetried() throws SQLException {
        db.execute(TxOptions.none().retry(RETRY), tx -> {
            insert(tx, 50);
            if (++attempts == 1) {
                proxy.dropReply();
            }
            insert(tx, 51);
        });

        assertThat(attempts).isEqualTo(2);
        assertThat(count("id >= 50")).isEqualTo(2);
    }

    @Test
    void aSessionThatIsKilledBetweenStatementsIsALostTransaction_andRetried() throws SQLException {
        db.execute(TxOptions.none().retry(RETRY), tx -> {
            insert(tx, 50);
            if (++attempts == 1) {
                killOwn(tx);
            }
            insert(tx, 51);
        });

        assertThat(attempts).isEqualTo(2);
        assertThat(count("id >= 50")).isEqualTo(2);
    }
}
