package dev.holdfast.tx.kotlin

import dev.holdfast.tx.FailureKind
import dev.holdfast.tx.RetryPolicy
import dev.holdfast.tx.Tx
import dev.holdfast.tx.TxOptions
import dev.holdfast.tx.testkit.fault.CountingProxy
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.async
import kotlinx.coroutines.cancel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import org.assertj.core.api.Assertions.assertThat
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource
import org.sqlite.Function
import org.sqlite.SQLiteConnection
import java.sql.Connection
import java.sql.SQLException
import java.time.Duration
import java.util.concurrent.CountDownLatch
import java.util.concurrent.atomic.AtomicBoolean
import java.util.concurrent.atomic.AtomicReference
import java.util.concurrent.locks.LockSupport
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

/** Whoever is cancelled while it waits, for the server or for others, stops waiting. */
@Timeout(60)
class CancelRunningTest {
    /** A statement that takes for ever, and what the server says of it. */
    private class Endless(
        private val bed: Bed,
    ) {
        private val started = AtomicBoolean()
        private val over = AtomicBoolean()

        init {
            if (bed.server == Bed.Server.SQLITE) {
                val all = List(bed.pool.maximumPoolSize) { bed.pool.connection }
                all.forEach { Function.create(it.unwrap(SQLiteConnection::class.java), "started", Started(started)) }
                all.forEach { it.close() }
            }
        }

        private class Started(
            private val started: AtomicBoolean,
        ) : Function() {
            override fun xFunc() {
                started.set(true)
                result(1)
            }
        }

        fun on(connection: Connection) {
            try {
                connection.createStatement().use { statement ->
                    statement
                        .executeQuery(
                            when (bed.server) {
                                Bed.Server.SQLITE -> {
                                    "WITH RECURSIVE c(x) AS (SELECT started() UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
                                }

                                Bed.Server.POSTGRES -> {
                                    "SELECT pg_sleep(600)"
                                }
                            },
                        ).use { it.next() }
                }
            } finally {
                over.set(true)
            }
        }

        /** Has answered a row, and is asked for the next one. */
        fun fetching(connection: Connection) {
            try {
                connection.createStatement().use { statement ->
                    statement.fetchSize = 1
                    statement
                        .executeQuery(
                            when (bed.server) {
                                Bed.Server.SQLITE -> {
                                    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) " +
                                        "SELECT x FROM c WHERE x = 1 OR (x = 2 AND started() = 2)"
                                }

                                Bed.Server.POSTGRES -> {
                                    "SELECT n, CASE n WHEN 2 THEN pg_sleep(600) END FROM generate_series(1, 3) n"
                                }
                            },
                        ).use { rows -> generateSequence { rows.next().takeIf { it } }.count() }
                }
            } finally {
                over.set(true)
            }
        }

        fun awaitRunning() =
            await("the statement runs") {
                if (bed.server ==
                    Bed.Server.SQLITE
                ) {
                    started.get()
                } else {
                    bed.sleeping() > 0
                }
            }

        fun awaitEnded() =
            await("the statement has ended") {
                over.get() &&
                    (bed.server == Bed.Server.SQLITE || bed.sleeping() == 0)
            }
    }

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
    ) {
        // a machine may stand still for a while, but not each time
        val quick =
            generateSequence { timeToEnd(server, means) }
                .take(3)
                .any { it < 1.seconds }
        assertThat(quick).describedAs("one of three ended within a second").isTrue()
    }

    private fun timeToEnd(
        server: Bed.Server,
        means: Means,
    ): kotlin.time.Duration {
        var taken = kotlin.time.Duration.INFINITE
        on(server) { bed -> taken = cancelled(bed, means) }
        return taken
    }

    /** Has a statement run, cancels it, and answers how long it took to end. */
    private suspend fun cancelled(
        bed: Bed,
        means: Means,
    ): kotlin.time.Duration {
        val endless = Endless(bed)
        val fails = CompletableDeferred<Unit>()
        val others = CoroutineScope(SupervisorJob())
        val thrown = AtomicReference<Throwable?>()
        val begun = TimeSource.Monotonic.markNow()
        val caller =
            others.launch(Dispatchers.Default) {
                try {
                    val work: suspend CoroutineScope.(Tx) -> Unit = { tx ->
                        tx.insert(1)
                        when (means) {
                            Means.TIMEOUT_INSIDE -> {
                                withTimeout(LIMIT) { endless.on(tx.connection()) }
                            }

                            Means.SIBLING_IN_A_SCOPE_INSIDE -> {
                                coroutineScope {
                                    launch(Dispatchers.Default) {
                                        fails.await()
                                        throw Failing()
                                    }
                                    endless.on(tx.connection())
                                }
                            }

                            Means.SIBLING -> {
                                launch(Dispatchers.Default) {
                                    fails.await()
                                    throw Failing()
                                }
                                endless.on(tx.connection())
                            }

                            else -> {
                                endless.on(tx.connection())
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
        var cancelled = TimeSource.Monotonic.markNow()
        when (means) {
            Means.JOB -> caller.cancel()
            Means.SCOPE -> others.cancel()
            Means.SIBLING, Means.SIBLING_IN_A_SCOPE_INSIDE -> fails.complete(Unit)
            Means.TIMEOUT_AROUND, Means.TIMEOUT_INSIDE -> cancelled = begun + LIMIT
        }
        endless.awaitEnded()
        val taken = cancelled.elapsedNow()
        caller.join()
        when (means) {
            Means.JOB, Means.SCOPE -> assertThat(thrown.get()).isInstanceOf(CancellationException::class.java)

            Means.SIBLING, Means.SIBLING_IN_A_SCOPE_INSIDE -> assertThat(thrown.get()).isInstanceOf(Failing::class.java)

            Means.TIMEOUT_AROUND -> assertThat(thrown.get()).isInstanceOf(TimeoutCancellationException::class.java)

            // what a block throws goes before its timeout, as withTimeout has it
            Means.TIMEOUT_INSIDE -> assertThat(thrown.get()).isInstanceOf(SQLException::class.java)
        }
        isAsGoodAsNew(bed)
        return taken
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
        caller.endsWithin(1.seconds)
        endless.awaitEnded()
        isAsGoodAsNew(bed)
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
            waiting.forEach { it.endsSoon() }
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
                caller.endsSoon()
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
                    launchBlocked { tx.insert(2) }.endsSoon()
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
            waits(tx).endsSoon()
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
            caller.endsSoon()
            assertThat(attempts).isEqualTo(1)
            assertThat(bed.ids()).isEmpty()
        }

    /** A failure of somebody beside. */
    class Failing : RuntimeException("failing") {
        private companion object {
            private const val serialVersionUID = 1L
        }
    }

    private suspend fun Job.endsWithin(limit: kotlin.time.Duration) {
        val cancelled = TimeSource.Monotonic.markNow()
        cancel()
        joinAll(this)
        assertThat(cancelled.elapsedNow()).isLessThan(limit)
    }

    /** What it waits for takes longer. */
    private suspend fun Job.endsSoon() = endsWithin(10.seconds)

    /** All is rolled back, the connection is free and takes work, and no cancel comes late. */
    private fun isAsGoodAsNew(bed: Bed) {
        bed.run("DELETE FROM item WHERE id = 1 AND n > 0") // at once, on SQLite
        val before = bed.ids().size
        repeat(20) { n -> bed.db.execute { it.insert(1000 + n) } }
        assertThat(bed.ids()).hasSize(before + 20)
        assertThat(bed.sleeping()).isZero()
    }

    private companion object {
        val LIMIT = 3.seconds

        fun await(
            what: String,
            condition: () -> Boolean,
        ) {
            val begun = TimeSource.Monotonic.markNow()
            while (!condition()) {
                check(begun.elapsedNow() < 20.seconds) { "In vain: until $what" }
                LockSupport.parkNanos(1_000_000)
            }
        }

        fun Bed.sleeping(): Int =
            if (server == Bed.Server.SQLITE) {
                0
            } else {
                beside
                    .strings(
                        "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND query LIKE '%pg_sleep%'",
                    ).size
            }
    }
}
