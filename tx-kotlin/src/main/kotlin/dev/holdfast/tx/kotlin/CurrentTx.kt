package dev.holdfast.tx.kotlin

import dev.holdfast.tx.Transactor
import dev.holdfast.tx.Tx
import dev.holdfast.tx.TxException
import dev.holdfast.tx.TxStateException
import dev.holdfast.tx.engine.internal.Current
import dev.holdfast.tx.engine.internal.Steps
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.job
import kotlinx.coroutines.withContext

/**
 * The transaction that a scope would join here; null if there is none: [Transactor.current].
 *
 * ```
 * val tx = db.currentTx() ?: error("call this in a transaction")
 * ```
 */
public fun Transactor.currentTx(): Tx? = current()

/**
 * Runs a suspending body outside of every transaction of this transactor: [Transactor.outside]. It is awaited with its
 * children.
 *
 * ```
 * db.suspendOutside { db.suspendTransact { tx -> audit(tx) } } // stays, whatever becomes of what is around it
 * ```
 */
public suspend fun <T> Transactor.suspendOutside(body: suspend CoroutineScope.() -> T): T {
    val steps = Steps.of(this)
    return inFrame(steps, null, { steps.outside() }, body)
}

/**
 * Runs a suspending body in which scopes of this transactor join the given transaction: [Transactor.within]. It is awaited with its
 * children, and ends no transaction.
 *
 * ```
 * db.suspendWithin(tx) { library.writesWithItsOwnScope() }
 * ```
 *
 * @throws IllegalArgumentException if it belongs to another transactor
 * @throws TxStateException if it has ended
 * @throws TxException if it must not be used here
 */
public suspend fun <T> Transactor.suspendWithin(
    tx: Tx,
    body: suspend CoroutineScope.() -> T,
): T = suspendWithin(tx, null, body)

/** As the public one, with the place that is held for the transaction. */
internal suspend fun <T> Transactor.suspendWithin(
    tx: Tx,
    place: HeldPlace?,
    body: suspend CoroutineScope.() -> T,
): T {
    val steps = Steps.of(this)
    return inFrame(steps, place, { steps.within(tx) }, body)
}

private suspend fun <T> inFrame(
    steps: Steps,
    place: HeldPlace?,
    frame: () -> Current.Frame,
    body: suspend CoroutineScope.() -> T,
): T =
    blocking(steps.start()) {
        val inner = TxContext(frame(), place, currentCoroutineContext()[TxContext])
        var thrown: Throwable? = null
        val ended =
            ended {
                withContext(inner) {
                    try {
                        body()
                    } catch (e: Throwable) {
                        thrown = e
                        throw e
                    }
                }
            }
        val error = ended.error?.let { originalOf(it, thrown) }
        Ended(ended.result, error?.let { cancelledBy(currentCoroutineContext().job, it) ?: it })
    }
