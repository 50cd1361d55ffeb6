package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import org.jspecify.annotations.Nullable;

/**
 * What is needed to run transactions of one kind.
 *
 * @param server where they run
 * @param options in force
 * @param wish what the dialect was asked for
 * @param plan what it answered
 */
record Prepared(Server server, TxOptions options, Wish wish, TxPlan plan) {
    /** Where its marker row is kept; null if it writes none. */
    @Nullable
    Markers markers() {
        return wish.carries(Wish.Carry.MARKER) ? server.markers : null;
    }
}
