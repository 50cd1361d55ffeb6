package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;

/**
 * What is needed to run transactions of one kind.
 *
 * @param server where they run
 * @param options in force
 * @param wish what the dialect was asked for
 * @param plan what it answered
 */
record Prepared(Server server, TxOptions options, Wish wish, TxPlan plan) {}
