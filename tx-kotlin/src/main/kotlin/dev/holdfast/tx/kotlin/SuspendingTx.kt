package dev.holdfast.tx.kotlin

import dev.holdfast.tx.Access
import dev.holdfast.tx.BeginMode
import dev.holdfast.tx.Completion
import dev.holdfast.tx.ConstraintChecking
import dev.holdfast.tx.Isolation
import dev.holdfast.tx.Propagation
import dev.holdfast.tx.Reads
import dev.holdfast.tx.Transactor
import dev.holdfast.tx.Tx
import dev.holdfast.tx.TxOptions
import dev.holdfast.tx.UnmanagedTx
import dev.holdfast.tx.engine.internal.Bracket
import dev.holdfast.tx.engine.internal.Current
import dev.holdfast.tx.engine.internal.Steps
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.withContext
import kotlin.time.Duration

/**
 * Begins a transaction that the caller ends, with options by name: [Transactor.begin]. There is no body to run again, so there is
 * no `retry`.
 *
 * ```
 * val open = db.suspendBegin(isolation = SERIALIZABLE, lockTimeout = 2.seconds)
 * try {
 *     open.within { tx -> Accounts(tx).move(100, alice, bob) }
 *     open.commit()
 * } finally {
 *     open.close()
 * }
 * ```
 */
public suspend fun Transactor.suspendBegin(
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
    reads: Reads? = null,
    verifiable: Boolean = false,
    label: String? = null,
    labelInSql: Boolean = false,
): SuspendingTx =
    suspendBegin(
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
            null,
            reads,
            verifiable,
            label,
            labelInSql,
        ),
    )

/**
 * As the other [suspendBegin], with options that were made before.
 *
 * ```
 * val open = db.suspendBegin(strict)
 * ```
 */
public suspend fun Transactor.suspendBegin(options: TxOptions): SuspendingTx {
    val unmanaged = begin(options)
    return SuspendingTx(this, unmanaged, HeldPlace.take { Steps.place(unmanaged) })
}

/**
 * A transaction that its holder ends, from coroutines; one that is not ended keeps its connection. [commit] and [rollback] may be
 * called once, [close] as often as one likes.
 *
 * ```
 * val open = db.suspendBegin()
 * try {
 *     questions.collect { open.within { tx -> Answers(tx).add(it) } }
 *     open.commit()
 * } finally {
 *     open.close()
 * }
 * ```
 */
public class SuspendingTx internal constructor(
    private val transactor: Transactor,
    private val unmanaged: UnmanagedTx,
    private val place: HeldPlace?,
) {
    /**
     * The handle: for statements, nested scopes and hooks.
     *
     * ```
     * open.tx.onCommit { mail.send(order) }
     * ```
     */
    public val tx: Tx get() = unmanaged

    /**
     * Runs a body in which scopes join this transaction, on a [JdbcDispatcher]. What it throws reaches the caller, and ends
     * nothing.
     *
     * ```
     * open.within { tx -> Accounts(tx).move(100, alice, bob) }
     * ```
     */
    public suspend fun <T> within(body: suspend CoroutineScope.(Tx) -> T): T =
        transactor.suspendWithin(tx, place) { body(tx) }

    /**
     * Commits, as [UnmanagedTx.commit]; hooks that suspend are awaited. A caller that is cancelled before COMMIT is sent has it
     * rolled back, and one that was before this has begun has it left open, for [close].
     *
     * ```
     * if (answers.areComplete()) open.commit() else open.rollback()
     * ```
     */
    public suspend fun commit() {
        currentCoroutineContext().ensureActive()
        end { Steps.ending(unmanaged, true) }
    }

    /**
     * Rolls back, as [UnmanagedTx.rollback]; also for a caller that was cancelled.
     *
     * ```
     * if (answers.areComplete()) open.commit() else open.rollback()
     * ```
     */
    public suspend fun rollback(): Unit = withContext(NonCancellable) { end { Steps.ending(unmanaged, false) } }

    /**
     * Rolls back what was not ended, as [UnmanagedTx.close]; also for a caller that was cancelled.
     *
     * ```
     * try {
     *     open.commit()
     * } finally {
     *     open.close()
     * }
     * ```
     */
    public suspend fun close(): Unit = withContext(NonCancellable) { end { Steps.closing(unmanaged) } }

    private suspend fun end(begin: () -> Bracket?) {
        val frame = Current.innermost()
        blocking(frame) {
            val bracket = begin() ?: return@blocking Ended(Unit, null) // who ends it gives its place back
            try {
                Ended(Unit, bracket.finish(frame, place, Ended(null, null)))
            } finally {
                place?.giveBack()
            }
        }
    }
}
