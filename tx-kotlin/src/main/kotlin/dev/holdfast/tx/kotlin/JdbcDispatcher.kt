package dev.holdfast.tx.kotlin

import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.asCoroutineDispatcher
import java.util.concurrent.Executor
import java.util.concurrent.Executors
import kotlin.coroutines.AbstractCoroutineContextElement
import kotlin.coroutines.CoroutineContext

/**
 * Where the blocking calls of suspending scopes are made, if not on the dispatcher of Holdfast: that has a virtual thread for
 * each on Java 21 and newer, and a platform thread for each that is blocked on older ones.
 *
 * A scope whose thread waits for another scope, to end on the same dispatcher, needs a second thread there; so one of a
 * single thread is for work that is done one after the other.
 *
 * ```
 * withContext(JdbcDispatcher(Dispatchers.IO.limitedParallelism(10))) {
 *     db.suspendTransact { tx -> transfer(tx) }
 * }
 * ```
 *
 * @property dispatcher runs the bodies of scopes, unless they change it
 */
public class JdbcDispatcher(
    public val dispatcher: CoroutineDispatcher,
) : AbstractCoroutineContextElement(Key) {
    /** Finds it in a context. */
    public companion object Key : CoroutineContext.Key<JdbcDispatcher>
}

/** As many threads as are blocked at a time, for holders of connections must always find one to go on in. */
internal val jdbcThreads: CoroutineDispatcher by lazy {
    (virtualThreads() ?: platformThreads()).asCoroutineDispatcher()
}

private fun virtualThreads(): Executor? =
    try {
        Executors::class.java.getMethod("newVirtualThreadPerTaskExecutor").invoke(null) as Executor
    } catch (_: NoSuchMethodException) {
        null // Java 17 to 20
    }

private fun platformThreads(): Executor =
    Executors.newCachedThreadPool { task -> Thread(task, "holdfast-jdbc").apply { isDaemon = true } }
