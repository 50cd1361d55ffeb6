package dev.holdfast.tx.kotlin

import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Job
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.launch
import org.assertj.core.api.Assertions.assertThat
import org.sqlite.Function
import org.sqlite.SQLiteConnection
import java.sql.Connection
import java.util.concurrent.atomic.AtomicBoolean
import java.util.concurrent.atomic.AtomicReference
import java.util.concurrent.locks.LockSupport
import kotlin.coroutines.CoroutineContext
import kotlin.time.ComparableTimeMark
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

/** A statement that takes for ever, and what the server says of it. */
class Endless(
    private val bed: Bed,
) {
    private val started = AtomicBoolean()

    init {
        if (bed.server == Bed.Server.SQLITE) {
            val all = List(bed.pool.maximumPoolSize) { bed.pool.connection }
            all.forEach { Function.create(it.unwrap(SQLiteConnection::class.java), "started", Started(started)) }
            all.forEach { it.close() }
        }
    }

    private val over = AtomicReference<ComparableTimeMark?>()

    private val seen = AtomicReference<CancelSeen?>()

    /** When the driver came back with it. */
    val ended: ComparableTimeMark get() = checkNotNull(over.get()) { "It has not ended" }

    /** From the cancel to when the driver came back. */
    val taken: Duration get() = ended - checkNotNull(seen.get()) { "Nobody has looked" }.at

    private class Started(
        private val started: AtomicBoolean,
    ) : Function() {
        override fun xFunc() {
            started.set(true)
            result(1)
        }
    }

    /** Runs it, and marks when the coroutine that runs it is cancelled. */
    fun on(
        connection: Connection,
        scope: CoroutineScope,
    ) {
        seen.set(CancelSeen(scope))
        on(connection)
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
            over.set(TimeSource.Monotonic.markNow())
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
            over.set(TimeSource.Monotonic.markNow())
        }
    }

    fun awaitRunning() =
        await("the statement runs") {
            if (bed.server == Bed.Server.SQLITE) started.get() else bed.sleeping() > 0
        }

    fun awaitEnded() =
        await("the statement has ended") {
            over.get() != null &&
                (bed.server == Bed.Server.SQLITE || bed.sleeping() == 0)
        }
}

/** When a coroutine was cancelled, seen in the thread that cancels it. */
class CancelSeen(
    scope: CoroutineScope,
) {
    private val seen = AtomicReference<ComparableTimeMark?>()

    val at: ComparableTimeMark get() = checkNotNull(seen.get()) { "Nobody has cancelled it" }

    init {
        scope.launch(AtOnce, CoroutineStart.UNDISPATCHED) {
            try {
                awaitCancellation()
            } finally {
                seen.set(TimeSource.Monotonic.markNow())
            }
        }
    }

    private object AtOnce : CoroutineDispatcher() {
        override fun dispatch(
            context: CoroutineContext,
            block: Runnable,
        ) = block.run()
    }
}

/** Cancels, and looks how long it takes to the end. */
suspend fun Job.endsWithinASecond() {
    val ended = AtomicReference<ComparableTimeMark?>()
    invokeOnCompletion { ended.set(TimeSource.Monotonic.markNow()) }
    val cancelled = TimeSource.Monotonic.markNow()
    cancel()
    join()
    await("the end was seen") { ended.get() != null }
    assertThat(ended.get()!! - cancelled).isLessThan(1.seconds)
}

/** All is rolled back, the connection is free and takes work, and no cancel comes late. */
fun isAsGoodAsNew(bed: Bed) {
    bed.run("DELETE FROM item WHERE id = 1 AND n > 0") // at once, on SQLite
    val before = bed.ids().size
    repeat(20) { n -> bed.db.execute { it.insert(1000 + n) } }
    assertThat(bed.ids()).hasSize(before + 20)
    assertThat(bed.sleeping()).isZero()
}

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

fun Bed.sleeping(): Int = waiting("query LIKE '%pg_sleep%'")

/** The sessions of PostgreSQL whose statement is still running. */
fun Bed.waiting(which: String): Int =
    if (server == Bed.Server.SQLITE) {
        0
    } else {
        beside
            .strings(
                "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND $which",
            ).size
    }
