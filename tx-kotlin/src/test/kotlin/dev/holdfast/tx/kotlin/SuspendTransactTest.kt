package dev.holdfast.tx.kotlin

import dev.holdfast.tx.TxStateException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.yield
import org.assertj.core.api.Assertions.assertThat
import org.assertj.core.api.Assertions.assertThatThrownBy
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource

/** What a suspending scope does that is not cancelled. */
class SuspendTransactTest {
    @ParameterizedTest
    @EnumSource
    fun `a body that returns is committed, and its value is the caller's`(server: Bed.Server) =
        on(server) { bed ->
            val result =
                bed.db.suspendTransact { tx ->
                    tx.insert(1)
                    yield()
                    tx.insert(2)
                    "done"
                }
            assertThat(result).isEqualTo("done")
            assertThat(bed.ids()).containsExactly(1, 2)
        }

    @ParameterizedTest
    @EnumSource
    fun `what a body throws is rolled back, and is the very exception that the caller gets`(server: Bed.Server) =
        on(server) { bed ->
            val mine = IllegalArgumentException("mine")
            val caught =
                runCatching {
                    bed.db.suspendTransact { tx ->
                        tx.insert(1)
                        yield()
                        throw mine
                    }
                }.exceptionOrNull()
            assertThat(caught).isSameAs(mine)
            assertThat(bed.ids()).isEmpty()
        }

    @ParameterizedTest
    @EnumSource
    fun `the transaction follows the body over suspensions and dispatchers, and blocking code sees it`(
        server: Bed.Server,
    ) = on(server) { bed ->
        bed.db.suspendTransact { tx ->
            tx.insert(1)
            delay(1)
            bed.db.execute { it.insert(2) }
            withContext(Dispatchers.Default) { bed.db.withConnection { it.insert(3) } }
            launch(Dispatchers.IO) {
                bed.db.suspendTransact { it.insert(4) }
            }
            assertThat(bed.ids()).isEmpty()
        }
        assertThat(bed.ids()).containsExactly(1, 2, 3, 4)
    }

    @ParameterizedTest
    @EnumSource
    fun `children end before the commit`(server: Bed.Server) =
        on(server) { bed ->
            bed.db.suspendTransact { tx ->
                launch {
                    delay(20)
                    tx.insert(1)
                }
            }
            assertThat(bed.ids()).containsExactly(1)
        }

    @ParameterizedTest
    @EnumSource
    fun `a nested scope that fails is undone alone`(server: Bed.Server) =
        on(server) { bed ->
            bed.db.suspendTransact { tx ->
                tx.insert(1)
                runCatching {
                    tx.suspendNested { inner ->
                        inner.insert(2)
                        yield()
                        error("undo")
                    }
                }
                tx.insert(3)
            }
            assertThat(bed.ids()).containsExactly(1, 3)
        }

    @ParameterizedTest
    @EnumSource
    fun `nested scopes of children do not interleave`(server: Bed.Server) =
        on(server) { bed ->
            bed.db.suspendTransact { tx ->
                (1..20)
                    .map { n ->
                        async(Dispatchers.Default) {
                            runCatching {
                                tx.suspendNested { inner ->
                                    inner.insert(n)
                                    delay(1)
                                    if (n % 2 == 0) error("undo")
                                }
                            }
                        }
                    }.awaitAll()
            }
            assertThat(bed.ids()).containsExactlyElementsOf((1..20).filter { it % 2 == 1 })
        }

    @ParameterizedTest
    @EnumSource
    fun `a coroutine that outlives its scope is refused`(server: Bed.Server) =
        on(server) { bed ->
            val handle = bed.db.suspendTransact { it }
            assertThatThrownBy { handle.insert(1) }.isInstanceOf(TxStateException::class.java)
            assertThat(bed.ids()).isEmpty()
        }
}
