package dev.holdfast.samples.guide;

import static dev.holdfast.tx.ReplicaPolicy.Choice.LEAST_IN_USE;

import dev.holdfast.samples.firstscreen.Accounts;
import dev.holdfast.tx.CausalToken;
import dev.holdfast.tx.Reads;
import dev.holdfast.tx.ReplicaPolicy;
import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.Holdfast;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/** Reading from servers that follow the primary. */
public final class ReadReplicas {
    /** How many transactions went where, and why. */
    public final Map<TxEvent.Routed.Why, LongAdder> routes = new ConcurrentHashMap<>();

    /** A primary and a replica of it. */
    public Transactor connect(String primary, String replica) {
        // region connect
        Transactor db = Holdfast.builder(primary)
                .replica(replica) // and more of them
                .replicaPolicy(ReplicaPolicy.standard().choice(LEAST_IN_USE).catchUpWithin(Duration.ofMillis(200)))
                .listener(this::count)
                .build();
        // endregion
        return db;
    }

    /** Moves money, and looks. */
    public long moveAndLook(Transactor db, int alice, int bob) {
        // region causal
        db.execute(tx -> new Accounts(tx).move(100, alice, bob)); // on the primary

        long left = db.transact(TxOptions.none().readOnly(), tx -> new Accounts(tx).balance(alice));
        // endregion
        return left;
    }

    /** A report that may be old. */
    public long report(Transactor db, int alice) {
        // region replica
        TxOptions whateverIsThere = TxOptions.none().readOnly().reads(Reads.replica());
        long balance = db.transact(whateverIsThere, tx -> new Accounts(tx).balance(alice));
        // endregion
        return balance;
    }

    /** What another process read, with the token in a cookie. */
    public long tell(Transactor here, Transactor there, int alice, int bob) {
        // region token
        here.execute(tx -> new Accounts(tx).move(100, alice, bob));
        String cookie = here.causalToken().toString();

        TxOptions seen = TxOptions.none().readOnly().reads(Reads.causal(new CausalToken(cookie)));
        long left = there.transact(seen, tx -> new Accounts(tx).balance(alice)); // in another process
        // endregion
        return left;
    }

    // region count
    private void count(TxEvent event) {
        if (event instanceof TxEvent.Routed routed) {
            routes.computeIfAbsent(routed.why(), any -> new LongAdder()).increment();
        }
    }
    // endregion
}
