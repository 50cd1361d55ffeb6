package dev.holdfast.tx.mssql;

import static dev.holdfast.tx.mssql.Bed.OTHER_WRITE;
import static dev.holdfast.tx.mssql.Bed.WRITE;
import static dev.holdfast.tx.testkit.Facts.throwing;
import static dev.holdfast.tx.testkit.Facts.thrownBy;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxRolledBackException;
import dev.holdfast.tx.TxTimeoutException;
import dev.holdfast.tx.mssql.tds.Fault;
import dev.holdfast.tx.testkit.Threads;
import java.sql.SQLException;
import java.sql.SQLTimeoutException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Statements that are cancelled: by a limit, by the caller, by the driver. The responder answers nothing until then. */
class CutShortTest {
    private static final Duration SOON = Duration.ofMillis(200);

    @Test
    void a_statement_that_exceeds_its_limit_is_cancelled_and_the_transaction_goes_on() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.fault(WRITE, Fault.HANG);
            AtomicReference<Failure> failure = new AtomicReference<>();
            bed.db.execute(TxOptions.none().statementTimeout(SOON), tx -> {
                Throwable thrown = throwing(SQLTimeoutException.class, () -> Bed.write(tx));
                assertThat(thrown.getCause()).isInstanceOf(TxTimeoutException.class);
                failure.set(Objects.requireNonNull(tx.classify(thrown)));
                Bed.send(tx, OTHER_WRITE);
            });
            assertThat(failure.get().kind()).isEqualTo(FailureKind.STATEMENT_TIMEOUT);
            assertThat(failure.get().effect()).isEqualTo(FailureEffect.NONE);
            assertThat(bed.sent())
                    .startsWith(
                            "batch: BEGIN TRAN",
                            "batch: " + WRITE,
                            "cancel",
                            "batch: " + Bed.STANDING,
                            "batch: " + OTHER_WRITE);
            assertThat(bed.responder.committed()).containsExactly(OTHER_WRITE);
            assertThat(bed.responder.outside()).isEmpty();
        }
    }

    @Test
    void under_xact_abort_the_transaction_is_over() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.fault(WRITE, Fault.HANG);
            TxOptions options = TxOptions.none().statementTimeout(SOON).with(MssqlOptions.XACT_ABORT, true);
            Throwable thrown = thrownBy(() -> bed.db.execute(options, tx -> {
                thrownBy(() -> Bed.write(tx));
                thrownBy(() -> Bed.send(tx, OTHER_WRITE));
            }));
            assertThat(thrown).isInstanceOf(TxRolledBackException.class);
            assertThat(bed.responder.committed()).isEmpty();
            assertThat(bed.session().settings()).endsWith("xact_abort off");
        }
    }

    @Test
    void a_transaction_that_exceeds_its_limit_is_rolled_back() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.fault(OTHER_WRITE, Fault.HANG);
            Throwable thrown = thrownBy(() -> bed.db.execute(TxOptions.none().wholeTimeout(SOON), tx -> {
                Bed.write(tx);
                thrownBy(() -> Bed.send(tx, OTHER_WRITE));
            }));
            assertThat(thrown).isInstanceOf(TxTimeoutException.class);
            assertThat(bed.responder.log()).contains("cancel");
            assertThat(bed.responder.committed()).isEmpty();
            assertThat(bed.session().trancount()).isZero();
        }
    }

    @Test
    void the_caller_can_cancel() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.fault(WRITE, Fault.HANG);
            AtomicReference<Failure> failure = new AtomicReference<>();
            bed.db.execute(tx -> tx.withConnection(connection -> {
                try (Statement statement = connection.createStatement()) {
                    CompletableFuture<?> cancel = Threads.run(() -> {
                        bed.responder.await("batch: " + WRITE);
                        statement.cancel();
                    });
                    failure.set(Bed.failure(tx, () -> statement.execute(WRITE)));
                    cancel.get(30, TimeUnit.SECONDS);
                    return statement.executeUpdate(OTHER_WRITE);
                }
            }));
            assertThat(failure.get().kind()).isEqualTo(FailureKind.CANCELLED);
            assertThat(failure.get().effect()).isEqualTo(FailureEffect.NONE);
            assertThat(failure.get().sqlState()).isEqualTo("HY008");
            assertThat(bed.responder.committed()).containsExactly(OTHER_WRITE);
        }
    }

    /** The timer of the driver's own sends the same cancel. */
    @Test
    void a_query_timeout_of_the_drivers_is_a_statement_timeout() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.fault(WRITE, Fault.HANG);
            AtomicReference<Failure> failure = new AtomicReference<>();
            bed.db.execute(tx -> tx.withConnection(connection -> {
                try (Statement statement = connection.createStatement()) {
                    statement.setQueryTimeout(1);
                    failure.set(Bed.failure(tx, () -> statement.execute(WRITE)));
                    return statement.executeUpdate(OTHER_WRITE);
                }
            }));
            assertThat(failure.get().kind()).isEqualTo(FailureKind.STATEMENT_TIMEOUT);
            assertThat(failure.get().effect()).isEqualTo(FailureEffect.NONE);
            assertThat(bed.responder.committed()).containsExactly(OTHER_WRITE);
        }
    }

    @Test
    void a_lock_timeout_of_the_options_is_told_as_that() throws Exception {
        try (Bed bed = Bed.usual()) {
            bed.responder.next(WRITE, dev.holdfast.tx.mssql.tds.Answer.error(1222));
            SQLException thrown = throwing(
                    SQLException.class, () -> bed.db.execute(TxOptions.none().lockTimeout(SOON), Bed::write));
            assertThat(thrown.getCause()).isInstanceOf(TxTimeoutException.class);
            assertThat(((TxException) Objects.requireNonNull(thrown.getCause())).vendorCode())
                    .isEqualTo(1222);
        }
    }
}
