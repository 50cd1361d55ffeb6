package dev.holdfast.tx.kotlin

import dev.holdfast.tx.Hook
import dev.holdfast.tx.Outcome
import dev.holdfast.tx.Tx
import dev.holdfast.tx.engine.internal.DueHook
import kotlinx.coroutines.runBlocking
import java.util.function.Consumer

/**
 * Runs once before COMMIT, inside of the transaction, if all went well until then: [Tx.beforeCommit]. It is cancelled with
 * the caller, which rolls back.
 *
 * A suspending hook is awaited. Where a blocking scope fires it, its thread is blocked for as long.
 *
 * ```
 * tx.onBeforeCommit { check(totals(tx) == expected) }
 * ```
 */
public fun Tx.onBeforeCommit(hook: suspend () -> Unit): Unit = beforeCommit(SuspendingHook(hook))

/**
 * Runs once after the server has said that it is committed, outside of the transaction: [Tx.afterCommit]. It is awaited even
 * if the caller was cancelled in the meantime.
 *
 * ```
 * tx.onCommit { channel.send(OrderPlaced(id)) }
 * ```
 */
public fun Tx.onCommit(hook: suspend () -> Unit): Unit = afterCommit(SuspendingHook(hook))

/**
 * Runs once after a rollback, outside of the transaction, also of a caller that was cancelled: [Tx.afterRollback].
 *
 * ```
 * tx.onRollback { uploads.delete(key) }
 * ```
 */
public fun Tx.onRollback(hook: suspend () -> Unit): Unit = afterRollback(SuspendingHook(hook))

/**
 * Runs once after the end, whatever it was, outside of the transaction: [Tx.afterCompletion].
 *
 * ```
 * tx.onCompletion { outcome -> audit.write(id, outcome) }
 * ```
 */
public fun Tx.onCompletion(hook: suspend (Outcome) -> Unit): Unit = afterCompletion(SuspendingOutcomeHook(hook))

private class SuspendingHook(
    val hook: suspend () -> Unit,
) : Hook {
    override fun fire(): Unit = runBlocking(TxContext.ofThread()) { hook() }
}

private class SuspendingOutcomeHook(
    val hook: suspend (Outcome) -> Unit,
) : Consumer<Outcome> {
    override fun accept(outcome: Outcome): Unit = runBlocking(TxContext.ofThread()) { hook(outcome) }
}

/** Fires it, and awaits it if it suspends. */
internal suspend fun Hook.await(): Unit = if (this is SuspendingHook) hook() else fire()

/** Fires it, and awaits it if it suspends. */
internal suspend fun DueHook.await() {
    val hook = hook()
    val told = told()
    when {
        hook is SuspendingHook -> hook.hook()
        told is SuspendingOutcomeHook -> told.hook(outcome())
        else -> fire()
    }
}
