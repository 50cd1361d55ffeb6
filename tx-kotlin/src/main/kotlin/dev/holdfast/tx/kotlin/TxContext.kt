package dev.holdfast.tx.kotlin

import dev.holdfast.tx.engine.internal.Caller
import dev.holdfast.tx.engine.internal.Current
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.Job
import kotlinx.coroutines.ThreadContextElement
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.launch
import kotlin.coroutines.AbstractCoroutineContextElement
import kotlin.coroutines.CoroutineContext

/**
 * What is current in a coroutine, and in its children: moved to whatever thread it runs on, so that blocking code sees it.
 *
 * @param frame what is current; null for nothing
 * @param place in the pool that is held for it; null for none
 * @param outer the element around this one
 * @param caller who makes its blocking calls; null for the coroutine
 */
internal class TxContext(
    private val frame: Current.Frame?,
    private val place: HeldPlace? = null,
    private val outer: TxContext? = null,
    private val caller: Caller? = null,
) : AbstractCoroutineContextElement(Key),
    ThreadContextElement<TxContext.Moved> {
    companion object Key : CoroutineContext.Key<TxContext> {
        private val OF_THREAD = ThreadLocal<TxContext?>()

        /** Of the coroutine that calls; or, where blocking code has begun one of its own, of the one that called that code. */
        suspend fun around(): TxContext? = currentCoroutineContext()[TxContext] ?: OF_THREAD.get()

        /** What is current in the thread, for a coroutine that is awaited by blocking code in it. */
        fun ofThread(): TxContext = TxContext(Current.innermost(), null, OF_THREAD.get(), Current.caller())
    }

    /** What was the thread's before. */
    class Moved(
        val frame: Current.Frame?,
        val caller: Caller?,
        val context: TxContext?,
    )

    /** The outermost job that it is seen in: all others are inside of it. */
    @Volatile
    private var first: Job? = null

    /** The places held for it and for what is around it. */
    val places: Sequence<HeldPlace> get() = generateSequence(this) { it.outer }.mapNotNull { it.place }

    override fun updateThreadContext(context: CoroutineContext): Moved {
        val before = Moved(Current.frame(), Current.caller(), OF_THREAD.get())
        OF_THREAD.set(this)
        Current.move(frame, caller ?: context[Job]?.let { CancellableCaller(upwards(it)) })
        return before
    }

    @OptIn(ExperimentalCoroutinesApi::class) // for the parent of a job
    private fun upwards(job: Job): List<Job> {
        val outermost = first ?: job.also { first = it }
        return generateSequence(job) { if (it === outermost) null else it.parent }.toList()
    }

    override fun restoreThreadContext(
        context: CoroutineContext,
        oldState: Moved,
    ) {
        OF_THREAD.set(oldState.context)
        Current.move(oldState.frame, oldState.caller)
    }
}

/**
 * A coroutine that makes blocking calls.
 *
 * @param jobs the innermost first: one that is done, of a `coroutineScope` say, is left without the thread being told. Nor is it
 *     told of a `withTimeout` or `coroutineScope` that was entered since it was dispatched
 */
private class CancellableCaller(
    private val jobs: List<Job>,
) : Caller {
    /**
     * Of the scopes inside of a coroutine it is in one at a time, in which it may be in another. Null if all are done, and
     * somebody unconfined goes on in the thread.
     */
    private fun job(): Job? {
        val told = jobs.firstOrNull { !it.isCompleted } ?: return null
        return generateSequence(told) { outer -> outer.children.firstOrNull { isScope(it) } }.last()
    }

    override fun isCancelled(): Boolean = job()?.isActive == false

    /** A child that does nothing but wait to be cancelled: there is no public way to be told sooner. */
    override fun whenCancelled(action: Runnable): Caller.Watch {
        val watch = CancelWatch(action)
        val job = job() ?: return watch
        watch.child =
            CoroutineScope(job).launch(AtOnce, CoroutineStart.UNDISPATCHED) {
                try {
                    awaitCancellation()
                } finally {
                    if (!job.isActive) { // or it was cancelled alone, by somebody who cancels all children
                        watch.cancelled()
                    }
                }
            }
        return watch
    }
}

/** In the thread that cancels. `Unconfined` would put it off to the end of another unconfined coroutine that cancels. */
private object AtOnce : CoroutineDispatcher() {
    override fun dispatch(
        context: CoroutineContext,
        block: Runnable,
    ): Unit = block.run()
}

/** Whether a job is that of a scope inside of a coroutine, by a class that is not public; nothing is lost but speed without it. */
private fun isScope(job: Job): Boolean = scopeClass?.isInstance(job) ?: false

private val scopeClass: Class<*>? =
    try {
        Class.forName("kotlinx.coroutines.internal.ScopeCoroutine")
    } catch (_: ClassNotFoundException) {
        null
    }

private class CancelWatch(
    private val action: Runnable,
) : Caller.Watch {
    var child: Job? = null

    @Volatile
    private var closed = false

    fun cancelled() {
        if (!closed) {
            action.run()
        }
    }

    override fun close() {
        closed = true
        child?.cancel()
    }
}
