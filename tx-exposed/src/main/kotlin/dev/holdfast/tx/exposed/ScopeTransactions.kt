package dev.holdfast.tx.exposed

import dev.holdfast.tx.Isolation
import dev.holdfast.tx.Propagation
import dev.holdfast.tx.Transactor
import dev.holdfast.tx.TxOptions
import dev.holdfast.tx.TxUnsupportedException
import dev.holdfast.tx.engine.internal.Current
import dev.holdfast.tx.engine.internal.Steps
import org.jetbrains.exposed.v1.jdbc.Database
import org.jetbrains.exposed.v1.jdbc.JdbcTransaction
import org.jetbrains.exposed.v1.jdbc.transactions.JdbcTransactionManager
import org.jetbrains.exposed.v1.jdbc.transactions.currentOrNull
import java.sql.Connection

/**
 * Gives Exposed its transactions: each is a scope of ours.
 *
 * @param nesting what a block inside another is; null to leave it to the transactor
 */
internal class ScopeTransactions(
    override val db: Database,
    private val transactor: Transactor,
    private val nesting: Propagation?,
) : JdbcTransactionManager {
    override var defaultIsolationLevel: Int
        get() = NOT_ASKED
        set(value) = refused("isolation level", value)

    override var defaultReadOnly: Boolean
        get() = false
        set(value) = refused("access", value)

    override var defaultMaxAttempts: Int
        get() = 1
        set(value) = refused("number of attempts", value)

    override var defaultMinRetryDelay: Long
        get() = 0
        set(value) = refused("delay", value)

    override var defaultMaxRetryDelay: Long
        get() = 0
        set(value) = refused("delay", value)

    private fun refused(
        what: String,
        value: Any,
    ): Unit = throw UnsupportedOperationException("The $what of a block is Holdfast's: $value belongs into its options")

    override fun newTransaction(
        isolation: Int,
        readOnly: Boolean,
        outerTransaction: JdbcTransaction?,
    ): JdbcTransaction {
        val connection = lent.get()
        if (connection != null) {
            lent.remove()
            return LentTransaction(LentConnection(this, connection))
        }
        if (outerTransaction is LentTransaction && transactor.current() == null) {
            return outerTransaction
        }
        val outer = outerTransaction as? BlockTransaction
        var options = asked(isolation, readOnly)
        if (outer != null && nesting != null) {
            options = options.propagation(nesting)
        }
        val steps = Steps.of(transactor)
        return Current.inside<JdbcTransaction>(steps.start()) { begin(steps, options, outer) }
    }

    /** Does work whose first block runs on a connection that is lent, on autocommit. */
    fun <T> lend(work: () -> T): T =
        transactor.outside<T> {
            transactor.withConnection<T> { connection ->
                lent.set(connection)
                try {
                    work()
                } finally {
                    lent.remove()
                }
            }
        }

    private fun begin(
        steps: Steps,
        options: TxOptions,
        outer: BlockTransaction?,
    ): BlockTransaction {
        // what is not ambient is handed from block to block, by Exposed
        val handed = outer?.tx?.takeUnless { outer.isAmbient || outer.isOver || steps.running() != null }
        val running = handed ?: steps.running()
        val bracket = (if (handed == null) steps.call(options) else Steps.call(handed, options)).next()
        if (outer != null && running != null && bracket.isJoined && Steps.shareUnit(running, outer.tx)) {
            return outer.again()
        }
        return BlockTransaction.begin(BlockScope(this, steps, bracket, outer))
    }

    /** The innermost block of this database that Exposed has bound to the calling thread and that is not over. */
    fun innermost(): BlockTransaction? {
        var block = currentOrNull() as? BlockTransaction
        while (block != null && block.isOver) {
            block = block.outerTransaction as? BlockTransaction
        }
        return block
    }

    private fun asked(
        isolation: Int,
        readOnly: Boolean,
    ): TxOptions {
        val options = if (isolation == NOT_ASKED) TxOptions.none() else TxOptions.of(level(isolation))
        return if (readOnly) options.readOnly() else options
    }

    private fun level(isolation: Int): Isolation =
        when (isolation) {
            Connection.TRANSACTION_READ_UNCOMMITTED -> Isolation.READ_UNCOMMITTED

            Connection.TRANSACTION_READ_COMMITTED -> Isolation.READ_COMMITTED

            Connection.TRANSACTION_REPEATABLE_READ -> Isolation.REPEATABLE_READ

            Connection.TRANSACTION_SERIALIZABLE -> Isolation.SERIALIZABLE

            SQL_SERVER_SNAPSHOT -> Isolation.SNAPSHOT

            else -> throw TxUnsupportedException(
                "There is no isolation level $isolation; give one of java.sql.Connection",
            )
        }

    private companion object {
        /** For the next block of the thread. */
        val lent = ThreadLocal<Connection>()
        const val NOT_ASKED = -1
        const val SQL_SERVER_SNAPSHOT = 4096
    }
}
