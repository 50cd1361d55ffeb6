package dev.holdfast.tx.kotlin

import dev.holdfast.tx.Access
import dev.holdfast.tx.BeginMode
import dev.holdfast.tx.Binding
import dev.holdfast.tx.Completion
import dev.holdfast.tx.ConnectionScope
import dev.holdfast.tx.ConstraintChecking
import dev.holdfast.tx.Isolation
import dev.holdfast.tx.Propagation
import dev.holdfast.tx.Reads
import dev.holdfast.tx.RetryPolicy
import dev.holdfast.tx.Transactor
import dev.holdfast.tx.Tx
import dev.holdfast.tx.TxOptions
import dev.holdfast.tx.engine.internal.Current
import dev.holdfast.tx.engine.internal.Steps
import kotlinx.coroutines.CoroutineScope
import kotlin.time.Duration

/**
 * Runs a body in a transaction by blocking the thread, with options by name; as [ConnectionScope.transact] otherwise.
 *
 * ```
 * db.transact(isolation = SERIALIZABLE, lockTimeout = 2.seconds) { tx -> Accounts(tx).move(100, alice, bob) }
 * ```
 */
public fun <T> ConnectionScope.transact(
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
    body: (Tx) -> T,
): T =
    transact(
        txOptions(
            isolation,
            access,
            propagation,
            constraints,
            beginMode,
            completion,
            acquireTimeout,
            lockTimeout,
            statementTimeout,
            wholeTimeout,
            retry,
            reads,
            verifiable,
            label,
            labelInSql,
        ),
        body,
    )

/**
 * Runs a suspending body in a transaction: committed when it and its children are done, rolled back when one of them fails or
 * the caller is cancelled. What it throws reaches the caller as it is.
 *
 * As [ConnectionScope.transact] it joins what is running, and has the same options, errors and hooks. What differs comes from
 * suspending:
 * - The transaction follows the body and its children to whatever thread they run on, and blocking code that they call
 *   sees it too. The body runs on a [JdbcDispatcher].
 * - Children may use it side by side: their statements take turns. A nested scope has the connection to itself until it
 *   ends, and others wait.
 * - A transaction waits for its connection before its body, without a thread; at the most for as long as `acquireTimeout`
 *   says, or else the pool.
 * - When the caller is cancelled the statement that runs is cancelled on the server, and none is sent after it. If COMMIT
 *   was not sent by then, all is rolled back. If it was, its outcome stands and hooks tell it; the caller gets the
 *   [kotlinx.coroutines.CancellationException] then, or the error of a COMMIT that did not go well.
 * - Waits between attempts suspend; a cancelled caller is not run again.
 *
 * ```
 * val id = db.suspendTransact(isolation = SERIALIZABLE, retry = RetryPolicy.attempts(5)) { tx ->
 *     val order = Orders(tx).place(cart)
 *     tx.onCommit { mail.send(order) }
 *     order.id
 * }
 * ```
 *
 * @param body is given the handle of its scope, good until it and its children are done
 */
public suspend fun <T> ConnectionScope.suspendTransact(
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
    body: suspend CoroutineScope.(Tx) -> T,
): T =
    suspendTransact(
        txOptions(
            isolation,
            access,
            propagation,
            constraints,
            beginMode,
            completion,
            acquireTimeout,
            lockTimeout,
            statementTimeout,
            wholeTimeout,
            retry,
            reads,
            verifiable,
            label,
            labelInSql,
        ),
        body,
    )

/**
 * As the other [suspendTransact], with options that were made before.
 *
 * ```
 * db.suspendTransact(strict) { tx -> Accounts(tx).move(100, alice, bob) }
 * ```
 */
public suspend fun <T> ConnectionScope.suspendTransact(
    options: TxOptions,
    body: suspend CoroutineScope.(Tx) -> T,
): T =
    if (this is Tx) {
        val running = this
        suspending(Current.innermost(), { Steps.call(running, options) }, body)
    } else {
        val steps = Steps.of(this as Transactor)
        suspending(steps.start(), { steps.call(options) }, body)
    }

/**
 * Runs a suspending body in a savepoint, which is undone when it fails: [Tx.nested]. Nested scopes of one transaction come one
 * after the other, in the order in which they were asked for.
 *
 * ```
 * tx.suspendNested { inner -> Badges(inner).award(user) }
 * ```
 */
public suspend fun <T> Tx.suspendNested(body: suspend CoroutineScope.(Tx) -> T): T =
    suspendTransact(TxOptions.none().propagation(Propagation.SAVEPOINT), body)

/**
 * As [suspendTransact], with the repository of a binding.
 *
 * ```
 * db.binding(::Accounts).suspendTransact(strict) { tx, accounts -> accounts.move(100, alice, bob) }
 * ```
 */
public suspend fun <A : Any, T> Binding<A>.suspendTransact(
    options: TxOptions = TxOptions.none(),
    body: suspend CoroutineScope.(Tx, A) -> T,
): T = transactor().suspendTransact(options) { tx -> body(tx, repository(tx)) }

/**
 * As [suspendTransact], with two repositories on one transaction.
 *
 * ```
 * db.binding(::Accounts, ::Audit).suspendTransact { tx, accounts, audit -> audit.log(accounts.close(id)) }
 * ```
 */
public suspend fun <A : Any, B : Any, T> Binding.Two<A, B>.suspendTransact(
    options: TxOptions = TxOptions.none(),
    body: suspend CoroutineScope.(Tx, A, B) -> T,
): T = transactor().suspendTransact(options) { tx -> body(tx, first(tx), second(tx)) }

/**
 * As [suspendTransact], with three repositories on one transaction.
 *
 * ```
 * db.binding(::Accounts, ::Audit, ::Limits).suspendTransact { tx, accounts, audit, limits -> limits.check(accounts, audit) }
 * ```
 */
public suspend fun <A : Any, B : Any, C : Any, T> Binding.Three<A, B, C>.suspendTransact(
    options: TxOptions = TxOptions.none(),
    body: suspend CoroutineScope.(Tx, A, B, C) -> T,
): T = transactor().suspendTransact(options) { tx -> body(tx, first(tx), second(tx), third(tx)) }
