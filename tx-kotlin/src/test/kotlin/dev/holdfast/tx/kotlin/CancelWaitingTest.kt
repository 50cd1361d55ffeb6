package dev.holdfast.tx.kotlin

import dev.holdfast.tx.FailureKind
import dev.holdfast.tx.RetryPolicy
import dev.holdfast.tx.Tx
import dev.holdfast.tx.TxOptions
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.launch
import org.assertj.core.api.Assertions.assertThat
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource
import java.sql.SQLException
import java.time.Duration
import java.util.concurrent.CountDownLatch
import java.util.concurrent.atomic.AtomicReference

/** Whoever is cancelled while it waits for others, not for the server, stops waiting within a second. */
@Timeout(60)
class CancelWaitingTest {
    @ParameterizedTest
    @EnumSource
    fun `waiting for a place in the pool ends`(server: Bed.Server) =
        on(server) { bed ->
            val held = CompletableDeferred<Unit>()
            val release = CompletableDeferred<Unit>()
            val holder =
                launch(Dispatchers.Default) {
                    bed.db.suspendTransact { tx ->
                        tx.insert(1)
                        held.complete(Unit)
                        release.await()
                    }
                }
            held.await()
            val waiting =
                List(20) {
                    launch(Dispatchers.Unconfined) {
                        bed.db.suspendTransact {
                            it.insert(100 + it.hashCode())
                        }
                    }
                }
            waiting.forEach { it.endsWithinASecond() }
            release.complete(Unit)
            holder.join()
            assertThat(bed.ids()).containsExactly(1)
            isAsGoodAsNew(bed)
        }

    /** What there is beside the pool's own limit. */
    enum class AcquireLimit(
        val options: TxOptions,
    ) {
        NONE(TxOptions.none()),
        ACQUIRE(TxOptions.none().acquireTimeout(Duration.ofMinutes(5))),
        WHOLE(TxOptions.none().wholeTimeout(Duration.ofMinutes(5))),
    }

    @ParameterizedTest
    @EnumSource
    fun `waiting for a connection that somebody else has ends`(limit: AcquireLimit) =
        on(Bed.Server.POSTGRES) { bed ->
            bed.pool.connection.use {
                val caller = launch(Dispatchers.Default) { bed.db.suspendTransact(limit.options) { it.insert(1) } }
                await("it waits for the pool") { bed.pool.hikariPoolMXBean.threadsAwaitingConnection == 1 }
                caller.endsWithinASecond()
                await("nobody waits for the pool") { bed.pool.hikariPoolMXBean.threadsAwaitingConnection == 0 }
            }
            isAsGoodAsNew(bed)
        }

    @ParameterizedTest
    @EnumSource
    fun `waiting for the end of another nested scope ends`(server: Bed.Server) =
        on(server) { bed ->
            besideANestedScope(bed) { tx -> launch(Dispatchers.Unconfined) { tx.suspendNested { it.insert(2) } } }
        }

    @ParameterizedTest
    @EnumSource
    fun `waiting for a connection that a nested scope keeps ends`(server: Bed.Server) =
        on(server) { bed ->
            besideANestedScope(bed) { tx -> launchBlocked { tx.insert(2) } }
        }

    @ParameterizedTest
    @EnumSource
    fun `waiting for a thread that has the connection ends`(server: Bed.Server) =
        on(server) { bed ->
            bed.db.suspendTransact { tx ->
                tx.insert(1)
                val had = CompletableDeferred<Unit>()
                val release = CountDownLatch(1)
                launch(Dispatchers.IO) {
                    tx.nested { inner ->
                        inner.insert(3)
                        had.complete(Unit)
                        release.await()
                    }
                }
                had.await()
                try {
                    launchBlocked { tx.insert(2) }.endsWithinASecond()
                } finally {
                    release.countDown()
                }
            }
            assertThat(bed.ids()).containsExactly(1, 3)
        }

    private suspend fun besideANestedScope(
        bed: Bed,
        waits: suspend CoroutineScope.(Tx) -> Job,
    ) {
        bed.db.suspendTransact { tx ->
            tx.insert(1)
            val open = CompletableDeferred<Unit>()
            val release = CompletableDeferred<Unit>()
            val nested =
                launch {
                    tx.suspendNested { inner ->
                        inner.insert(3)
                        open.complete(Unit)
                        release.await()
                        inner.insert(4)
                    }
                }
            open.await()
            waits(tx).endsWithinASecond()
            assertThat(nested.isActive).isTrue()
            release.complete(Unit)
        }
        assertThat(bed.ids()).containsExactly(1, 3, 4)
    }

    /** Blocks a thread of its own; it is blocked when this returns. */
    private fun CoroutineScope.launchBlocked(work: () -> Unit): Job {
        val thread = AtomicReference<Thread>()
        val job =
            launch(Dispatchers.IO) {
                thread.set(Thread.currentThread())
                try {
                    work()
                } catch (_: SQLException) {
                    ensureActive() // or it would fail the others
                }
            }
        await("a thread waits") {
            thread.get()?.stackTrace?.any { "Turn" in it.className } == true &&
                thread.get().state == Thread.State.TIMED_WAITING
        }
        return job
    }

    @ParameterizedTest
    @EnumSource
    fun `waiting for the next attempt ends`(server: Bed.Server) =
        on(server) { bed ->
            val hour = Duration.ofHours(1)
            val waits = CompletableDeferred<Unit>()
            val again =
                RetryPolicy.attempts(3).on(FailureKind.UNIQUE).backoff(hour, hour).onAttempt {
                    _,
                    _,
                    _,
                    ->
                    waits.complete(Unit)
                }
            var attempts = 0
            val caller =
                launch(Dispatchers.Default) {
                    bed.db.suspendTransact(retry = again) { tx ->
                        attempts++
                        tx.insert(1)
                        tx.insert(1)
                    }
                }
            waits.await()
            caller.endsWithinASecond()
            assertThat(attempts).isEqualTo(1)
            assertThat(bed.ids()).isEmpty()
        }
}
