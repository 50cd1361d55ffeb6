package dev.holdfast.tx.exposed

import dev.holdfast.tx.Propagation
import dev.holdfast.tx.TxStateException
import dev.holdfast.tx.kotlin.suspendTransact
import dev.holdfast.tx.testkit.server.ServerUrl
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.types.shouldBeSameInstanceAs
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import org.jetbrains.exposed.v1.jdbc.SchemaUtils
import org.jetbrains.exposed.v1.jdbc.insert
import org.jetbrains.exposed.v1.jdbc.selectAll
import org.jetbrains.exposed.v1.jdbc.transactions.TransactionManager
import org.jetbrains.exposed.v1.jdbc.transactions.experimental.newSuspendedTransaction
import org.jetbrains.exposed.v1.jdbc.transactions.experimental.suspendedTransactionAsync
import org.jetbrains.exposed.v1.jdbc.transactions.suspendTransaction
import org.jetbrains.exposed.v1.jdbc.transactions.transaction
import org.junit.jupiter.api.Test
import kotlin.time.Duration.Companion.seconds

internal class SqliteSuspendingBlockTest : SuspendingBlockContract(Servers.sqlite())

internal class PostgresSuspendingBlockTest : SuspendingBlockContract(Servers.postgres())

/** Whose transaction a suspending block is in. */
internal abstract class SuspendingBlockContract(
    server: ServerUrl,
) : SuspendingShopTest(server) {
    // ---- inside a scope of ours

    @Test
    fun `a suspending block joins a suspending scope`() =
        test {
            ours.suspendTransact { tx ->
                add("a")
                tx.run("insert into users values ('b')")
                shop.names() shouldContainExactly listOf("a", "b")
                shop.busy shouldBe 1
                tx.setRollbackOnly("test")
            }
            shop.names().shouldBeEmpty()
        }

    @Test
    fun `a blocking block joins a suspending scope`() =
        test {
            ours.suspendTransact { shop.add("a") }
            shop.names() shouldContainExactly listOf("a")
        }

    @Test
    fun `a block goes on in other threads`() =
        test {
            ours.suspendTransact { tx ->
                suspendTransaction(exposed) {
                    val around = this
                    val thread = Thread.currentThread()
                    Users.insert { it[name] = "a" }
                    withContext(elsewhere) {
                        Thread.currentThread() shouldNotBe thread
                        Users.insert { it[name] = "b" }
                        suspendTransaction(exposed) { this shouldBeSameInstanceAs around }
                        transaction(exposed) { this shouldBeSameInstanceAs around }
                        ours.current()?.rows("select name from users order by name") shouldBe listOf("a", "b")
                    }
                    Users.insert { it[name] = "c" }
                    tx.rows("select name from users order by name") shouldContainExactly listOf("a", "b", "c")
                }
                TransactionManager.currentOrNull() shouldBe null
            }
            shop.names() shouldContainExactly listOf("a", "b", "c")
        }

    @Test
    fun `a block without a database joins the one around it`() =
        test {
            ours.suspendTransact { tx ->
                suspendTransaction(exposed) { suspendTransaction { Users.insert { it[name] = "a" } } }
                shop.names() shouldContainExactly listOf("a")
                tx.setRollbackOnly("test")
            }
            shop.names().shouldBeEmpty()
        }

    @Test
    @Suppress("DEPRECATION") // libraries may have them
    fun `the older calls of Exposed join, on another dispatcher too`() =
        test {
            ours.suspendTransact { tx ->
                newSuspendedTransaction(db = exposed) { Users.insert { it[name] = "a" } }
                newSuspendedTransaction(elsewhere, exposed) { Users.insert { it[name] = "b" } }
                suspendedTransactionAsync(db = exposed) { Users.insert { it[name] = "c" } }.await()
                shop.names() shouldContainExactly listOf("a", "b", "c")
                tx.setRollbackOnly("test")
            }
            shop.names().shouldBeEmpty()
        }

    @Test
    fun `ours inside a block joins the scope around it`() =
        test {
            ours.suspendTransact { outer ->
                suspendTransaction(exposed) {
                    ours.suspendTransact { it.run("insert into users values ('a')") }
                    ours.execute { it.run("insert into users values ('b')") }
                }
                outer.setRollbackOnly("test")
            }
            shop.names().shouldBeEmpty()
        }

    @Test
    fun `children of a scope have their blocks side by side`() =
        test {
            ours.suspendTransact {
                coroutineScope {
                    (1..40)
                        .map { number ->
                            async(elsewhere) {
                                suspendTransaction(exposed) {
                                    Users.insert { it[name] = "outer $number" }
                                    suspendTransaction(exposed) { Users.insert { it[name] = "inner $number" } }
                                    Item.new { title = "item $number" }
                                }
                            }
                        }.awaitAll()
                }
            }
            shop.names().size shouldBe 80
            shop.titles().size shouldBe 40
        }

    @Test
    fun `blocks of children are committed with their scope`() =
        test {
            // region children
            ours.suspendTransact {
                for (user in listOf("a", "b")) {
                    launch(Dispatchers.IO) { suspendTransaction(exposed) { Users.insert { it[name] = user } } }
                }
            }
            // endregion
            shop.names() shouldContainExactly listOf("a", "b")
        }

    @Test
    fun `many blocks over one connection finish`() =
        test {
            coroutineScope {
                repeat(60) { number ->
                    launch(Dispatchers.Default) {
                        ours.suspendTransact(acquireTimeout = 25.seconds) {
                            suspendTransaction(exposed) { Users.insert { it[name] = "n $number" } }
                        }
                    }
                }
            }
            shop.names().size shouldBe 60
        }

    @Test
    fun `tables are made and dropped in a suspending block, with its transaction`() =
        test {
            ours.suspendTransact { tx ->
                suspendTransaction(exposed) {
                    SchemaUtils.drop(Users, Items)
                    tables().shouldBeEmpty()
                    SchemaUtils.create(Users)
                    Users.insert { it[name] = "a" }
                }
                shop.names() shouldContainExactly listOf("a")
                tx.setRollbackOnly("test")
            }
            suspendTransaction(exposed) { tables() } shouldContainExactly listOf("items", "users")
            shop.names().shouldBeEmpty()
            ours.suspendTransact { suspendTransaction(exposed) { SchemaUtils.drop(Items) } }
            suspendTransaction(exposed) { tables() } shouldContainExactly listOf("users")
        }

    /** Those of these tests, as Exposed finds them. */
    private fun tables() =
        SchemaUtils
            .listTables()
            .map { it.substringAfterLast('.') }
            .filter { it in setOf("items", "users") }
            .sorted()

    // ---- roots

    @Test
    fun `outside of every scope a suspending block is a root of ours`() =
        test {
            suspendTransaction(exposed) {
                Users.insert { it[name] = "a" }
                withContext(elsewhere) {
                    ours.execute { it.run("insert into users values ('b')") }
                    ours.suspendTransact { it.run("insert into users values ('c')") }
                    shop.busy shouldBe 1
                }
            }
            shop.names() shouldContainExactly listOf("a", "b", "c")
            shouldThrow<IllegalStateException> {
                suspendTransaction(exposed) {
                    withContext(elsewhere) { ours.suspendTransact { it.run("insert into users values ('d')") } }
                    error("no")
                }
            }
            shop.names() shouldContainExactly listOf("a", "b", "c")
        }

    @Test
    fun `a suspending scope in a blocking block joins it`() {
        transaction(exposed) {
            Users.insert { it[name] = "a" }
            runBlocking { ours.suspendTransact { it.run("insert into users values ('b')") } }
            shop.busy shouldBe 1
            rollback()
        }
        shop.names().shouldBeEmpty()
    }

    @Test
    fun `the end of a block inside a root commits nothing`() =
        test {
            val error = IllegalStateException("no")
            shouldThrow<IllegalStateException> {
                suspendTransaction(exposed) {
                    suspendTransaction(exposed) { Users.insert { it[name] = "a" } }
                    withContext(elsewhere) { add("b") }
                    Users.insert { it[name] = "c" }
                    throw error
                }
            }.let { if (it === error) it else it.cause } shouldBeSameInstanceAs error
            shop.names().shouldBeEmpty()
        }

    // ---- beside the transaction of a block

    @Test
    fun `a separate scope inside a block has its own`() =
        test {
            Shop(server, connections = 2).use { two ->
                two.db.suspendTransact { outer ->
                    suspendTransaction(two.exposed.database) {
                        two.db.suspendTransact(propagation = Propagation.SEPARATE) {
                            shouldThrow<TxStateException> { Users.selectAll().count() }
                            suspendTransaction(two.exposed.database) { Users.insert { it[name] = "separate" } }
                        }
                        Users.selectAll().count() shouldBe 1
                    }
                    outer.setRollbackOnly("test")
                }
                two.names() shouldContainExactly listOf("separate")
            }
        }

    @Test
    fun `two databases work side by side`() =
        test {
            Shop(Servers.sqlite()).use { other ->
                other.empty()
                other.db.suspendTransact { theirs ->
                    suspendTransaction(other.exposed.database) {
                        Users.insert { it[name] = "theirs" }
                        add("ours")
                        withContext(elsewhere) { ours.suspendTransact { add("ours too") } }
                        other.db.current()?.rows("select name from users") shouldBe listOf("theirs")
                    }
                    theirs.setRollbackOnly("test")
                }
                shop.names() shouldContainExactly listOf("ours", "ours too")
                other.names().shouldBeEmpty()
            }
        }
}
