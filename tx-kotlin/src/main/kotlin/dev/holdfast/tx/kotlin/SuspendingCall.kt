package dev.holdfast.tx.kotlin

import dev.holdfast.tx.Tx
import dev.holdfast.tx.TxException
import dev.holdfast.tx.engine.internal.Bracket
import dev.holdfast.tx.engine.internal.Call
import dev.holdfast.tx.engine.internal.CommitWithdrawn
import dev.holdfast.tx.engine.internal.Current
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.delay
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.job
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.withContext
import java.sql.SQLException
import kotlin.time.toKotlinDuration

/*
 * The bracket of the engine, with waits that suspend. All of it runs on the dispatcher for blocking calls. The body runs in a
 * job of its own: what is cancelled or fails in it ends there, with its children, before anything is decided. From then on
 * nothing but COMMIT depends on whether the caller still wants it.
 */

/** How a call or an attempt ended: values, as an exception might be replaced by a copy on its way through a coroutine. */
internal class Ended<out T>(
    val result: T?,
    val error: Throwable?,
) {
    @Suppress("UNCHECKED_CAST") // without an error there is a result, and T may be nullable
    fun orThrow(): T = if (error != null) throw error else result as T
}

/** Does something on the dispatcher for blocking calls. */
internal suspend fun <T> blocking(
    start: Current.Frame?,
    work: suspend CoroutineScope.() -> Ended<T>,
): T {
    val outer = TxContext.around()
    val dispatcher = currentCoroutineContext()[JdbcDispatcher]?.dispatcher ?: jdbcThreads
    var error: Throwable? = null
    try {
        return withContext(dispatcher + TxContext(start, null, outer)) {
            val ended =
                try {
                    work()
                } catch (e: Throwable) {
                    // a wait of the engine may have ended with it
                    throw cancelledBy(currentCoroutineContext().job, e) ?: e
                }
            error = ended.error
            ended
        }.orThrow()
    } catch (e: CancellationException) {
        throw error?.takeIf { it !is CancellationException } ?: e // a cancel on the way back hides no error
    }
}

/** Runs the attempts of a call, until one does well or there is to be no other. */
internal suspend fun <T> suspending(
    start: Current.Frame?,
    decide: () -> Call,
    body: suspend CoroutineScope.(Tx) -> T,
): T =
    blocking(start) {
        val call = decide()
        var ended: Ended<T>
        do {
            val bracket = call.next()
            ended = attempt(bracket, body)
            val delay = ended.error?.let { call.delayAfter(bracket, it) }
            delay?.let { delay(it.toKotlinDuration()) }
        } while (delay != null)
        ended
    }

/** A caller that was cancelled is not run again, whatever came of it. */
private suspend fun Call.delayAfter(
    bracket: Bracket,
    error: Throwable,
) = if (error is CancellationException || cancellation() != null) null else afterFailed(bracket, error)

private suspend fun <T> attempt(
    bracket: Bracket,
    body: suspend CoroutineScope.(Tx) -> T,
): Ended<T> {
    val place = HeldPlace.take(bracket::place)
    try {
        val order = bracket.order(Mutex::class.java) { Mutex() }
        val holder = Any()
        order?.lock(holder)
        try {
            bracket.open(true)
            val run = BodyRun(bracket, bracket.frame(), place)
            val ended = run.of(body)
            return Ended(ended.result, bracket.finish(run.frame, place, ended) { order?.unlock(holder) })
        } finally {
            if (order?.holdsLock(holder) == true) {
                order.unlock(holder)
            }
        }
    } finally {
        place?.giveBack()
    }
}

/** One run of a body, with its children, for as long as the limits allow. */
private class BodyRun(
    private val bracket: Bracket,
    val frame: Current.Frame,
    private val place: HeldPlace?,
) {
    private var thrown: Throwable? = null

    @Volatile
    private var job: Job? = null

    @Volatile
    private var expired = false

    suspend fun <T> of(body: suspend CoroutineScope.(Tx) -> T): Ended<T> {
        val limit =
            bracket.timeLeft()?.let { left ->
                CoroutineScope(currentCoroutineContext()).launch {
                    delay(left.toKotlinDuration())
                    expire()
                }
            }
        try {
            return Ended(withContext(inside(frame, place)) { remembering { body(bracket.tx()) } }, null)
        } catch (e: Throwable) {
            return Ended(null, errorOf(e))
        } finally {
            limit?.cancel()
        }
    }

    private suspend fun <T> remembering(body: suspend () -> T): T {
        val own = currentCoroutineContext().job
        job = own
        if (expired) {
            expire()
        }
        try {
            return body()
        } catch (e: Throwable) {
            thrown = e
            throw cancelledBy(own, e) ?: e
        }
    }

    private fun expire() {
        expired = true
        job?.cancel(CancellationException("The limit of the transaction has passed"))
    }

    /** What the body is said to have thrown, of which [caught] arrived. */
    private suspend fun errorOf(caught: Throwable): Throwable {
        val own = thrown?.takeUnless { it is CancellationException }
        val told =
            when {
                // a statement has told it before
                expired && own is SQLException && own.cause is TxException -> own

                expired -> bracket.expired().apply { own?.let(::addSuppressed) }

                else -> originalOf(caught, own)
            }
        return cancelledBy(currentCoroutineContext().job, told) ?: told
    }
}

/** The context of what runs in a frame, inside what runs here. */
private suspend fun inside(
    frame: Current.Frame?,
    place: HeldPlace?,
): TxContext = TxContext(frame, place, currentCoroutineContext()[TxContext])

/** Ends a scope whose body has, calls [over], fires the hooks after the end, and answers what its caller is to be thrown. */
internal suspend fun Bracket.finish(
    frame: Current.Frame?,
    place: HeldPlace?,
    body: Ended<*>,
    over: () -> Unit = {},
): Throwable? {
    bodyEnded(body.error ?: cancellation())
    Current.inside(frame) { hooksBefore() }?.let { hooks ->
        val firing = Current.inside(frame) { hooks.begin() }
        var thrown: Throwable? = null // by a hook; what withContext throws may be a copy
        val failed =
            failureOf {
                withContext(inside(firing, place)) {
                    thrown = failureOf { generateSequence { hooks.next() }.forEach { it.await() } }
                }
            }
        hooks.over(cancellation() ?: thrown ?: failed)
    }
    Current.inside(frame) { end() } // COMMIT, which looks at the caller once more
    place?.giveBack()
    over()
    val round = hooksAfter()
    if (round != null) {
        withContext(NonCancellable + inside(round.begin(), null)) {
            generateSequence { round.next() }.forEach { due -> failureOf { due.await() }?.let(round::failed) }
        }
        round.over()
    }
    val told = told(round, body.result)
    return if (told?.cause is CommitWithdrawn) cancelledBy(currentCoroutineContext().job, told) ?: told else told
}

/** What was thrown, where coroutines that debug have made a copy of it. */
internal fun originalOf(
    caught: Throwable,
    thrown: Throwable?,
): Throwable = if (thrown != null && caught.cause === thrown) thrown else caught

/** Does something, and answers how it ended. */
internal inline fun <T> ended(work: () -> T): Ended<T> =
    try {
        Ended(work(), null)
    } catch (e: Throwable) {
        Ended(null, e)
    }

private inline fun failureOf(work: () -> Unit): Throwable? =
    try {
        work()
        null
    } catch (e: Throwable) {
        e
    }

/** How the coroutine was cancelled; null if it was not. */
internal suspend fun cancellation(): CancellationException? =
    try {
        currentCoroutineContext().ensureActive()
        null
    } catch (e: CancellationException) {
        e
    }

/** How the job of a coroutine was cancelled, with what came of it suppressed; null if it was not. */
internal fun cancelledBy(
    job: Job,
    error: Throwable,
): CancellationException? =
    try {
        job.ensureActive()
        null
    } catch (e: CancellationException) {
        val isCopy = error is CancellationException && error.cause === e // made by coroutines that debug
        if (e !== error && e.cause !== error && !isCopy) {
            e.addSuppressed(error)
        }
        e
    }
