package dev.holdfast.samples.firstscreen;

import static dev.holdfast.tx.Isolation.SERIALIZABLE;
import static java.time.Duration.ofSeconds;

import dev.holdfast.tx.RetryPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.Holdfast;

/** The first example, in Java. */
public final class FirstScreen {
    private FirstScreen() {}

    /** Moves 100 from Alice to Bob, and tells him. */
    public static void move(String url, Mail mail, int alice, int bob) {
        // region first
        Transactor db = Holdfast.connect(url); // jdbc:postgresql://… or jdbc:sqlite:…
        TxOptions strict = TxOptions.of(SERIALIZABLE).lockTimeout(ofSeconds(2)).retry(RetryPolicy.attempts(5));

        db.execute(strict, tx -> {
            new Accounts(tx).move(100, alice, bob); // plain JDBC, jOOQ, Hibernate, ... on tx
            tx.afterCommit(() -> mail.send(bob)); // once, and only if the server said that it is committed
        });
        // endregion
        db.close();
    }

    /** The options of the example. */
    public static TxOptions options() {
        return TxOptions.of(SERIALIZABLE).lockTimeout(ofSeconds(2)).retry(RetryPolicy.attempts(5));
    }
}
