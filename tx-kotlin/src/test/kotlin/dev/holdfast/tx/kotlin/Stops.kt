package dev.holdfast.tx.kotlin

import dev.holdfast.tx.testkit.fault.JdbcCall
import dev.holdfast.tx.testkit.fault.JdbcProxy
import kotlinx.coroutines.CancellableContinuation
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Delay
import kotlinx.coroutines.DisposableHandle
import kotlinx.coroutines.InternalCoroutinesApi
import java.sql.Connection
import java.sql.ResultSet
import java.sql.Statement
import java.util.concurrent.Executor
import java.util.concurrent.Executors
import javax.sql.DataSource
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.resume
import kotlin.time.Duration.Companion.days

/**
 * Where a run can be stopped: before and after each call that may reach the server, and each time that a coroutine is
 * resumed or suspends. They are numbered from 1 as they come; at one of them something is done.
 */
class Stops {
    private val names = mutableListOf<String>()
    private val made = mutableListOf<JdbcCall>()
    private var chosen = 0
    private var action: () -> Unit = {}

    /** Forgets what came before; [action] is done at the stop of this number, or never at 0. */
    @Synchronized
    fun start(
        chosen: Int,
        action: () -> Unit,
    ) {
        names.clear()
        made.clear()
        this.chosen = chosen
        this.action = action
    }

    /** All that came. */
    @Synchronized
    fun names(): List<String> = names.toList()

    /** The calls of the driver whose number is that of the stop before them. */
    @Synchronized
    fun calls(): List<JdbcCall> = made.toList()

    fun at(name: String) {
        val due =
            synchronized(this) {
                names += name
                action.takeIf { names.size == chosen }
            }
        due?.invoke()
    }

    private fun before(call: String) {
        val due =
            synchronized(this) {
                names += "before $call"
                made += JdbcCall(names.size, 1, call)
                action.takeIf { names.size == chosen }
            }
        due?.invoke()
    }

    /** Connections whose calls are stops. */
    fun on(real: DataSource): DataSource =
        object : DataSource by real {
            override fun getConnection(): Connection =
                around("getConnection") {
                    wrapped(Connection::class.java, real.connection, "")
                }
        }

    private fun <T> around(
        call: String,
        work: () -> T,
    ): T {
        before(call)
        return work().also { at("after $call") }
    }

    private fun <T : Any> wrapped(
        type: Class<T>,
        real: T,
        prepared: String,
    ): T =
        JdbcProxy.of(type, "stopping $real") { _, method, given ->
            val texts = given.filter { it is String || it is Boolean }.joinToString("") { " $it" }
            val call = { JdbcProxy.call(real, method, given) }
            val answer = if (reaches(method.name)) around(method.name + texts + prepared) { call() } else call()
            val text = if (method.name.startsWith("prepare")) " " + given[0] else ""
            // by what the method says, as an object of SQLite's driver is several things at once
            val answered = method.returnType
            if (answer != null &&
                (Statement::class.java.isAssignableFrom(answered) || answered == ResultSet::class.java)
            ) {
                @Suppress("UNCHECKED_CAST")
                wrapped(answered as Class<Any>, answer, text)
            } else {
                answer
            }
        }

    private fun reaches(method: String) = method.startsWith("execute") || method in REACHING

    private companion object {
        /** What pools do in the background is not among them, or the numbers would change from run to run. */
        val REACHING =
            setOf("setAutoCommit", "commit", "rollback", "setReadOnly", "setTransactionIsolation") +
                setOf("setSavepoint", "releaseSavepoint", "createStatement", "prepareStatement", "next")
    }
}

/**
 * One thread for several of these: so that stops come in the same order each time. Time passes only there: a delay is over when
 * what runs has suspended, not sooner and not later, and limits never come, but for the one of [CALLERS_LIMIT], at a stop.
 */
@OptIn(InternalCoroutinesApi::class)
class StoppingDispatcher(
    private val name: String,
    private val stops: Stops,
    private val executor: Executor,
) : CoroutineDispatcher(),
    Delay {
    @Volatile
    private var limit: Runnable? = null

    /** Whether the limit was there to be passed. */
    fun passLimit(): Boolean = limit?.run() != null

    override fun scheduleResumeAfterDelay(
        timeMillis: Long,
        continuation: CancellableContinuation<Unit>,
    ) {
        if (timeMillis < LONG) {
            executor.execute { continuation.resume(Unit) }
        }
    }

    override fun invokeOnTimeout(
        timeMillis: Long,
        block: Runnable,
        context: CoroutineContext,
    ): DisposableHandle {
        if (timeMillis == CALLERS_LIMIT.inWholeMilliseconds) {
            limit = block
        }
        return DisposableHandle { if (limit === block) limit = null }
    }

    override fun dispatch(
        context: CoroutineContext,
        block: Runnable,
    ) {
        stops.at("$name is resumed")
        executor.execute {
            block.run()
            stops.at("$name suspends or ends")
        }
    }

    companion object {
        /** No limit of anything else. */
        val CALLERS_LIMIT = 1.days

        /** What nothing here takes, in milliseconds. */
        private const val LONG = 1_000L

        fun thread(): Executor = Executors.newSingleThreadExecutor { Thread(it, "stopping").apply { isDaemon = true } }
    }
}
