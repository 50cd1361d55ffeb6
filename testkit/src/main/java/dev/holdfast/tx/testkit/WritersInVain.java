package dev.holdfast.tx.testkit;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxListener;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.testkit.server.FailoverPair;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Writers that reach a server which takes no writes yet. Hears how often they were tried again. */
public final class WritersInVain implements TxListener {
    private static final int ATTEMPTS = 3;
    private static final Duration BOUND = Duration.ofSeconds(60);
    private static final RetryPolicy AGAIN = RetryPolicy.attempts(10_000)
            .backoff(Duration.ofMillis(1), Duration.ofMillis(20))
            .deadline(BOUND);

    private final CountDownLatch inVain = new CountDownLatch(ATTEMPTS);

    @Override
    public void on(TxEvent event) {
        if (event instanceof TxEvent.Retrying retrying && retrying.failure().kind() == FailureKind.NOT_PRIMARY) {
            inVain.countDown();
        }
    }

    /**
     * Without a policy one is refused; with one, they wait for the promotion.
     *
     * @param db with this as a listener, whose primary is dead
     * @param table of one number, which is empty
     * @throws AssertionError if it is not so
     */
    public void untilPromoted(FailoverPair pair, Transactor db, String table) throws Exception {
        String insert = "insert into " + table + " values (?)";
        Throwable refused = Facts.throwing(Exception.class, () -> db.execute(tx -> Sql.update(tx, insert, 1)));
        Failure failure = db.classify(refused);
        if (failure == null || failure.kind() != FailureKind.NOT_PRIMARY) {
            throw new AssertionError("expected NOT_PRIMARY, but saw " + failure, refused);
        }
        CompletableFuture<?> verifiable =
                started(db, TxOptions.none().verifiable().retry(AGAIN), insert, 2);
        CompletableFuture<?> plain = started(db, TxOptions.none().retry(AGAIN), insert, 3);
        Facts.equal(true, inVain.await(BOUND.toSeconds(), TimeUnit.SECONDS), "they were tried again");
        pair.promote();
        verifiable.get(BOUND.toSeconds(), TimeUnit.SECONDS);
        plain.get(BOUND.toSeconds(), TimeUnit.SECONDS);
        Facts.equal(List.of(2, 3), Sql.ints(db, "select id from " + table + " order by id"), "rows");
    }

    private static CompletableFuture<?> started(Transactor db, TxOptions options, String insert, int id) {
        return Threads.run(() -> db.execute(options, tx -> Sql.update(tx, insert, id)));
    }
}
