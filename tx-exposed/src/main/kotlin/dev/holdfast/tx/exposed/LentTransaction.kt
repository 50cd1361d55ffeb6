package dev.holdfast.tx.exposed

import org.jetbrains.exposed.v1.core.transactions.TransactionManagerApi
import org.jetbrains.exposed.v1.jdbc.JdbcTransaction
import org.jetbrains.exposed.v1.jdbc.statements.api.ExposedConnection
import org.jetbrains.exposed.v1.jdbc.statements.jdbc.JdbcConnectionImpl
import org.jetbrains.exposed.v1.jdbc.transactions.JdbcTransactionInterface
import java.sql.Connection

/** What Exposed takes for a transaction where there is none: each statement on the connection commits by itself. */
internal class LentTransaction(
    lent: LentConnection,
) : JdbcTransaction(lent) {
    private val entities = Entities.of(this)

    override fun commit() = entities.flush()

    override fun rollback() = entities.forget()

    override fun close(): Unit = Unit
}

/** A connection that is lent to a block. */
internal class LentConnection(
    private val manager: ScopeTransactions,
    lent: Connection,
) : JdbcTransactionInterface {
    override val connection: ExposedConnection<*> = JdbcConnectionImpl(lent)

    override val db get() = manager.db

    override val transactionManager: TransactionManagerApi get() = manager

    override val outerTransaction: JdbcTransaction? get() = null

    override val readOnly: Boolean get() = false

    override val transactionIsolation: Int get() = connection.transactionIsolation

    override fun commit(): Unit = Unit

    override fun rollback(): Unit = Unit

    override fun close(): Unit = Unit
}
