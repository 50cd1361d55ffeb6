package dev.holdfast.tx.exposed

import dev.holdfast.tx.Completion
import dev.holdfast.tx.Isolation
import dev.holdfast.tx.Propagation
import dev.holdfast.tx.TxOptions
import dev.holdfast.tx.TxRejectedException
import dev.holdfast.tx.TxRolledBackException
import dev.holdfast.tx.TxStateException
import dev.holdfast.tx.testkit.server.ServerUrl
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeSameInstanceAs
import org.jetbrains.exposed.v1.exceptions.ExposedSQLException
import org.jetbrains.exposed.v1.jdbc.JdbcTransaction
import org.jetbrains.exposed.v1.jdbc.insert
import org.jetbrains.exposed.v1.jdbc.selectAll
import org.jetbrains.exposed.v1.jdbc.transactions.transaction
import org.junit.jupiter.api.Test
import java.sql.Connection
import java.util.concurrent.CopyOnWriteArrayList

internal class SqliteRootBlockTest : RootBlockContract(Servers.sqlite())

internal class PostgresRootBlockTest : RootBlockContract(Servers.postgres())

/** Blocks that begin a transaction, and those beside the one that is around them. */
internal abstract class RootBlockContract(
    server: ServerUrl,
) : ShopTest(server) {
    @Test
    fun `outside of every scope a block is a root of ours`() {
        transaction(exposed) {
            Users.insert { it[name] = "a" }
            ours.current()?.options() shouldBe TxOptions.none()
            shop.busy shouldBe 1
        }
        shop.names() shouldContainExactly listOf("a")
    }

    @Test
    fun `what is called in a root of Exposed's joins it`() {
        shouldThrow<IllegalStateException> {
            transaction(exposed) {
                ours.execute { it.run("insert into users values ('a')") }
                ours.run("insert into users values ('b')")
                shop.busy shouldBe 1
                error("no")
            }
        }
        shop.names().shouldBeEmpty()
    }

    @Test
    fun `the end of a block inside a root commits nothing`() {
        val error = IllegalStateException("no")
        shouldThrow<IllegalStateException> {
            transaction(exposed) {
                transaction(exposed) { Users.insert { it[name] = "a" } }
                Users.insert { it[name] = "b" }
                throw error
            }
        } shouldBeSameInstanceAs error
        shop.names().shouldBeEmpty()
    }

    @Test
    fun `a root that failed is rolled back and not run again`() {
        var runs = 0
        shouldThrow<ExposedSQLException> {
            transaction(exposed) {
                maxAttempts = 3
                runs++
                Users.insert { it[name] = "a" }
                Users.insert { it[name] = "a" }
            }
        }
        runs shouldBe 1
        shop.names().shouldBeEmpty()
    }

    @Test
    fun `a root whose inner scope failed and was caught fails`() {
        shouldThrow<TxRolledBackException> {
            transaction(exposed) {
                Users.insert { it[name] = "a" }
                shouldThrow<IllegalStateException> { ours.execute { error("no") } }
            }
        }
        shop.names().shouldBeEmpty()
    }

    @Test
    fun `a root has the options that Exposed was given`() {
        transaction(exposed, transactionIsolation = Connection.TRANSACTION_SERIALIZABLE) {
            ours.current()?.options()?.isolation() shouldBe Isolation.SERIALIZABLE
            transactionIsolation shouldBe Connection.TRANSACTION_SERIALIZABLE
        }
        transaction(exposed, readOnly = true) { readOnly } shouldBe true
        shouldThrow<ExposedSQLException> { transaction(exposed, readOnly = true) { Users.insert { it[name] = "a" } } }
        shop.names().shouldBeEmpty()
    }

    @Test
    fun `a root has the options of its transactor`() {
        ours.withOptions { it.label("mine") }.exposed().use { mine ->
            transaction(mine.database) { ours.current()?.options()?.label() shouldBe "mine" }
        }
    }

    @Test
    fun `a root that must not be one is rejected`() {
        ours.withOptions { it.propagation(Propagation.MANDATORY) }.exposed().use { mandatory ->
            shouldThrow<TxRejectedException> { transaction(mandatory.database) { } }
            ours.execute { transaction(mandatory.database) { Users.insert { it[name] = "a" } } }
        }
        shop.names() shouldContainExactly listOf("a")
    }

    @Test
    fun `a block in a forced rollback leaves nothing and believes itself committed`() {
        ours.execute(TxOptions.none().forceRollback()) {
            shop.add("a")
            shop.names() shouldContainExactly listOf("a")
        }
        shop.names().shouldBeEmpty()
    }

    @Test
    fun `the defaults of the transactor that Exposed works with apply`() {
        ours.withOptions { it.propagation(Propagation.SAVEPOINT) }.exposed().use { mine ->
            ours.execute {
                shop.add("a")
                shouldThrow<ExposedSQLException> { transaction(mine.database) { Users.insert { it[name] = "a" } } }
                transaction(mine.database) { Users.insert { it[name] = "b" } }
            }
        }
        shop.names() shouldContainExactly listOf("a", "b")
    }

    @Test
    fun `a block in a test fixture is a root that leaves nothing`() {
        val seen = CopyOnWriteArrayList<String>()
        ours.execute(TxOptions.none().completion(Completion.FIXTURE)) {
            transaction(exposed) {
                ours.current()?.afterCommit { seen += "committed" }
                Users.insert { it[name] = "a" }
            }
            seen shouldContainExactly listOf("committed")
            shouldThrow<IllegalStateException> {
                transaction(exposed) {
                    Users.insert { it[name] = "b" }
                    transaction(exposed) { Users.insert { it[name] = "c" } }
                    error("no")
                }
            }
            shop.names() shouldContainExactly listOf("a")
        }
        shop.names().shouldBeEmpty()
    }

    @Test
    fun `a bridge that was closed is gone`() {
        val closed = ours.exposed()
        closed.close()
        shouldThrow<IllegalStateException> { transaction(closed.database) { } }
        shop.add("a")
    }

    // ---- beside the transaction of a block

    @Test
    fun `a statement outside of the transaction needs a block of its own`() {
        transaction(exposed) {
            Users.selectAll().count() shouldBe 0
            ours.executeOutside { shouldThrow<TxStateException> { Users.selectAll().count() } }
        }
        ours.execute {
            transaction(exposed) {
                ours.executeOutside { shouldThrow<TxStateException> { Users.selectAll().count() } }
            }
        }
    }

    @Test
    fun `a separate scope inside a block has its own`() {
        Shop(server, connections = 2).use { two ->
            two.db.execute { outer ->
                transaction(two.exposed.database) {
                    val around: JdbcTransaction = this
                    two.db.execute(TxOptions.none().propagation(Propagation.SEPARATE)) {
                        shouldThrow<TxStateException> { Users.selectAll().count() }
                        transaction(two.exposed.database) {
                            (this === around) shouldBe false
                            Users.insert { it[name] = "separate" }
                        }
                    }
                    two.db.executeOutside {
                        transaction(
                            two.exposed.database,
                        ) { Users.insert { it[name] = "outside" } }
                    }
                    Users.selectAll().count() shouldBe 2
                }
                outer.setRollbackOnly("test")
            }
            two.names() shouldContainExactly listOf("outside", "separate")
        }
    }

    @Test
    fun `a separate block that failed fails nothing else`() {
        Shop(server, connections = 2).use { two ->
            two.db.execute {
                transaction(two.exposed.database) {
                    shouldThrow<IllegalStateException> {
                        two.db.executeOutside {
                            transaction(two.exposed.database) {
                                Users.insert { it[name] = "outside" }
                                error("no")
                            }
                        }
                    }
                }
                two.add("a")
            }
            two.names() shouldContainExactly listOf("a")
        }
    }

    @Test
    fun `two databases work side by side`() {
        Shop(Servers.sqlite()).use { other ->
            other.empty()
            shouldThrow<IllegalStateException> {
                other.db.execute {
                    ours.execute { shop.add("ours") }
                    transaction(other.exposed.database) {
                        Users.insert { it[name] = "theirs" }
                        shop.add("ours too")
                        other.db.current()?.rows("select name from users") shouldBe listOf("theirs")
                        Users.selectAll().map { it[Users.name] } shouldContainExactly listOf("theirs")
                    }
                    error("no")
                }
            }
            shop.names() shouldContainExactly listOf("ours", "ours too")
            other.names().shouldBeEmpty()
        }
    }
}
