package dev.holdfast.tx.exposed

import dev.holdfast.tx.FailureKind
import dev.holdfast.tx.Isolation
import dev.holdfast.tx.Propagation
import dev.holdfast.tx.RetryPolicy
import dev.holdfast.tx.TxOptions
import dev.holdfast.tx.TxRejectedException
import dev.holdfast.tx.TxRolledBackException
import dev.holdfast.tx.TxStateException
import dev.holdfast.tx.kotlin.suspendNested
import dev.holdfast.tx.kotlin.suspendTransact
import dev.holdfast.tx.testkit.server.ServerUrl
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.types.shouldBeSameInstanceAs
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield
import org.jetbrains.exposed.v1.exceptions.ExposedSQLException
import org.jetbrains.exposed.v1.jdbc.SchemaUtils
import org.jetbrains.exposed.v1.jdbc.batchInsert
import org.jetbrains.exposed.v1.jdbc.insert
import org.jetbrains.exposed.v1.jdbc.insertAndGetId
import org.jetbrains.exposed.v1.jdbc.selectAll
import org.jetbrains.exposed.v1.jdbc.transactions.TransactionManager
import org.jetbrains.exposed.v1.jdbc.transactions.experimental.newSuspendedTransaction
import org.jetbrains.exposed.v1.jdbc.transactions.experimental.suspendedTransactionAsync
import org.jetbrains.exposed.v1.jdbc.transactions.suspendTransaction
import org.jetbrains.exposed.v1.jdbc.transactions.transaction
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Test
import java.sql.Connection
import java.sql.DriverManager
import java.sql.SQLException
import java.time.Duration
import java.util.concurrent.Executors
import kotlin.time.Duration.Companion.seconds

internal class SqliteSuspendingBlockTest : SuspendingBlockContract(Servers.sqlite())

internal class PostgresSuspendingBlockTest : SuspendingBlockContract(Servers.postgres()) {
    @Test
    fun `the statement of a block that runs is cancelled with its caller`() =
        runBlocking<Unit> {
            val job =
                launch(Dispatchers.Default) {
                    ours.suspendTransact(acquireTimeout = 5.seconds) {
                        suspendTransaction(exposed) {
                            Users.insert { it[name] = "a" }
                            exec("select pg_sleep(600) as endless")
                        }
                    }
                }
            DriverManager.getConnection(server.url(), server.user(), server.password()).use { beside ->
                fun runs() =
                    beside.createStatement().use { statement ->
                        val rows =
                            statement.executeQuery(
                                "select 1 from pg_stat_activity where state = 'active' and query like '%as endless%'" +
                                    " and pid <> pg_backend_pid()",
                            )
                        rows.next()
                    }
                withTimeout(30.seconds) {
                    while (!runs()) {
                        yield()
                    }
                    job.cancelAndJoin()
                }
                runs() shouldBe false
            }
            shop.names().shouldBeEmpty()
        }

    @Test
    fun `an isolation that the scope does not have is refused`() =
        runBlocking<Unit> {
            ours.suspendTransact(isolation = Isolation.READ_COMMITTED) {
                shouldThrow<TxRejectedException> {
                    suspendTransaction(exposed, transactionIsolation = Connection.TRANSACTION_SERIALIZABLE) {
                        Users.selectAll().count()
                    }
                }
                suspendTransaction(exposed) { Users.insert { it[name] = "a" } }
            }
            shop.names() shouldContainExactly listOf("a")
        }
}

internal abstract class SuspendingBlockContract(
    server: ServerUrl,
) : ShopTest(server) {
    private val nesting = ours.exposed { useNestedTransactions = true }
    private val threads = Executors.newFixedThreadPool(4)
    private val elsewhere = threads.asCoroutineDispatcher()

    @AfterEach
    fun nothingIsLeftElsewhere() {
        val left = (1..4).map { threads.submit<Any?> { TransactionManager.currentOrNull() ?: ours.current() } }
        left.map { it.get() } shouldBe List(4) { null }
    }

    @AfterAll
    fun closeTheRest() {
        nesting.close()
        threads.shutdown()
    }

    private fun test(body: suspend CoroutineScope.() -> Unit) = runBlocking { withTimeout(30.seconds) { body() } }

    private suspend fun add(name: String) = suspendTransaction(exposed) { Users.insert { it[Users.name] = name } }

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
    fun `the scope fails when a block failed and its error was caught`() =
        test {
            for (error in listOf(IllegalArgumentException("no"), AssertionError("no"))) {
                shouldThrow<TxRolledBackException> {
                    ours.suspendTransact {
                        suspendTransaction(exposed) {
                            Users.insert { it[name] = "a" }
                            shouldThrow<Throwable> { suspendTransaction(exposed) { throw error } }
                        }
                        add("b")
                    }
                }
            }
            shop.names().shouldBeEmpty()
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
    fun `a joined block that failed is not run again`() =
        test {
            var runs = 0
            val error = SQLException("no", "40001")
            shouldThrow<SQLException> {
                ours.suspendTransact {
                    suspendTransaction(exposed) {
                        maxAttempts = 3
                        runs++
                        throw error
                    }
                }
            } shouldBeSameInstanceAs error
            runs shouldBe 1
        }

    @Test
    fun `reading only is refused in a scope that writes`() =
        test {
            ours.suspendTransact {
                shouldThrow<TxRejectedException> {
                    suspendTransaction(exposed, readOnly = true) { Users.selectAll().count() }
                }
            }
        }

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
    fun `commit by name is refused`() =
        test {
            shouldThrow<TxStateException> { ours.suspendTransact { suspendTransaction(exposed) { commit() } } }
            shouldThrow<TxStateException> { suspendTransaction(exposed) { commit() } }
        }

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

    @Test
    fun `a root that failed is not run again`() =
        test {
            var runs = 0
            shouldThrow<ExposedSQLException> {
                suspendTransaction(exposed) {
                    maxAttempts = 3
                    runs++
                    Users.insert { it[name] = "a" }
                    Users.insert { it[name] = "a" }
                }
            }
            runs shouldBe 1
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

    // ---- savepoints and entities

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

    // ---- cancelling

    @Test
    fun `a cancelled block is rolled back and leaves no connection behind`() =
        test {
            for (start in listOf<
                suspend (
                    suspend () -> Unit,
                ) -> Unit,
            >({ it() }, { body -> ours.suspendTransact { body() } })) {
                val reached = CompletableDeferred<Unit>()
                val job =
                    launch(Dispatchers.Default) {
                        start {
                            suspendTransaction(exposed) {
                                Users.insert { it[name] = "a" }
                                reached.complete(Unit)
                                awaitCancellation()
                            }
                        }
                    }
                reached.await()
                job.cancelAndJoin()
                job.isCancelled shouldBe true
                shop.busy shouldBe 0
                shop.names().shouldBeEmpty()
            }
        }

    @Test
    fun `a nested block that is cancelled before it begins leaves nothing open`() =
        test {
            val job =
                launch(Dispatchers.Default) {
                    suspendTransaction(nesting.database) {
                        Users.insert { it[name] = "a" }
                        this@launch.coroutineContext[kotlinx.coroutines.Job]!!.cancel()
                        shouldThrow<CancellationException> {
                            suspendTransaction(nesting.database) {
                                Users.insert {
                                    it[name] =
                                        "b"
                                }
                            }
                        }
                        throw CancellationException("done")
                    }
                }
            job.join()
            shop.busy shouldBe 0
            shop.names().shouldBeEmpty()
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

    @Test
    fun `a block that must join is rejected where nothing runs`() =
        test {
            ours.withOptions { it.propagation(Propagation.MANDATORY) }.exposed().use { mandatory ->
                shouldThrow<TxRejectedException> { suspendTransaction(mandatory.database) { } }
                ours.suspendTransact(TxOptions.none()) {
                    suspendTransaction(mandatory.database) {
                        Users.insert {
                            it[name] =
                                "a"
                        }
                    }
                }
            }
            shop.names() shouldContainExactly listOf("a")
        }
}
