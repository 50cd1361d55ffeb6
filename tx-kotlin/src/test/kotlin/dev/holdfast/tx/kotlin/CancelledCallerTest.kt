package dev.holdfast.tx.kotlin

import dev.holdfast.tx.TxRolledBackException
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.job
import kotlinx.coroutines.launch
import org.assertj.core.api.Assertions.assertThat
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource

/** What a caller is told that was cancelled. */
class CancelledCallerTest {
    @ParameterizedTest
    @EnumSource
    fun `its exception has no copies of itself suppressed, which coroutines that debug make`(server: Bed.Server) =
        on(server) { bed ->
            val told = told(bed) { awaitCancellation() }
            assertThat(told).isInstanceOf(CancellationException::class.java)
            assertThat(suppressedIn(told)).isEmpty()
        }

    @ParameterizedTest
    @EnumSource
    fun `what its body threw in place of the exception is suppressed in that`(server: Bed.Server) =
        on(server) { bed ->
            val mine = IllegalArgumentException("mine")
            val told =
                told(bed) {
                    try {
                        awaitCancellation()
                    } finally {
                        throw mine
                    }
                }
            assertThat(told).isInstanceOf(CancellationException::class.java)
            assertThat(suppressedIn(told)).containsExactly(mine)
        }

    /** Where the caller runs. */
    enum class Caller(
        val dispatcher: CoroutineDispatcher,
    ) {
        DEFAULT(Dispatchers.Default),

        /** Is not dispatched when the call comes back. */
        UNCONFINED(Dispatchers.Unconfined),
    }

    @ParameterizedTest
    @EnumSource
    fun `the error of a COMMIT that was refused is not hidden by a cancel that comes then`(where: Caller) =
        on(Bed.Server.POSTGRES) { bed ->
            bed.run("ALTER TABLE item ADD UNIQUE (n) DEFERRABLE INITIALLY DEFERRED")
            val told = CompletableDeferred<Throwable?>()
            launch(where.dispatcher) {
                val caller = coroutineContext.job
                val call =
                    runCatching {
                        bed.db.suspendTransact { tx ->
                            tx.insert(1)
                            tx.insert(2)
                            tx.afterCompletion { caller.cancel() }
                        }
                    }
                told.complete(call.exceptionOrNull())
            }
            assertThat(told.await()).isInstanceOf(TxRolledBackException::class.java)
        }

    /** What a call throws whose caller is cancelled in the body. */
    private suspend fun told(
        bed: Bed,
        body: suspend () -> Unit,
    ): Throwable =
        coroutineScope {
            val begun = CompletableDeferred<Unit>()
            val told = CompletableDeferred<Throwable>()
            val caller =
                launch {
                    try {
                        bed.db.suspendTransact { tx ->
                            tx.insert(1)
                            begun.complete(Unit)
                            body()
                        }
                    } catch (e: Throwable) {
                        told.complete(e)
                        throw e
                    }
                }
            begun.await()
            caller.cancelAndJoin()
            told.await()
        }

    private fun suppressedIn(told: Throwable): List<Throwable> =
        generateSequence(told) { it.cause }.flatMap { it.suppressed.asSequence() }.toList()
}
