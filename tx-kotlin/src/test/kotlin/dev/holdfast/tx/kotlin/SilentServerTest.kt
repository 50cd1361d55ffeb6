package dev.holdfast.tx.kotlin

import com.zaxxer.hikari.HikariConfig
import com.zaxxer.hikari.HikariDataSource
import dev.holdfast.tx.Propagation
import dev.holdfast.tx.Tx
import dev.holdfast.tx.TxTimeoutException
import dev.holdfast.tx.TxTimeoutException.Limit
import dev.holdfast.tx.testkit.Patience
import dev.holdfast.tx.testkit.fault.CountingProxy
import dev.holdfast.tx.testkit.server.TestServer
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import org.assertj.core.api.Assertions.assertThat
import org.junit.jupiter.api.Test
import java.net.URI
import java.time.Duration.ofSeconds
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.seconds
import kotlin.time.toKotlinDuration

/** Suspending scopes before a server that does not answer or has ended their session, and with a pool of their own inside others. */
class SilentServerTest {
    /** A bed whose pool reaches PostgreSQL through a proxy. */
    private fun proxied(
        size: Int,
        test: suspend CoroutineScope.(Bed, CountingProxy) -> Unit,
    ) {
        val address =
            URI.create(
                TestServer
                    .postgres(18)
                    .find()
                    .url()
                    .removePrefix("jdbc:"),
            )
        CountingProxy.before(address.host, address.port).use { proxy ->
            on(
                Bed.Server.POSTGRES,
                size,
                { endWithin(ofSeconds(1)) },
                { url -> url.replace("//${address.authority}/", "//localhost:${proxy.port()}/") },
            ) { bed ->
                try {
                    test(bed, proxy)
                } finally {
                    proxy.thaw()
                }
            }
        }
    }

    @Test
    fun `of 200 callers on a pool of 10 those with a limit are told while the server is frozen`() =
        proxied(10) { bed, proxy ->
            List(10) { bed.pool.connection }.forEach { it.close() } // connected before limits begin
            val held = AtomicInteger()
            val allHeld = CompletableDeferred<Unit>()
            val frozen = CompletableDeferred<Unit>()

            suspend fun call(
                id: Int,
                limit: Duration,
            ) = runCatching {
                bed.db.suspendTransact(wholeTimeout = limit) { tx ->
                    if (id < 10) {
                        tx.insert(1_000 + id)
                        if (held.incrementAndGet() == 10) {
                            allHeld.complete(Unit)
                        }
                        frozen.await()
                    }
                    tx.insert(id)
                }
            }.exceptionOrNull()

            coroutineScope {
                val (some, others) = (0 until 200).partition { it < 10 }
                val run = { id: Int ->
                    async(Dispatchers.Default) {
                        id to
                            call(id, if (id % 2 == 0) 2.seconds else 1.hours)
                    }
                }
                val holders = some.map(run)
                bounded { allHeld.await() }
                proxy.freeze()
                frozen.complete(Unit)
                val all = holders + others.map(run)
                bounded { all.filterIndexed { id, _ -> id % 2 == 0 }.awaitAll() }.forEach { (id, told) ->
                    val expired =
                        generateSequence(
                            told,
                        ) { it.cause }.filterIsInstance<TxTimeoutException>().firstOrNull()
                    assertThat(expired?.limit()).describedAs("of $id: $told").isEqualTo(Limit.WHOLE)
                }
                proxy.thaw()
                bounded { all.filterIndexed { id, _ -> id % 2 == 1 }.awaitAll() }.forEach { (id, told) ->
                    assertThat(told).describedAs("of $id").isNull()
                }
            }
            val odd = (0 until 200).filter { it % 2 == 1 }
            assertThat(bed.ids()).isEqualTo(odd + (1_000 until 1_010).filter { it % 2 == 1 })
            allAtOnce(bed, 10)
        }

    /** All connections of the pool are of use at the same time. */
    private suspend fun allAtOnce(
        bed: Bed,
        size: Int,
    ) = coroutineScope {
        val held = AtomicInteger()
        val all = CompletableDeferred<Unit>()
        val each =
            List(size) { i ->
                launch(Dispatchers.Default) {
                    bed.db.suspendTransact { tx ->
                        tx.insert(2_000 + i)
                        if (held.incrementAndGet() == size) {
                            all.complete(Unit)
                        }
                        all.await()
                    }
                }
            }
        bounded { each.joinAll() }
        assertThat(bed.ids().filter { it >= 2_000 }).hasSize(size)
    }

    private suspend fun <T> bounded(work: suspend () -> T): T =
        withTimeout(Patience.step().toKotlinDuration()) { work() }

    /** A caller is cancelled once its body says that the server is frozen, and the one place in the pool is free again. */
    private fun cancelledBeforeASilentServer(body: suspend (Tx, () -> Unit) -> Unit) =
        proxied(1) { bed, proxy ->
            coroutineScope {
                val frozen = CompletableDeferred<Unit>()
                val caller =
                    launch(Dispatchers.Default) {
                        bed.db.suspendTransact { tx ->
                            tx.insert(1)
                            body(tx) {
                                proxy.freeze()
                                frozen.complete(Unit)
                            }
                        }
                    }
                frozen.await()
                caller.cancel()
                bounded { caller.join() }
                proxy.thaw()
            }
            bed.db.suspendTransact { it.insert(3) }
            assertThat(bed.ids()).containsExactly(3)
        }

    @Test
    fun `a caller that is cancelled goes on though the server does not answer the cancel`() =
        cancelledBeforeASilentServer { tx, freeze ->
            freeze()
            tx.insert(2)
        }

    @Test
    fun `a caller that is cancelled goes on though the server does not answer the rollback`() =
        cancelledBeforeASilentServer { tx, freeze ->
            tx.suspendNested { inner ->
                inner.insert(2)
                freeze()
                awaitCancellation()
            }
        }

    @Test
    fun `a session that is killed while its body suspends costs one error and no place`() =
        on(Bed.Server.POSTGRES) { bed ->
            val raised = mutableListOf<Throwable>()
            val told =
                runCatching {
                    bed.db.suspendTransact { tx ->
                        tx.insert(1)
                        val session =
                            tx.connection().createStatement().use { statement ->
                                statement.executeQuery("SELECT pg_backend_pid()").use { it.apply { next() }.getInt(1) }
                            }
                        bed.run("SELECT pg_terminate_backend($session, 10000)")
                        repeat(2) { i -> raised += runCatching { tx.insert(2 + i) }.exceptionOrNull()!! }
                        throw raised[0]
                    }
                }.exceptionOrNull()
            assertThat(told).isSameAs(raised[0])
            assertThat(generateSequence(raised[1]) { it.cause }.toList()).contains(raised[0])
            bed.db.suspendTransact { it.insert(4) }
            assertThat(bed.ids()).containsExactly(4)
        }

    @Test
    fun `a transaction of its own inside another has a place in the separate pool`() {
        val server = TestServer.postgres(18).find()
        val config =
            HikariConfig().apply {
                jdbcUrl = server.url()
                username = server.user()
                password = server.password()
                maximumPoolSize = 1
            }
        HikariDataSource(config).use { second ->
            on(Bed.Server.POSTGRES, set = { separatePool(second) }) { bed ->
                bed.db.suspendTransact { tx ->
                    tx.insert(1)
                    bounded { bed.db.suspendTransact(propagation = Propagation.SEPARATE) { it.insert(2) } }
                    assertThat(bed.ids()).containsExactly(2)
                }
                assertThat(bed.ids()).containsExactly(1, 2)
            }
        }
    }
}
