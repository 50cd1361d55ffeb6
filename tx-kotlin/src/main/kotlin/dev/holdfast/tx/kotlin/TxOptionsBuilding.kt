package dev.holdfast.tx.kotlin

import dev.holdfast.tx.Access
import dev.holdfast.tx.BeginMode
import dev.holdfast.tx.Completion
import dev.holdfast.tx.ConstraintChecking
import dev.holdfast.tx.ConstraintChecking.Timing
import dev.holdfast.tx.Isolation
import dev.holdfast.tx.Propagation
import dev.holdfast.tx.Reads
import dev.holdfast.tx.RetryPolicy
import dev.holdfast.tx.TxOptions
import kotlin.time.Duration
import kotlin.time.toJavaDuration

/**
 * Options by name; what is not named is not asked for. Options of a dialect are added by [TxOptions.with].
 *
 * ```
 * val strict = txOptions(isolation = SERIALIZABLE, lockTimeout = 2.seconds, retry = RetryPolicy.attempts(5))
 * ```
 *
 * @param constraints see [deferred] and [immediate]
 * @param acquireTimeout for the wait for a connection
 * @param lockTimeout for each wait for a lock
 * @param statementTimeout for each statement
 * @param wholeTimeout for all of it, with all of its attempts
 */
public fun txOptions(
    isolation: Isolation? = null,
    access: Access? = null,
    propagation: Propagation? = null,
    constraints: ConstraintChecking? = null,
    beginMode: BeginMode? = null,
    completion: Completion? = null,
    acquireTimeout: Duration? = null,
    lockTimeout: Duration? = null,
    statementTimeout: Duration? = null,
    wholeTimeout: Duration? = null,
    retry: RetryPolicy? = null,
    reads: Reads? = null,
    verifiable: Boolean = false,
    label: String? = null,
    labelInSql: Boolean = false,
): TxOptions =
    TxOptions
        .none()
        .asked(isolation) { isolation(it) }
        .asked(access) { access(it) }
        .asked(propagation) { propagation(it) }
        .asked(constraints) { checked(it) }
        .asked(beginMode) { beginMode(it) }
        .asked(completion) { completion(it) }
        .asked(acquireTimeout) { acquireTimeout(it.toJavaDuration()) }
        .asked(lockTimeout) { lockTimeout(it.toJavaDuration()) }
        .asked(statementTimeout) { statementTimeout(it.toJavaDuration()) }
        .asked(wholeTimeout) { wholeTimeout(it.toJavaDuration()) }
        .asked(retry) { retry(it) }
        .asked(reads) { reads(it) }
        .asked(true.takeIf { verifiable }) { verifiable() }
        .asked(label) { label(it) }
        .asked(true.takeIf { labelInSql }) { labelInSql() }

/**
 * These options, and where both say something, the other ones: [TxOptions.overlay].
 *
 * ```
 * db.transact(strict + txOptions(label = "transfer")) { tx -> move(tx) }
 * ```
 */
public operator fun TxOptions.plus(over: TxOptions): TxOptions = overlay(over)

/**
 * Constraints that are checked at COMMIT; without names, all that are deferrable.
 *
 * ```
 * db.suspendTransact(constraints = deferred("orders_customer_fk")) { tx -> load(tx) }
 * ```
 */
public fun deferred(vararg names: String): ConstraintChecking = ConstraintChecking(Timing.DEFERRED, names.toList())

/**
 * Constraints that are checked after each statement; without names, all that are deferrable.
 *
 * ```
 * db.suspendTransact(constraints = immediate()) { tx -> load(tx) }
 * ```
 */
public fun immediate(vararg names: String): ConstraintChecking = ConstraintChecking(Timing.IMMEDIATE, names.toList())

private inline fun <V : Any> TxOptions.asked(
    value: V?,
    with: TxOptions.(V) -> TxOptions,
): TxOptions = if (value == null) this else with(value)

private fun TxOptions.checked(constraints: ConstraintChecking): TxOptions {
    val names = constraints.names().toTypedArray()
    return when (constraints.timing()) {
        Timing.DEFERRED -> deferConstraints(*names)
        Timing.IMMEDIATE -> checkConstraintsImmediately(*names)
    }
}
