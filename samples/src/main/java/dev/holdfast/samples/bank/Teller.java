package dev.holdfast.samples.bank;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxOutcomeUnknownException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;

/** Carries out orders, each in a transaction, and keeps a receipt of what it was told. */
final class Teller implements Runnable {
    static final String LABEL = "transfer";
    private static final Duration LONGEST_STEP = Duration.ofMillis(20);

    private final Transactor db;
    private final Bank bank;
    private final Queue<Order> orders;
    private final Saboteur saboteur;
    private final Receipts receipts;
    private final Tally tally;
    private final TxOptions options;

    Teller(Transactor db, Bank bank, Queue<Order> orders, Saboteur saboteur, Receipts receipts, Tally tally) {
        this.db = db;
        this.bank = bank;
        this.orders = orders;
        this.saboteur = saboteur;
        this.receipts = receipts;
        this.tally = tally;
        this.options = TxOptions.none()
                .label(LABEL)
                .retry(RetryPolicy.attempts(200)
                        .backoff(Duration.ofMillis(5), Duration.ofMillis(100))
                        .onAttempt((attempt, failure, delay) -> tally.retried(failure.kind())));
    }

    @Override
    public void run() {
        for (Order order = orders.poll(); order != null; order = orders.poll()) {
            awaitCustomer();
            serve(order);
        }
    }

    private static void awaitCustomer() {
        LockSupport.parkNanos(ThreadLocalRandom.current().nextLong(LONGEST_STEP.toNanos()));
    }

    private void serve(Order order) {
        try {
            db.execute(options, tx -> carryOut(tx, order));
            receipts.committed(order);
        } catch (Bank.NotEnoughMoney e) {
            receipts.rolledBack(order);
        } catch (TxOutcomeUnknownException e) {
            receipts.unknown(order);
        } catch (Exception e) { // all attempts were used up: nothing of it is there
            receipts.gaveUp(order, e);
        }
    }

    private void carryOut(Tx tx, Order order) throws SQLException {
        tx.afterCommit(tally.afterCommitHooks::increment);
        tx.afterRollback(tally.afterRollbackHooks::increment);
        bank.transfer(tx, order);
        saboteur.visit(tx, order);
        if (order.voucher() != null) {
            redeem(tx, order, order.voucher());
        }
    }

    /** In a savepoint: where the voucher was used before, the bonus is undone and the transfer goes on. */
    private void redeem(Tx tx, Order order, String voucher) throws SQLException {
        tx.afterCommit(tally.savepoints::increment);
        try {
            tx.executeNested(savepoint -> bank.redeem(savepoint, order, voucher));
        } catch (Exception e) {
            Failure failure = tx.classify(e);
            if (failure == null || failure.kind() != FailureKind.UNIQUE) {
                throw e;
            }
            tx.afterCommit(tally.savepointsSurvived::increment);
        }
    }
}
