package dev.holdfast.tx.exposed

import org.jetbrains.exposed.v1.core.statements.StatementResult
import org.jetbrains.exposed.v1.jdbc.statements.api.ExposedConnection
import org.jetbrains.exposed.v1.jdbc.statements.api.JdbcExposedDatabaseMetadata
import org.jetbrains.exposed.v1.jdbc.statements.api.JdbcPreparedStatementApi
import org.jetbrains.exposed.v1.jdbc.statements.jdbc.JdbcConnectionImpl
import org.jetbrains.exposed.v1.jdbc.statements.jdbc.JdbcResult
import java.sql.Connection
import java.sql.SQLException

/** The guarded connection of a scope, for Exposed. It tells which statement failed: Exposed does not. */
internal class BlockConnection(
    private val guarded: Connection,
    private val failed: (SQLException) -> Unit,
    private val own: JdbcConnectionImpl = JdbcConnectionImpl(guarded),
) : ExposedConnection<Connection> by own {
    val isOpen: Boolean get() = !guarded.isClosed

    override fun prepareStatement(
        sql: String,
        returnKeys: Boolean,
    ): JdbcPreparedStatementApi = telling { Telling(own.prepareStatement(sql, returnKeys)) }

    override fun prepareStatement(
        sql: String,
        columns: Array<String>,
    ): JdbcPreparedStatementApi = telling { Telling(own.prepareStatement(sql, columns)) }

    override fun executeInBatch(sqls: List<String>): Unit = telling { own.executeInBatch(sqls) }

    override fun <T> metadata(body: JdbcExposedDatabaseMetadata.() -> T): T = telling { own.metadata(body) }

    private inline fun <T> telling(call: () -> T): T =
        try {
            call()
        } catch (e: SQLException) {
            failed(e)
            throw e
        }

    private inner class Telling(
        private val own: JdbcPreparedStatementApi,
    ) : JdbcPreparedStatementApi by own {
        override fun executeQuery(): JdbcResult = telling { own.executeQuery() }

        override fun executeUpdate(): Int = telling { own.executeUpdate() }

        override fun executeMultiple(): List<StatementResult> = telling { own.executeMultiple() }

        override fun executeBatch(): List<Int> = telling { own.executeBatch() }
    }
}
