package dev.holdfast.tx.exposed

import dev.holdfast.tx.FailureKind
import dev.holdfast.tx.RetryPolicy
import dev.holdfast.tx.kotlin.suspendNested
import dev.holdfast.tx.kotlin.suspendTransact
import dev.holdfast.tx.testkit.server.ServerUrl
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import org.jetbrains.exposed.v1.exceptions.ExposedSQLException
import org.jetbrains.exposed.v1.jdbc.batchInsert
import org.jetbrains.exposed.v1.jdbc.insert
import org.jetbrains.exposed.v1.jdbc.insertAndGetId
import org.jetbrains.exposed.v1.jdbc.transactions.suspendTransaction
import org.jetbrains.exposed.v1.jdbc.transactions.transaction
import org.junit.jupiter.api.Test
import java.time.Duration

internal class SqliteSuspendingEntityTest : SuspendingEntityContract(Servers.sqlite())

internal class PostgresSuspendingEntityTest : SuspendingEntityContract(Servers.postgres())

/** Entities of suspending blocks, and savepoints. */
internal abstract class SuspendingEntityContract(
    server: ServerUrl,
) : SuspendingShopTest(server) {
    @Test
    fun `keys that the database makes are told`() =
        test {
            val ids =
                ours.suspendTransact {
                    suspendTransaction(exposed) {
                        Items.batchInsert(listOf("a", "b", "c")) { this[Items.title] = it }.map { it[Items.id].value } +
                            Items.insertAndGetId { it[title] = "d" }.value
                    }
                }
            transaction(exposed) { ids.map { Item[it].title } } shouldContainExactly listOf("a", "b", "c", "d")
        }

    @Test
    fun `what was not written is written at the end of a block, and before the commit`() =
        test {
            val item =
                ours.suspendTransact { tx ->
                    val made = suspendTransaction(exposed) { Item.new { title = "a" } }
                    tx.rows("select title from items") shouldContainExactly listOf("a")
                    made
                }
            suspendTransaction(exposed) { item.title = "b" }
            shop.titles() shouldContainExactly listOf("b")
        }

    @Test
    fun `a block that failed in a suspending savepoint of ours is survived`() =
        test {
            ours.suspendTransact { tx ->
                add("a")
                suspendTransaction(exposed) {
                    val item = Item.new { title = "a" }
                    shouldThrow<ExposedSQLException> {
                        tx.suspendNested {
                            suspendTransaction(exposed) {
                                item.title = "b"
                                Users.insert { it[name] = "b" }
                                Users.insert { it[name] = "a" }
                            }
                        }
                    }
                    item.title shouldBe "a"
                }
                add("c")
            }
            shop.names() shouldContainExactly listOf("a", "c")
            shop.titles() shouldContainExactly listOf("a")
        }

    @Test
    fun `entities keep in step with a suspending savepoint of ours`() =
        test {
            ours.suspendTransact { tx ->
                suspendTransaction(exposed) {
                    val item = Item.new { title = "a" }
                    shouldThrow<IllegalStateException> {
                        tx.suspendNested {
                            withContext(elsewhere) {
                                item.title = "b"
                                Item.new { title = "c" }
                            }
                            error("no")
                        }
                    }
                    item.title shouldBe "a"
                    tx.suspendNested { suspendTransaction(exposed) { Item[item.id].title = "d" } }
                    item.title shouldBe "d"
                    tx.suspendNested { item.title = "e" }
                }
            }
            shop.titles() shouldContainExactly listOf("e")
        }

    @Test
    fun `a suspending nested block is a savepoint where that is asked for`() =
        test {
            suspendTransaction(nesting.database) {
                val item = Item.new { title = "a" }
                shouldThrow<IllegalStateException> {
                    suspendTransaction(nesting.database) {
                        withContext(elsewhere) {
                            Item.new { title = "b" }
                            ours.suspendTransact { it.run("insert into users values ('b')") }
                        }
                        error("no")
                    }
                }
                suspendTransaction(nesting.database) { withContext(elsewhere) { Item[item.id].title = "c" } }
                item.title shouldBe "c"
            }
            shop.titles() shouldContainExactly listOf("c")
            shop.names().shouldBeEmpty()
        }

    @Test
    fun `a retry begins with no entities`() =
        test {
            var runs = 0
            ours.suspendTransact(
                retry =
                    RetryPolicy
                        .attempts(
                            3,
                        ).on(FailureKind.UNIQUE)
                        .backoff(Duration.ofMillis(1), Duration.ofMillis(1)),
            ) {
                suspendTransaction(exposed) {
                    Item.all().count() shouldBe 0
                    Item.new { title = "a" }
                }
                add("a")
                if (runs++ == 0) {
                    add("a")
                }
            }
            runs shouldBe 2
            shop.titles() shouldContainExactly listOf("a")
        }

    @Test
    fun `what a block holds back is not dropped with the savepoint of a sibling`() =
        test {
            ours.suspendTransact { tx ->
                val begun = CompletableDeferred<Unit>()
                val opened = CompletableDeferred<Unit>()
                val made = CompletableDeferred<Unit>()
                val over = CompletableDeferred<Unit>()
                launch(elsewhere) {
                    suspendTransaction(exposed) {
                        begun.complete(Unit)
                        opened.await()
                        Item.new { title = "a" }
                        made.complete(Unit)
                        over.await()
                    }
                }
                begun.await()
                shouldThrow<IllegalStateException> {
                    tx.suspendNested {
                        opened.complete(Unit)
                        made.await()
                        error("no")
                    }
                }
                over.complete(Unit)
            }
            shop.titles() shouldContainExactly listOf("a")
        }

    @Test
    fun `what a block holds back is not sent in the savepoint of a sibling`() =
        test {
            ours.suspendTransact { tx ->
                val made = CompletableDeferred<Unit>()
                val over = CompletableDeferred<Unit>()
                launch(elsewhere) {
                    suspendTransaction(exposed) {
                        Item.new { title = "a" }
                        made.complete(Unit)
                        over.await()
                    }
                }
                made.await()
                tx.suspendNested {
                    add("a")
                    it.rows("select title from items").shouldBeEmpty()
                }
                over.complete(Unit)
            }
            shop.titles() shouldContainExactly listOf("a")
        }
}
