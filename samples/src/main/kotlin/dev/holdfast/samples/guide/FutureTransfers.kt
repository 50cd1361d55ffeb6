package dev.holdfast.samples.guide

import dev.holdfast.samples.firstscreen.Accounts
import dev.holdfast.tx.Transactor
import dev.holdfast.tx.kotlin.suspendTransact
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.future.future
import kotlinx.coroutines.runBlocking
import java.util.concurrent.CompletableFuture

// region future

/** Transfers, for callers in Java. */
class FutureTransfers(
    private val db: Transactor,
) : AutoCloseable {
    private val running = SupervisorJob()
    private val scope = CoroutineScope(running)

    /** Moves an amount, and tells what is left. Cancelling the future rolls back what is not committed yet. */
    fun transfer(
        amount: Long,
        from: Int,
        to: Int,
    ): CompletableFuture<Long> =
        scope.future {
            db.suspendTransact { tx ->
                val accounts = Accounts(tx)
                accounts.move(amount, from, to)
                accounts.balance(from)
            }
        }

    /** Waits for what is under way. */
    override fun close() {
        running.complete()
        runBlocking { running.join() }
    }
}
// endregion
