package dev.holdfast.tx.kotlin

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
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
