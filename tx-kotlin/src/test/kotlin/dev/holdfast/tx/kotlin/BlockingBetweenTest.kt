package dev.holdfast.tx.kotlin

import dev.holdfast.tx.Propagation
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.assertj.core.api.Assertions.assertThat
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource
import kotlin.time.Duration.Companion.seconds

/** Suspending calls, with blocking code between the one around and the one inside. */
class BlockingBetweenTest {
    @ParameterizedTest
    @EnumSource
    fun `the inner call does not wait for a place that the outer one has no use for`(server: Bed.Server) =
        on(server) { bed ->
            bed.db.suspendTransact {
                runBlocking {
                    bed.db.suspendTransact(
                        propagation = Propagation.SEPARATE,
                        acquireTimeout = 5.seconds,
                    ) { it.insert(1) }
                }
            }
            assertThat(bed.ids()).containsExactly(1)
        }

    @ParameterizedTest
    @EnumSource
    fun `nor does a transaction that is begun there`(server: Bed.Server) =
        on(server) { bed ->
            bed.db.suspendTransact {
                runBlocking {
                    val open = bed.db.suspendBegin(txOptions(acquireTimeout = 5.seconds))
                    open.tx.insert(1)
                    open.commit()
                }
            }
            assertThat(bed.ids()).containsExactly(1)
        }

    @ParameterizedTest
    @EnumSource
    fun `the inner call joins the outer one`(server: Bed.Server) =
        on(server) { bed ->
            bed.db.suspendTransact { tx ->
                runBlocking { bed.db.suspendTransact { it.insert(1) } }
                tx.setRollbackOnly("test")
            }
            assertThat(bed.ids()).isEmpty()
        }

    @ParameterizedTest
    @EnumSource
    fun `a caller that is not dispatched when the call is over may block then`(server: Bed.Server) =
        on(server) { bed ->
            val over = CompletableDeferred<Result<Unit>>()
            launch(Dispatchers.Unconfined) {
                bed.db.suspendTransact { it.insert(1) }
                over.complete(runCatching { bed.db.execute { it.insert(2) } })
            }
            over.await().getOrThrow()
            assertThat(bed.ids()).containsExactly(1, 2)
        }
}
