package dev.holdfast.tx.testkit.kotest

import dev.holdfast.tx.FailureKind
import dev.holdfast.tx.RetryPolicy
import dev.holdfast.tx.TxOptions
import dev.holdfast.tx.kotlin.JdbcDispatcher
import dev.holdfast.tx.kotlin.suspendTransact
import dev.holdfast.tx.testkit.CaseRun
import dev.holdfast.tx.testkit.Conformance
import dev.holdfast.tx.testkit.ConformanceCase
import dev.holdfast.tx.testkit.EngineSetup
import dev.holdfast.tx.testkit.Facts.equal
import dev.holdfast.tx.testkit.Patience
import dev.holdfast.tx.testkit.Sql
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.cancel
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.job
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import java.time.Duration
import kotlin.coroutines.ContinuationInterceptor
import kotlin.time.toKotlinDuration

/**
 * The cases of the suite for an engine that suspends. Three of them are about interrupts: of a thread that waits, which a coroutine
 * does without one. Those are shown of a cancel instead, under the same ids.
 */
internal fun suspendingCases(): List<ConformanceCase> {
    val ofCancels = cancelsForInterrupts().associateBy { it.id() }
    val cases = Conformance.cases().map { ofCancels[it.id()] ?: it }
    check(cases.containsAll(ofCancels.values)) { "There is no such case in the suite: ${ofCancels.keys}" }
    return cases
}

private fun cancelsForInterrupts(): List<ConformanceCase> =
    listOf(
        suspending(
            "CAN-06",
            "TX-423",
            "a cancel ends the wait for a connection, and nothing is lost of the pool",
        ) { run ->
            val table = run.table()
            val db = run.transactor(EngineSetup.on(run.pool(1)))
            val holder = db.begin()
            holder.open()
            val here = JdbcDispatcher(currentCoroutineContext()[ContinuationInterceptor] as CoroutineDispatcher)
            val waiting =
                CoroutineScope(currentCoroutineContext() + here + Job()).async(start = CoroutineStart.UNDISPATCHED) {
                    db.suspendTransact { tx -> Sql.insert(tx, table, 1) }
                } // and it waits, having come to where it suspends
            waiting.cancel()
            equal(true, toldBy { waiting.await() } is CancellationException, "the cancelling is told as it is")
            holder.rollback()
            db.suspendTransact { tx -> Sql.insert(tx, table, 2) }
            equal(listOf(2), run.ids(table), "committed rows")
        },
        suspending(
            "CAN-06b",
            "TX-423",
            "a cancel of the body is told as it is, and what was done is rolled back",
        ) { run ->
            val table = run.table()
            val db = run.transactor(EngineSetup.on(run.pool(1)))
            val told =
                toldBy {
                    db.suspendTransact { tx ->
                        Sql.insert(tx, table, 1)
                        cancel()
                    }
                }
            equal(true, told is CancellationException, "the cancelling is told as it is: $told")
            equal(emptyList<Int>(), run.ids(table), "committed rows")
            db.suspendTransact { tx -> Sql.insert(tx, table, 2) }
            equal(listOf(2), run.ids(table), "committed rows")
        },
        suspending(
            "RTY-10",
            "TX-1010",
            "a cancel ends the wait for the next attempt, and no connection is held",
        ) { run ->
            val table = run.table()
            val db = run.transactor(EngineSetup.on(run.pool(1)))
            val told =
                toldBy {
                    val caller = currentCoroutineContext().job
                    val policy =
                        RetryPolicy.attempts(2).on(FailureKind.UNIQUE).backoff(AGES, AGES).onAttempt { _, _, _ ->
                            db.execute { tx -> Sql.insert(tx, table, 9) }
                            caller.cancel()
                        }
                    db.suspendTransact(TxOptions.none().retry(policy)) { tx ->
                        Sql.insert(tx, table, 1)
                        Sql.insert(tx, table, 1)
                    }
                }
            equal(true, told is CancellationException, "the cancelling is told as it is: $told")
            equal(listOf(9), run.ids(table), "committed rows")
        },
    )

private val AGES = Duration.ofHours(1)

private fun suspending(
    id: String,
    rule: String,
    title: String,
    body: suspend CoroutineScope.(CaseRun) -> Unit,
): ConformanceCase =
    ConformanceCase.of(id, rule, title) { run ->
        runBlocking { withTimeout(Patience.step().toKotlinDuration()) { body(run) } }
    }

/** What something throws, in a job of its own that may be cancelled. */
private suspend fun toldBy(work: suspend () -> Unit): Throwable? =
    runCatching { CoroutineScope(currentCoroutineContext() + Job()).async { work() }.await() }.exceptionOrNull()
