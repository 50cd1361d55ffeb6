package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.spi.LockPlan;

/**
 * A row lock that was rendered for a transaction.
 *
 * @param lock what was asked for
 * @param plan what the dialect answered
 */
record PlannedLock(RowLock lock, LockPlan plan) {}
