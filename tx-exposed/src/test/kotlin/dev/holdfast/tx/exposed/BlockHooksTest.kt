package dev.holdfast.tx.exposed

import dev.holdfast.tx.Outcome
import dev.holdfast.tx.testkit.server.ServerUrl
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeInstanceOf
import org.jetbrains.exposed.v1.core.Transaction
import org.jetbrains.exposed.v1.core.statements.StatementInterceptor
import org.jetbrains.exposed.v1.jdbc.insert
import org.jetbrains.exposed.v1.jdbc.selectAll
import org.jetbrains.exposed.v1.jdbc.transactions.transaction
import org.junit.jupiter.api.Test
import java.util.concurrent.CopyOnWriteArrayList

internal class SqliteBlockHooksTest : BlockHooksContract(Servers.sqlite())

internal class PostgresBlockHooksTest : BlockHooksContract(Servers.postgres())

/** What is told of the end of a block. */
internal abstract class BlockHooksContract(
    server: ServerUrl,
) : ShopTest(server) {
    @Test
    fun `interceptors of a block see the commit of the scope`() {
        val seen = CopyOnWriteArrayList<String>()
        ours.execute { tx ->
            tx.afterCommit { seen += "ours" }
            transaction(exposed) {
                registerInterceptor(Seeing(seen))
                Users.insert { it[name] = "a" }
            }
            seen.shouldBeEmpty()
        }
        seen shouldContainExactly listOf("before commit 1", "ours", "after commit")
    }

    @Test
    fun `interceptors of a block see the rollback of the scope`() {
        val seen = CopyOnWriteArrayList<String>()
        ours.execute { tx ->
            transaction(exposed) {
                registerInterceptor(Seeing(seen))
                Users.insert { it[name] = "a" }
            }
            tx.setRollbackOnly("test")
        }
        seen shouldContainExactly listOf("before rollback", "after rollback")
    }

    @Test
    fun `interceptors of a root see its commit`() {
        val seen = CopyOnWriteArrayList<String>()
        transaction(exposed) {
            registerInterceptor(Seeing(seen))
            Users.insert { it[name] = "a" }
        }
        seen shouldContainExactly listOf("before commit 1", "after commit")
    }

    @Test
    fun `an interceptor that fails before the commit fails the scope`() {
        shouldThrow<IllegalStateException> {
            transaction(exposed) {
                registerInterceptor(
                    object : StatementInterceptor {
                        override fun beforeCommit(transaction: Transaction): Unit = error("no")
                    },
                )
                Users.insert { it[name] = "a" }
            }
        }
        shop.names().shouldBeEmpty()
    }

    @Test
    fun `a hook after the commit of a block works in a transaction of its own`() {
        transaction(exposed) {
            ours.current()?.afterCommit {
                ours.current().shouldBeNull()
                shop.add("hook")
            }
            Users.insert { it[name] = "a" }
        }
        shop.names() shouldContainExactly listOf("a", "hook")
    }

    @Test
    fun `a hook before the commit of a scope may use a block`() {
        ours.execute { tx ->
            tx.beforeCommit { shop.add("hook") }
            shop.add("a")
        }
        shop.names() shouldContainExactly listOf("a", "hook")
    }

    @Test
    fun `the outcome of a failed block reaches the hooks`() {
        val outcomes = CopyOnWriteArrayList<Outcome>()
        shouldThrow<IllegalStateException> {
            transaction(exposed) {
                ours.current()?.afterCompletion { outcomes += it }
                Users.insert { it[name] = "a" }
                error("no")
            }
        }
        outcomes.single().shouldBeInstanceOf<Outcome.RolledBack>().reason() shouldBe Outcome.Reason.BODY_FAILED
    }

    private class Seeing(
        private val seen: MutableList<String>,
    ) : StatementInterceptor {
        override fun beforeCommit(transaction: Transaction) {
            seen += "before commit " + Users.selectAll().count()
        }

        override fun afterCommit(transaction: Transaction) {
            seen += "after commit"
        }

        override fun beforeRollback(transaction: Transaction) {
            seen += "before rollback"
        }

        override fun afterRollback(transaction: Transaction) {
            seen += "after rollback"
        }
    }
}
