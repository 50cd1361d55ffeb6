package dev.holdfast.samples.guide;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.samples.firstscreen.Accounts;
import dev.holdfast.tx.BeginMode;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.UnmanagedTx;
import dev.holdfast.tx.engine.Holdfast;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Java waits for what Kotlin suspends. */
class FutureTransfersTest {
    private static final int ALICE = 1;
    private static final int BOB = 2;

    @TempDir
    private Path folder;

    private Transactor db;
    private FutureTransfers transfers;

    @BeforeEach
    void open() throws SQLException {
        db = Holdfast.connect("jdbc:sqlite:" + folder.resolve("bank.db"));
        transfers = new FutureTransfers(db);
        Recipes.createTable(db);
        new Accounts(db).open(ALICE, 100);
        new Accounts(db).open(BOB, 0);
    }

    @AfterEach
    void close() {
        transfers.close();
        db.close();
    }

    // region java
    @Test
    void a_future_has_the_result_once_it_is_committed() throws Exception {
        CompletableFuture<Long> left = transfers.transfer(60, ALICE, BOB);
        assertThat(left.thenApply(amount -> "Alice has " + amount).get(30, SECONDS))
                .isEqualTo("Alice has 40");
    }
    // endregion

    @Test
    void a_future_has_the_error_of_what_was_rolled_back() throws Exception {
        CompletableFuture<Long> left = transfers.transfer(101, ALICE, BOB);
        assertThatThrownBy(() -> left.get(30, SECONDS))
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(SQLException.class);
        assertThat(new Accounts(db).balance(BOB)).isZero();
    }

    @Test
    void a_future_that_is_cancelled_moves_nothing() throws Exception {
        CompletableFuture<Long> left;
        try (UnmanagedTx writer = db.begin(TxOptions.none().beginMode(BeginMode.IMMEDIATE))) {
            writer.open(); // and nobody else writes
            left = transfers.transfer(60, ALICE, BOB);
            left.cancel(true);
        }
        transfers.close(); // it is over
        assertThat(left).isCancelled();
        assertThat(new Accounts(db).balance(ALICE)).isEqualTo(100);
    }
}
