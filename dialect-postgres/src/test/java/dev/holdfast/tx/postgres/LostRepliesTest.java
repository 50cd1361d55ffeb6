package dev.holdfast.tx.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxOutcomeUnknownException;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.postgres.ProxiedPostgres.Judge;
import dev.holdfast.tx.spi.Identity.Autocommit;
import dev.holdfast.tx.testkit.Sql;
import java.sql.SQLException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;

/** What the caller is told when the network loses a request or an answer, or the server loses a session. */
@ParameterizedClass
@CsvSource({"18, POOL", "18, ENGINE", "14, ENGINE"})
class LostRepliesTest {
    private static final TxOptions NONE = TxOptions.none();
    private static final TxOptions VERIFIABLE = NONE.verifiable();
    private static final RetryPolicy RETRY =
            RetryPolicy.attempts(3).backoff(Duration.ofMillis(1), Duration.ofMillis(1));

    private final int major;
    private final Judge judge;
    private ProxiedPostgres postgres;
    private Transactor db;
    private int attempts;

    LostRepliesTest(int major, Judge judge) {
        this.major = major;
        this.judge = judge;
    }

    @BeforeEach
    void connect() throws SQLException {
        postgres = new ProxiedPostgres(major, judge);
        db = postgres.transactor();
    }

    @AfterEach
    void disconnect() throws SQLException {
        postgres.close();
    }

    /** Something that is done once, just before COMMIT of the first attempt. */
    @FunctionalInterface
    private interface Mishap {
        void happen(Tx tx) throws Exception;
    }

    /** Inserts row 1, with a mishap before COMMIT. */
    private void insert(TxOptions options, Mishap beforeCommit) {
        db.execute(options, tx -> {
            attempts++;
            Sql.insert(tx, "proxied", 1);
            if (attempts == 1) {
                tx.beforeCommit(() -> beforeCommit.happen(tx));
            }
        });
    }

    private void dropReply(Tx tx) {
        postgres.proxy.dropReply();
    }

    private void dropRequest(Tx tx) {
        postgres.proxy.dropRequest();
    }

    private static int backend(Tx tx) throws SQLException {
        return Sql.ints(tx, "SELECT pg_backend_pid()").get(0);
    }

    private void assertLostOnceAndStillOfUse() throws SQLException {
        assertThat(postgres.proxy.losses()).isEqualTo(1);
        db.execute(tx -> Sql.insert(tx, "proxied", 900));
        assertThat(postgres.ids()).contains(900);
    }

    // ---- COMMIT

    @Test
    void a_COMMIT_whose_answer_is_lost_is_unknown_and_the_row_is_there() throws SQLException {
        TxOutcomeUnknownException unknown =
                catchThrowableOfType(TxOutcomeUnknownException.class, () -> insert(NONE, this::dropReply));
        assertThat(unknown.sqlState()).isEqualTo("08006");
        assertThat(postgres.ids()).containsExactly(1);
        assertLostOnceAndStillOfUse();
    }

    @Test
    void a_COMMIT_that_is_lost_is_unknown_and_the_row_is_not_there() throws SQLException {
        TxOutcomeUnknownException unknown =
                catchThrowableOfType(TxOutcomeUnknownException.class, () -> insert(NONE, this::dropRequest));
        assertThat(unknown.sqlState()).isEqualTo("08006");
        assertThat(postgres.ids()).isEmpty();
        assertLostOnceAndStillOfUse();
    }

    @Test
    void an_unknown_outcome_is_never_retried() throws SQLException {
        TxOutcomeUnknownException unknown = catchThrowableOfType(
                TxOutcomeUnknownException.class, () -> insert(NONE.retry(RETRY), this::dropRequest));
        assertThat(unknown).isNotNull();
        assertThat(attempts).isEqualTo(1);
        assertLostOnceAndStillOfUse();
    }

    @Test
    void of_a_verifiable_transaction_a_COMMIT_whose_answer_is_lost_is_settled_as_committed() throws SQLException {
        insert(VERIFIABLE.retry(RETRY), this::dropReply);
        assertThat(postgres.ids()).containsExactly(1);
        assertThat(attempts).isEqualTo(1);
        assertLostOnceAndStillOfUse();
    }

    @Test
    void of_a_verifiable_transaction_a_COMMIT_that_is_lost_is_settled_as_rolled_back() throws SQLException {
        TxRolledBackException told =
                catchThrowableOfType(TxRolledBackException.class, () -> insert(VERIFIABLE, this::dropRequest));
        assertThat(told.sqlState()).isEqualTo("08006");
        assertThat(postgres.ids()).isEmpty();
        assertLostOnceAndStillOfUse();
    }

    @Test
    void a_verifiable_transaction_whose_COMMIT_is_lost_is_retried_and_its_row_is_there_once() throws SQLException {
        insert(VERIFIABLE.retry(RETRY), this::dropRequest);
        assertThat(postgres.ids()).containsExactly(1);
        assertThat(attempts).isEqualTo(2);
        assertLostOnceAndStillOfUse();
    }

    @Test
    void a_COMMIT_whose_answer_does_not_come_in_time_is_unknown() throws SQLException {
        db = postgres.transactor(postgres.sessions().with("socketTimeout", "1"), 2, Autocommit.ON);
        TxOutcomeUnknownException unknown = catchThrowableOfType(
                TxOutcomeUnknownException.class, () -> insert(NONE, tx -> postgres.proxy.freeze()));
        assertThat(unknown.sqlState()).isEqualTo("08006");
        postgres.proxy.thaw();
        db.execute(tx -> Sql.insert(tx, "proxied", 900));
    }

    @Test
    void a_backend_that_is_killed_before_COMMIT_leaves_an_unknown_outcome() throws SQLException {
        TxOutcomeUnknownException unknown = catchThrowableOfType(
                TxOutcomeUnknownException.class, () -> insert(NONE, tx -> postgres.kill(backend(tx))));
        assertThat(unknown).isNotNull();
        assertThat(postgres.ids()).isEmpty();
    }

    @Test
    void of_a_verifiable_transaction_a_backend_that_is_killed_before_COMMIT_is_retried() throws SQLException {
        insert(VERIFIABLE.retry(RETRY), tx -> postgres.kill(backend(tx)));
        assertThat(postgres.ids()).containsExactly(1);
        assertThat(attempts).isEqualTo(2);
    }

    // ---- before COMMIT

    @Test
    void an_error_stays_what_it_was_when_the_answer_to_ROLLBACK_is_lost() throws SQLException {
        IllegalStateException original = new IllegalStateException("the body's own");
        Throwable told = catchThrowable(() -> db.execute(tx -> {
            Sql.insert(tx, "proxied", 1);
            postgres.proxy.dropReply();
            throw original;
        }));
        assertThat(told).isSameAs(original);
        assertThat(told.getSuppressed()).hasSize(1).hasOnlyElementsOfType(SQLException.class);
        assertThat(postgres.ids()).isEmpty();
        assertLostOnceAndStillOfUse();
    }

    @Test
    void a_first_statement_that_is_lost_is_a_lost_connection() throws SQLException {
        Throwable told = catchThrowable(() -> db.execute(tx -> {
            postgres.proxy.cutAtPacket(1);
            Sql.insert(tx, "proxied", 1);
        }));
        assertThat(told).isInstanceOf(SQLException.class);
        assertThat(java.util.Objects.requireNonNull(db.classify(told)).kind()).isEqualTo(FailureKind.CONNECTION_LOST);
        assertThat(postgres.ids()).isEmpty();
        assertLostOnceAndStillOfUse();
    }

    @Test
    void a_first_statement_that_is_lost_is_retried() throws SQLException {
        db.execute(NONE.retry(RETRY), tx -> {
            if (++attempts == 1) {
                postgres.proxy.cutAtPacket(1);
            }
            Sql.insert(tx, "proxied", 1);
        });
        assertThat(attempts).isEqualTo(2);
        assertThat(postgres.ids()).containsExactly(1);
        assertLostOnceAndStillOfUse();
    }

    @Test
    void a_statement_whose_answer_is_lost_is_rolled_back_and_retried() throws SQLException {
        db.execute(NONE.retry(RETRY), tx -> {
            Sql.insert(tx, "proxied", 1);
            if (++attempts == 1) {
                postgres.proxy.dropReply();
            }
            Sql.insert(tx, "proxied", 2);
        });
        assertThat(attempts).isEqualTo(2);
        assertThat(postgres.ids()).containsExactly(1, 2);
        assertLostOnceAndStillOfUse();
    }

    @Test
    void a_backend_that_is_killed_between_statements_is_a_lost_transaction_and_retried() throws SQLException {
        db.execute(NONE.retry(RETRY), tx -> {
            Sql.insert(tx, "proxied", 1);
            if (++attempts == 1) {
                postgres.kill(backend(tx));
            }
            Sql.insert(tx, "proxied", 2);
        });
        assertThat(attempts).isEqualTo(2);
        assertThat(postgres.ids()).containsExactly(1, 2);
    }

    @Test
    void after_a_lost_connection_no_statement_is_sent() {
        TxRolledBackException told = catchThrowableOfType(
                TxRolledBackException.class,
                () -> db.execute(tx -> {
                    Sql.insert(tx, "proxied", 1);
                    postgres.proxy.dropReply();
                    Throwable lost = catchThrowable(() -> Sql.insert(tx, "proxied", 2));
                    var before = postgres.proxy.counts();
                    Throwable refused = catchThrowable(() -> Sql.insert(tx, "proxied", 3));
                    assertThat(refused).isInstanceOf(SQLException.class).hasRootCause(rootOf(lost));
                    assertThat(postgres.proxy.counts()).isEqualTo(before);
                }));
        assertThat(told.outcome().reason()).isEqualTo(Outcome.Reason.ENDED_BY_SERVER);
    }

    private static Throwable rootOf(Throwable error) {
        return error.getCause() == null ? error : rootOf(error.getCause());
    }
}
