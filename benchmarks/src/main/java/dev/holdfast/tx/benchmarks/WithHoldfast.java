package dev.holdfast.tx.benchmarks;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;

/** The same transactions. */
final class WithHoldfast {
    private static final TxOptions READ_ONLY = TxOptions.none().readOnly();

    private final Transactor db;
    private int fired;

    WithHoldfast(Transactor db) {
        this.db = db;
    }

    int plain() {
        return db.transact(tx -> Counter.increase(tx.connection()));
    }

    long readOnly() {
        return db.transact(READ_ONLY, tx -> Counter.read(tx.connection()));
    }

    int nested() {
        return db.transact(tx -> {
            int changed = Counter.increase(tx.connection());
            return changed + tx.<Integer>nested(sp -> Counter.increase(sp.connection()));
        });
    }

    int joined() {
        return db.transact(tx -> {
            int changed = db.<Integer>transact(inner -> Counter.increase(inner.connection()));
            return changed + db.<Integer>transact(inner -> Counter.increase(inner.connection()));
        });
    }

    int fiveHooks() {
        int changed = db.transact(tx -> {
            for (int i = 0; i < 5; i++) {
                tx.afterCommit(() -> fired++);
            }
            return Counter.increase(tx.connection());
        });
        return changed + fired;
    }
}
