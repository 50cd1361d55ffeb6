package dev.holdfast.tx.exposed

import dev.holdfast.tx.testkit.server.ServerUrl
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.nulls.shouldBeNull
import org.jetbrains.exposed.v1.core.Table
import org.jetbrains.exposed.v1.exceptions.ExposedSQLException
import org.jetbrains.exposed.v1.jdbc.SchemaUtils
import org.jetbrains.exposed.v1.jdbc.insert
import org.jetbrains.exposed.v1.jdbc.selectAll
import org.jetbrains.exposed.v1.jdbc.transactions.transaction
import org.junit.jupiter.api.Test

internal class SqliteTablesTest : TablesContract(Servers.sqlite())

internal class PostgresTablesTest : TablesContract(Servers.postgres())

/** Blocks that make tables, in a transaction and outside of every one. */
internal abstract class TablesContract(
    server: ServerUrl,
) : ShopTest(server) {
    @Test
    fun `tables are made and dropped in the transaction`() {
        val made =
            object : Table("made") {
                val id = integer("id")
            }
        ours.execute { tx ->
            transaction(exposed) {
                SchemaUtils.create(made)
                SchemaUtils
                    .listTables()
                    .map {
                        it
                            .substringAfterLast(
                                '.',
                            ).lowercase()
                    }.filter { it == "made" } shouldContainExactly
                    listOf("made")
                made.insert { it[id] = 1 }
            }
            tx.setRollbackOnly("test")
        }
        transaction(
            exposed,
        ) {
            SchemaUtils
                .listTables()
                .map { it.lowercase() }
                .filter { it.endsWith("made") }
                .shouldBeEmpty()
        }
    }

    @Test
    fun `without a transaction each statement commits by itself`() {
        shouldThrow<ExposedSQLException> {
            shop.exposed.withoutTransaction {
                ours.current().shouldBeNull()
                Users.insert { it[name] = "a" }
                transaction(exposed) { Users.insert { it[name] = "b" } }
                ours.execute { it.setRollbackOnly("another one, which is not begun") }
                Users.insert { it[name] = "a" }
            }
        }
        shop.names() shouldContainExactly listOf("a", "b")
    }

    @Test
    fun `a block after one without a transaction has a transaction`() {
        shop.exposed.withoutTransaction { Users.selectAll().count() }
        shouldThrow<IllegalStateException> {
            transaction(exposed) {
                Users.insert { it[name] = "a" }
                error("no")
            }
        }
        shop.names().shouldBeEmpty()
    }
}
