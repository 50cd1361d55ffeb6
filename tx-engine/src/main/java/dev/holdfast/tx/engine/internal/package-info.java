/**
 * The engine itself; not API.
 *
 * <p>Decisions are pure: {@code Entry} (how a scope starts), {@code Settle} (how a unit ends), the dialect's plan, and
 * {@link dev.holdfast.tx.RetryPolicy}. Effects are in one place each: {@code Lease} is the only class that talks to a
 * database for the engine, {@code Current} the only one that knows the thread, {@code Engine} holds the clock. A
 * {@code Transaction} is one physical transaction, a {@code Unit} is what can be rolled back in it (the root, a
 * savepoint), a {@code Scope} is the handle of one call. The guards show each error of the driver to the transaction.
 * It has the state; what is done with it has a class each: {@code Beginning}, {@code Classifying} for its errors,
 * {@code Committing}, {@code RollingBack}, and {@code GivingBack} for its connection.
 */
@NullMarked
package dev.holdfast.tx.engine.internal;

import org.jspecify.annotations.NullMarked;
