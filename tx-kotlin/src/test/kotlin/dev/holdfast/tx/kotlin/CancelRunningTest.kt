package dev.holdfast.tx.kotlin

import dev.holdfast.tx.Tx
import dev.holdfast.tx.testkit.fault.CountingProxy
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.async
import kotlinx.coroutines.cancel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import org.assertj.core.api.Assertions.assertThat
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource
import java.sql.SQLException
import java.util.concurrent.atomic.AtomicReference
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

/**
 * A statement whose coroutine is cancelled ends within a second: from when the coroutine is cancelled to when the driver comes
 * back with the statement, which would go on for minutes.
 */
@Timeout(60)
class CancelRunningTest {
    /** How it comes that what runs is cancelled: a limit, or a deed. */
    enum class Means {
        JOB,
        TIMEOUT_AROUND,
        TIMEOUT_INSIDE,
        SIBLING,
        SIBLING_IN_A_SCOPE_INSIDE,
        SCOPE,
    }

    @ParameterizedTest
    @EnumSource
    fun `a statement of SQLite ends within a second`(means: Means) = endsWithinASecond(Bed.Server.SQLITE, means)

    @ParameterizedTest
    @EnumSource
    fun `a statement of PostgreSQL ends within a second`(means: Means) = endsWithinASecond(Bed.Server.POSTGRES, means)

    private fun endsWithinASecond(
        server: Bed.Server,
        means: Means,
    ) = on(server) { bed ->
        bed.db.execute { it.ids() } // connected before a timeout begins
        val endless = Endless(bed)
        val fails = CompletableDeferred<Unit>()
        val others = CoroutineScope(SupervisorJob())
        val thrown = AtomicReference<Throwable?>()
        val caller =
            others.launch(Dispatchers.Default) {
                try {
                    val work: suspend CoroutineScope.(Tx) -> Unit = { tx ->
                        tx.insert(1)
                        when (means) {
                            Means.TIMEOUT_INSIDE -> {
                                withTimeout(LIMIT) { endless.on(tx.connection(), this) }
                            }

                            Means.SIBLING_IN_A_SCOPE_INSIDE -> {
                                coroutineScope {
                                    launch(Dispatchers.Default) {
                                        fails.await()
                                        throw Failing()
                                    }
                                    endless.on(tx.connection(), this)
                                }
                            }

                            Means.SIBLING -> {
                                launch(Dispatchers.Default) {
                                    fails.await()
                                    throw Failing()
                                }
                                endless.on(tx.connection(), this)
                            }

                            else -> {
                                endless.on(tx.connection(), this)
                            }
                        }
                    }
                    if (means == Means.TIMEOUT_AROUND) {
                        withTimeout(LIMIT) { bed.db.suspendTransact(body = work) }
                    } else {
                        bed.db.suspendTransact(body = work)
                    }
                } catch (e: Throwable) {
                    thrown.set(e)
                }
            }
        endless.awaitRunning()
        when (means) {
            Means.JOB -> {
                caller.cancel()
            }

            Means.SCOPE -> {
                others.cancel()
            }

            Means.SIBLING, Means.SIBLING_IN_A_SCOPE_INSIDE -> {
                fails.complete(Unit)
            }

            Means.TIMEOUT_AROUND, Means.TIMEOUT_INSIDE -> {}
        }
        endless.awaitEnded()
        assertThat(endless.taken).isLessThan(1.seconds)
        caller.join()
        when (means) {
            Means.JOB, Means.SCOPE -> assertThat(thrown.get()).isInstanceOf(CancellationException::class.java)

            Means.SIBLING, Means.SIBLING_IN_A_SCOPE_INSIDE -> assertThat(thrown.get()).isInstanceOf(Failing::class.java)

            Means.TIMEOUT_AROUND -> assertThat(thrown.get()).isInstanceOf(TimeoutCancellationException::class.java)

            // what a block throws goes before its timeout, as withTimeout has it
            Means.TIMEOUT_INSIDE -> assertThat(thrown.get()).isInstanceOf(SQLException::class.java)
        }
        isAsGoodAsNew(bed)
    }

    /** Where the statement is. */
    enum class Place {
        ROWS,
        BLOCKING_SCOPE,
        BLOCKING_NESTED,
        NESTED,
        CHOSEN,
        HOOK,
        ON_ANOTHER_DISPATCHER,
    }

    @ParameterizedTest
    @EnumSource
    fun `a statement of SQLite is cancelled wherever it is`(place: Place) = isCancelledIn(Bed.Server.SQLITE, place)

    @ParameterizedTest
    @EnumSource
    fun `a statement of PostgreSQL is cancelled wherever it is`(place: Place) =
        isCancelledIn(Bed.Server.POSTGRES, place)

    private fun isCancelledIn(
        server: Bed.Server,
        place: Place,
    ) = on(server) { bed ->
        val endless = Endless(bed)
        val caller =
            launch(Dispatchers.Default) {
                bed.db.suspendTransact { tx ->
                    tx.insert(1)
                    when (place) {
                        Place.ROWS -> endless.fetching(tx.connection())
                        Place.BLOCKING_SCOPE -> bed.db.execute { endless.on(it.connection()) }
                        Place.BLOCKING_NESTED -> tx.nested { endless.on(it.connection()) }
                        Place.NESTED -> tx.suspendNested { endless.on(it.connection()) }
                        Place.CHOSEN -> bed.db.suspendWithin(tx) { bed.db.withConnection { endless.on(it) } }
                        Place.HOOK -> tx.onBeforeCommit { endless.on(tx.connection()) }
                        Place.ON_ANOTHER_DISPATCHER -> async(Dispatchers.IO) { endless.on(tx.connection()) }.await()
                    }
                }
            }
        endless.awaitRunning()
        val cancelled = TimeSource.Monotonic.markNow()
        caller.cancel()
        endless.awaitEnded()
        assertThat(endless.ended - cancelled).isLessThan(1.seconds)
        caller.join()
        isAsGoodAsNew(bed)
    }

    @ParameterizedTest
    @EnumSource
    fun `a timeout in a nested scope undoes that alone`(server: Bed.Server) =
        on(server) { bed ->
            val endless = Endless(bed)
            bed.db.suspendTransact { tx ->
                tx.insert(1)
                val nested =
                    runCatching {
                        tx.suspendNested { inner ->
                            inner.insert(2)
                            withTimeout(100.milliseconds) { endless.on(inner.connection()) }
                        }
                    }
                assertThat(nested.isFailure).isTrue()
                tx.insert(3)
            }
            assertThat(bed.ids()).containsExactly(1, 3)
        }

    @Test
    fun `a cancel that is lost on its way is made again`() {
        val place = Bed.Server.POSTGRES.place()
        val port = Regex(":(\\d+)/").find(place.url)!!.groupValues[1]
        CountingProxy.before("localhost", port.toInt()).use { proxy ->
            on(Bed.Server.POSTGRES, through = { it.replace(":$port/", ":${proxy.port()}/") }) { bed ->
                val endless = Endless(bed)
                val caller = launch(Dispatchers.Default) { bed.db.suspendTransact { endless.on(it.connection()) } }
                endless.awaitRunning()
                proxy.dropRequest()
                caller.cancel()
                endless.awaitEnded()
                assertThat(proxy.losses()).isEqualTo(1)
                caller.join()
                isAsGoodAsNew(bed)
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    fun `a canceller that goes on by itself holds no cancel up`(server: Bed.Server) =
        on(server) { bed ->
            val endless = Endless(bed)
            val caller = launch(Dispatchers.Default) { bed.db.suspendTransact { endless.on(it.connection()) } }
            endless.awaitRunning()
            launch(Dispatchers.Unconfined, CoroutineStart.DEFAULT) {
                caller.cancel()
                endless.awaitEnded() // by blocking the thread
            }
            caller.join()
        }

    /** A failure of somebody beside. */
    class Failing : RuntimeException("failing") {
        private companion object {
            private const val serialVersionUID = 1L
        }
    }

    private companion object {
        /** Enough for the statement to be running by then. */
        val LIMIT = 3.seconds
    }
}
