package dev.holdfast.tx.exposed

import dev.holdfast.tx.Access
import dev.holdfast.tx.Isolation
import dev.holdfast.tx.Tx
import dev.holdfast.tx.TxStateException
import dev.holdfast.tx.engine.internal.Bracket
import dev.holdfast.tx.engine.internal.Current
import dev.holdfast.tx.engine.internal.Steps
import org.jetbrains.exposed.v1.core.transactions.TransactionManagerApi
import org.jetbrains.exposed.v1.jdbc.Database
import org.jetbrains.exposed.v1.jdbc.JdbcTransaction
import org.jetbrains.exposed.v1.jdbc.statements.api.ExposedConnection
import org.jetbrains.exposed.v1.jdbc.transactions.JdbcTransactionInterface
import java.lang.reflect.Proxy
import java.sql.Connection
import java.sql.SQLException

/**
 * A scope of ours that is opened and ended by an Exposed block; what Exposed takes for the driver's side of a
 * transaction.
 */
internal class BlockScope(
    private val manager: ScopeTransactions,
    private val steps: Steps,
    private val bracket: Bracket,
    override val outerTransaction: JdbcTransaction?,
) : JdbcTransactionInterface {
    val tx: Tx

    /** What is current in the block. */
    val frame: Current.Frame

    @Volatile
    var isOver = false
        private set

    /** The first error of a statement, which Exposed tells its caller and not us. */
    @Volatile
    var failure: SQLException? = null
        private set

    /** Whether what is called in the block finds the scope without being handed it. */
    val isAmbient: Boolean

    /** Why no more statements are taken; null if they are. */
    @Volatile
    var closed: String? = null

    private var latest: BlockConnection? = null

    init {
        bracket.open(true)
        tx = bracket.tx()
        frame = bracket.frame()
        isAmbient = Current.inside<Boolean>(frame) { steps.running() === tx }
    }

    override val db: Database get() = manager.db

    override val transactionManager: TransactionManagerApi get() = manager

    override val connection: ExposedConnection<*>
        get() {
            bound.get()?.let { return Doing(it) }
            closed?.let { throw TxStateException(it) }
            val running = steps.running()
            if (if (running == null) isAmbient else !Steps.shareTransaction(running, tx)) {
                throw TxStateException(
                    "A statement of an Exposed block was called where another transaction runs, or none, and would" +
                        " have run in that of the block; give it a block of its own there: transaction(database) { }",
                )
            }
            // an interceptor before the commit comes after the end of its block
            val handle = if (isOver && running != null) running else tx
            return latest?.takeIf { it.isOpen }
                ?: BlockConnection(handle.connection(), ::remember).also { latest = it }
        }

    /** Does [work] where Exposed asks for the connection next, to send it a batch. */
    fun bind(
        work: () -> Unit,
        batch: () -> Unit,
    ) {
        bound.set {
            bound.remove()
            work()
        }
        try {
            batch()
        } finally {
            bound.remove()
        }
    }

    private fun remember(error: SQLException) {
        failure = failure ?: error
    }

    override val readOnly: Boolean get() = tx.options().access() == Access.READ_ONLY

    override val transactionIsolation: Int
        get() =
            when (tx.options().isolation()) {
                Isolation.READ_UNCOMMITTED -> Connection.TRANSACTION_READ_UNCOMMITTED
                Isolation.READ_COMMITTED -> Connection.TRANSACTION_READ_COMMITTED
                Isolation.REPEATABLE_READ, Isolation.SNAPSHOT -> Connection.TRANSACTION_REPEATABLE_READ
                Isolation.SERIALIZABLE -> Connection.TRANSACTION_SERIALIZABLE
                null -> tx.connection().transactionIsolation
            }

    /**
     * Ends the scope, if it is not over.
     *
     * @param thrown why it fails; null if it does well
     * @throws Throwable what the caller of such a scope is thrown, unless that is [thrown]
     */
    fun end(thrown: Throwable?) {
        if (isOver) {
            return
        }
        try {
            Current.inside<Unit>(frame) { bracket.endBlocking(thrown) }
        } finally {
            isOver = true
        }
        val told = bracket.toldBlocking(null)
        if (told != null && told !== thrown) {
            throw told
        }
    }

    override fun commit(): Unit = Unit

    override fun rollback(): Unit = Unit

    override fun close(): Unit = Unit

    private companion object {
        /** What is done in place of the next batch of the thread. */
        val bound = ThreadLocal<() -> Unit>()
    }

    /** A connection that takes a batch, and does something else. */
    private class Doing(
        private val work: () -> Unit,
        private val nothing: ExposedConnection<Any> = none,
    ) : ExposedConnection<Any> by nothing {
        override fun executeInBatch(sqls: List<String>) = work()

        private companion object {
            @Suppress("UNCHECKED_CAST")
            val none =
                Proxy.newProxyInstance(
                    Doing::class.java.classLoader,
                    arrayOf(ExposedConnection::class.java),
                ) { _, method, _ ->
                    throw UnsupportedOperationException("${method.name} is not a batch")
                } as ExposedConnection<Any>
        }
    }
}
