package dev.holdfast.tx.exposed

import dev.holdfast.tx.RowLock
import dev.holdfast.tx.mssql.tds.Answer
import dev.holdfast.tx.mssql.tds.Responder
import dev.holdfast.tx.testkit.server.ServerUrl
import io.kotest.matchers.collections.shouldContainExactly
import org.jetbrains.exposed.v1.core.JoinType
import org.jetbrains.exposed.v1.core.alias
import org.jetbrains.exposed.v1.jdbc.Query
import org.jetbrains.exposed.v1.jdbc.select
import org.jetbrains.exposed.v1.jdbc.selectAll
import org.jetbrains.exposed.v1.jdbc.transactions.transaction
import org.junit.jupiter.api.Test

/** What SQL Server is sent for a lock: hints behind the table. Its driver sends it, and no server checks that it locks. */
internal class MssqlRowLockTest {
    /** The texts that are sent for a query of this. */
    private fun sent(
        lock: RowLock,
        query: () -> Query,
    ): List<String> =
        Responder().use { responder ->
            Shop(ServerUrl(responder.url(), "test", "test")).use { shop ->
                shop.db.execute { tx ->
                    transaction(shop.exposed.database) {
                        val locking = query().forUpdate(tx, lock)
                        responder.answer(locking.prepareSQL(this, false), Answer.row("a"))
                        locking.toList()
                    }
                }
            }
            responder.log().filter { "FROM users" in it }.map { it.substringAfter(" FROM ").trim() }
        }

    @Test
    fun `a lock stands behind its table`() {
        sent(RowLock.forUpdate().skipLocked()) { Users.selectAll() } shouldContainExactly
            listOf("users WITH (UPDLOCK, ROWLOCK, READPAST)")
        sent(RowLock.forUpdate().noWait()) { Users.selectAll() } shouldContainExactly
            listOf("users WITH (UPDLOCK, ROWLOCK, NOWAIT)")
    }

    @Test
    fun `a lock of one table of a join stands behind that alone`() {
        val i = Items.alias("i")
        sent(RowLock.forUpdate().of("i")) {
            Users.join(i, JoinType.INNER, Users.name, i[Items.title]).select(Users.name)
        } shouldContainExactly
            listOf("users INNER JOIN items i WITH (UPDLOCK, ROWLOCK) ON users.\"name\" = i.title")
    }
}
