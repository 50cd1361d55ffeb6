package dev.holdfast.tx.testkit.kotest

import dev.holdfast.tx.ConnectionBody
import dev.holdfast.tx.Hook
import dev.holdfast.tx.Outcome
import dev.holdfast.tx.Transactor
import dev.holdfast.tx.Tx
import dev.holdfast.tx.TxBody
import dev.holdfast.tx.TxOptions
import dev.holdfast.tx.UnmanagedTx
import dev.holdfast.tx.Work
import dev.holdfast.tx.kotlin.SuspendingTx
import dev.holdfast.tx.kotlin.onBeforeCommit
import dev.holdfast.tx.kotlin.onCommit
import dev.holdfast.tx.kotlin.onCompletion
import dev.holdfast.tx.kotlin.onRollback
import dev.holdfast.tx.kotlin.suspendBegin
import dev.holdfast.tx.kotlin.suspendNested
import dev.holdfast.tx.kotlin.suspendOutside
import dev.holdfast.tx.kotlin.suspendTransact
import dev.holdfast.tx.kotlin.suspendWithin
import dev.holdfast.tx.spi.Identity
import dev.holdfast.tx.spi.InFront
import dev.holdfast.tx.testkit.DatabaseUnderTest
import dev.holdfast.tx.testkit.EngineSetup
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.yield
import java.lang.ref.WeakReference
import java.util.Collections
import java.util.WeakHashMap
import java.util.function.Consumer
import java.util.function.Function
import java.util.function.UnaryOperator
import javax.sql.DataSource
import kotlin.coroutines.ContinuationInterceptor
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.EmptyCoroutineContext

/**
 * A database whose calls are made by coroutines: the cases block, and behind each of their calls is a coroutine that calls the
 * suspending twin. Bodies and hooks suspend before the case's own code and after it, and may go on in another thread.
 */
internal class SuspendingUnderTest(
    private val database: DatabaseUnderTest,
) : DatabaseUnderTest {
    override fun name(): String = database.name()

    override fun variant(): String = "${database.variant()} suspending".trim()

    override fun dialect() = database.dialect()

    override fun sessions(): DataSource = database.sessions()

    override fun pool(
        sessions: DataSource,
        size: Int,
        autocommit: Identity.Autocommit,
    ): DataSource = database.pool(sessions, size, autocommit)

    override fun transactor(setup: EngineSetup): Transactor = SuspendingTransactor(database.transactor(setup))

    override fun sessionQueries() = database.sessionQueries()

    override fun levelQueries() = database.levelQueries()

    override fun network() = database.network()

    override fun replicated() = database.replicated()

    override fun waivers() = database.waivers()

    override fun faultScenarios() = database.faultScenarios()
}

private class SuspendingTransactor(
    private val real: Transactor,
    private val handles: Handles = Handles(),
) : Transactor by real,
    InFront {
    override fun <T> behind(work: Function<in Transactor, out T>): T = work.apply(real)

    override fun <T> transact(
        options: TxOptions,
        body: TxBody<T>,
    ): T = blocking { real.suspendTransact(options) { tx -> blockingPart { body.apply(handles.of(tx)) } } }

    override fun begin(options: TxOptions): UnmanagedTx = handles.of(blocking { real.suspendBegin(options) })

    override fun current(): Tx? = real.current()?.let(handles::of)

    override fun <T> outside(work: Work<T>): T = blocking { real.suspendOutside { blockingPart(work::perform) } }

    override fun <T> within(
        tx: Tx,
        work: Work<T>,
    ): T {
        val chosen = (tx as? SuspendingHandle)?.real ?: tx
        return blocking { real.suspendWithin(chosen) { blockingPart(work::perform) } }
    }

    override fun <T> withConnection(body: ConnectionBody<T>): T =
        real.withConnection { connection -> inThread(null) { body.apply(connection) } }

    override fun withOptions(change: UnaryOperator<TxOptions>): Transactor =
        SuspendingTransactor(real.withOptions(change), handles)

    override fun toString(): String = "Suspending: $real"
}

/** One handle for each scope, as cases compare them. */
private class Handles {
    private val known = Collections.synchronizedMap(WeakHashMap<Tx, WeakReference<SuspendingHandle>>())

    fun of(tx: Tx): SuspendingHandle =
        known[tx]?.get() ?: SuspendingHandle(tx, this).also { known[tx] = WeakReference(it) }

    fun of(open: SuspendingTx): SuspendingUnmanaged =
        SuspendingUnmanaged(open, this).also { known[open.tx] = WeakReference(it) }
}

private open class SuspendingHandle(
    val real: Tx,
    private val handles: Handles,
) : Tx by real {
    override fun open(): Tx = apply { real.open() }

    override fun <T> transact(
        options: TxOptions,
        body: TxBody<T>,
    ): T = blocking { real.suspendTransact(options) { tx -> blockingPart { body.apply(handles.of(tx)) } } }

    override fun <T> nested(body: TxBody<T>): T =
        blocking { real.suspendNested { tx -> blockingPart { body.apply(handles.of(tx)) } } }

    override fun <T> withConnection(body: ConnectionBody<T>): T =
        real.withConnection { connection -> inThread(null) { body.apply(connection) } }

    override fun beforeCommit(hook: Hook): Unit = real.onBeforeCommit { blockingPart(hook::fire) }

    override fun afterCommit(hook: Hook): Unit = real.onCommit { blockingPart(hook::fire) }

    override fun afterRollback(hook: Hook): Unit = real.onRollback { blockingPart(hook::fire) }

    override fun afterCompletion(hook: Consumer<in Outcome>): Unit =
        real.onCompletion { outcome -> blockingPart { hook.accept(outcome) } }

    override fun toString(): String = "Suspending: $real"
}

private class SuspendingUnmanaged(
    private val open: SuspendingTx,
    handles: Handles,
) : SuspendingHandle(open.tx, handles),
    UnmanagedTx {
    override fun commit(): Unit = blocking { open.commit() }

    override fun rollback(): Unit = blocking { open.rollback() }

    override fun close(): Unit = blocking { open.close() }
}

// ---- from blocking code to a coroutine and back

/** What the coroutine around the blocking code of a thread runs in; null if there is none, or blocking calls in between. */
private val AROUND = ThreadLocal<CoroutineContext?>()

/** A call of a case, as a part of the coroutine that runs the case's code. */
private fun <T> blocking(call: suspend CoroutineScope.() -> T): T =
    runBlocking(AROUND.get() ?: EmptyCoroutineContext, call)

/** Code of a case, in a coroutine. */
private suspend fun <T> blockingPart(code: () -> T): T {
    yield()
    val context = currentCoroutineContext().minusKey(Job).minusKey(ContinuationInterceptor)
    return inThread(context, code).also { yield() }
}

private fun <T> inThread(
    context: CoroutineContext?,
    code: () -> T,
): T {
    val before = AROUND.get()
    AROUND.set(context)
    try {
        return code()
    } finally {
        AROUND.set(before)
    }
}
