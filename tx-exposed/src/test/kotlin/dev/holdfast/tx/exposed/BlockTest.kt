package dev.holdfast.tx.exposed

import dev.holdfast.tx.Ambient
import dev.holdfast.tx.FailureKind
import dev.holdfast.tx.Isolation
import dev.holdfast.tx.RetryPolicy
import dev.holdfast.tx.TxException
import dev.holdfast.tx.TxOptions
import dev.holdfast.tx.TxRejectedException
import dev.holdfast.tx.TxRolledBackException
import dev.holdfast.tx.TxStateException
import dev.holdfast.tx.TxTimeoutException
import dev.holdfast.tx.TxUnsupportedException
import dev.holdfast.tx.testkit.server.ServerUrl
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.types.shouldBeSameInstanceAs
import org.jetbrains.exposed.v1.exceptions.ExposedSQLException
import org.jetbrains.exposed.v1.jdbc.insert
import org.jetbrains.exposed.v1.jdbc.selectAll
import org.jetbrains.exposed.v1.jdbc.transactions.TransactionManager
import org.jetbrains.exposed.v1.jdbc.transactions.inTopLevelTransaction
import org.jetbrains.exposed.v1.jdbc.transactions.transaction
import org.jetbrains.exposed.v1.jdbc.transactions.transactionManager
import org.junit.jupiter.api.Test
import java.sql.Connection
import java.sql.SQLException
import java.time.Duration

internal class SqliteBlockTest : BlockContract(Servers.sqlite())

internal class PostgresBlockTest : BlockContract(Servers.postgres()) {
    @Test
    fun `an isolation that the scope does not have is refused`() {
        ours.execute {
            shouldThrow<TxRejectedException> {
                transaction(
                    exposed,
                    transactionIsolation = Connection.TRANSACTION_REPEATABLE_READ,
                ) { Users.selectAll().count() }
            }
            shop.add("a") // and a block that was refused poisons nothing
        }
        shop.names() shouldContainExactly listOf("a")
    }

    @Test
    fun `the limits of the options hold in a block`() {
        val options = TxOptions.none().statementTimeout(Duration.ofMillis(300))
        val error =
            shouldThrow<SQLException> { ours.execute(options) { transaction(exposed) { exec("select pg_sleep(20)") } } }
        generateSequence<Throwable>(error) { it.cause }.filterIsInstance<TxTimeoutException>().first().limit() shouldBe
            TxTimeoutException.Limit.STATEMENT
    }

    @Test
    fun `a block whose statement aborted the transaction takes no other, and fails`() {
        shouldThrow<TxRolledBackException> {
            transaction(exposed) {
                Users.insert { it[name] = "a" }
                shouldThrow<ExposedSQLException> { Users.insert { it[name] = "a" } }
                shouldThrow<ExposedSQLException> { Users.selectAll().count() }
            }
        }
        shop.names().shouldBeEmpty()
    }
}

/** Blocks in a scope of ours. */
internal abstract class BlockContract(
    server: ServerUrl,
) : ShopTest(server) {
    @Test
    fun `statements of a block run on the connection of the scope`() {
        ours.execute { tx ->
            shop.add("a")
            tx.run("insert into users values ('b')")
            transaction(exposed) {
                Users.selectAll().orderBy(Users.name).map { it[Users.name] } shouldContainExactly
                    listOf("a", "b")
            }
            shop.busy shouldBe 1
        }
        shop.names() shouldContainExactly listOf("a", "b")
    }

    @Test
    fun `the end of a block commits nothing`() {
        ours.execute { tx ->
            shop.add("a")
            tx.setRollbackOnly("test")
        }
        shop.names().shouldBeEmpty()
    }

    @Test
    fun `a block closes nothing of ours`() {
        ours.execute { tx ->
            val connection = tx.connection()
            shop.add("a")
            connection.isClosed shouldBe false
            tx.connection() shouldBeSameInstanceAs connection
        }
    }

    @Test
    fun `the scope fails when a block failed in a statement and its error was caught`() {
        val told =
            shouldThrow<TxRolledBackException> {
                ours.execute {
                    shop.add("a")
                    shouldThrow<ExposedSQLException> { shop.add("a") }
                }
            }
        ours.classify(told)?.kind() shouldBe FailureKind.UNIQUE
        shop.names().shouldBeEmpty()
    }

    @Test
    fun `the scope fails when a block failed in a batch and its error was caught`() {
        val told =
            shouldThrow<TxRolledBackException> {
                ours.execute {
                    shop.add("a")
                    shouldThrow<SQLException> {
                        transaction(exposed) { execInBatch(listOf("insert into users values ('a')")) }
                    }
                }
            }
        ours.classify(told)?.kind() shouldBe FailureKind.UNIQUE
        shop.names().shouldBeEmpty()
    }

    @Test
    fun `the scope fails when a block failed otherwise and its error was caught`() {
        shouldThrow<TxRolledBackException> {
            ours.execute {
                shop.add("a")
                shouldThrow<IllegalArgumentException> { transaction(exposed) { throw IllegalArgumentException("no") } }
            }
        }
        shop.names().shouldBeEmpty()
    }

    @Test
    fun `the scope fails when a block inside a block failed and its error was caught in the outer one`() {
        for (error in listOf(IllegalArgumentException("no"), SQLException("no"), AssertionError("no"))) {
            shouldThrow<TxRolledBackException> {
                ours.execute {
                    transaction(exposed) {
                        Users.insert { it[name] = "a" }
                        shouldThrow<Throwable> { transaction(exposed) { throw error } } shouldBeSameInstanceAs error
                        Users.insert { it[name] = "b" }
                    }
                }
            }
        }
        shop.names().shouldBeEmpty()
    }

    @Test
    fun `the caller of a scope gets the error of a block as it is`() {
        val error = IllegalArgumentException("no")
        shouldThrow<IllegalArgumentException> {
            ours.execute {
                transaction(
                    exposed,
                ) { throw error }
            }
        } shouldBeSameInstanceAs
            error
    }

    @Test
    fun `a block inside a block has the same Exposed transaction`() {
        ours.execute { transaction(exposed) { transaction(exposed) { this } shouldBeSameInstanceAs this } }
    }

    @Test
    fun `a block without a database joins the one around it`() {
        ours.execute { transaction(exposed) { transaction { Users.insert { it[name] = "a" } } } }
        shop.names() shouldContainExactly listOf("a")
    }

    @Test
    fun `a block that asks to be a top level joins all the same`() {
        ours.execute { tx ->
            transaction(exposed) { inTopLevelTransaction(exposed) { Users.insert { it[name] = "a" } } }
            tx.setRollbackOnly("test")
        }
        shop.names().shouldBeEmpty()
    }

    @Test
    fun `ours inside a block joins the scope around it`() {
        ours.execute { outer ->
            transaction(exposed) {
                ours.execute { it.run("insert into users values ('a')") }
                shop.busy shouldBe 1
            }
            outer.setRollbackOnly("test")
        }
        shop.names().shouldBeEmpty()
    }

    @Test
    fun `rows that were not read cannot be read after the block`() {
        shop.add("a")
        shop.add("b")
        ours.execute {
            val query = transaction(exposed) { Users.selectAll() }
            shouldThrow<IllegalStateException> { query.toList() }
            val open =
                transaction(
                    exposed,
                ) { connection.prepareStatement("select name from users", false).executeQuery().result }
            shouldThrow<SQLException> { open.next() }
        }
    }

    @Test
    fun `a retry runs the whole body again`() {
        var runs = 0
        ours.execute(
            TxOptions.none().retry(
                RetryPolicy.attempts(3).on(FailureKind.UNIQUE).backoff(Duration.ofMillis(1), Duration.ofMillis(1)),
            ),
        ) {
            runs++
            shop.add("a")
            if (runs == 1) {
                shop.add("a")
            }
        }
        runs shouldBe 2
        shop.names() shouldContainExactly listOf("a")
    }

    @Test
    fun `without ambient transactions a block joins what it is run within`() {
        Shop(server, change = { it.ambient(Ambient.OFF) }).use { off ->
            off.db.execute { tx ->
                off.db.executeWithin(tx) {
                    off.add("a")
                    transaction(off.exposed.database) {
                        transaction(off.exposed.database) {
                            Users.insert {
                                it[name] =
                                    "b"
                            }
                        }
                    }
                }
            }
            transaction(off.exposed.database) {
                Users.insert { it[name] = "c" }
                transaction(off.exposed.database) { Users.insert { it[name] = "d" } }
            }
            off.names() shouldContainExactly listOf("a", "b", "c", "d")
        }
    }

    @Test
    fun `a block in a transaction that has ended is refused`() {
        val tx = ours.begin()
        tx.rollback()
        shouldThrow<TxStateException> { ours.executeWithin(tx) { shop.add("a") } }
    }

    // ---- options

    @Test
    fun `an isolation that the scope has is no matter`() {
        ours.execute(TxOptions.of(Isolation.SERIALIZABLE)) {
            transaction(exposed, transactionIsolation = Connection.TRANSACTION_SERIALIZABLE) {
                Users.selectAll().count() shouldBe
                    0
            }
        }
    }

    @Test
    fun `reading only is refused in a scope that writes`() {
        ours.execute {
            shouldThrow<TxException> { transaction(exposed, readOnly = true) { Users.selectAll().count() } }
        }
    }

    @Test
    fun `options inside a block are refused as they are around it`() {
        ours.execute {
            transaction(exposed) {
                shouldThrow<TxException> { transaction(exposed, readOnly = true) { Users.selectAll().count() } }
                Users.insert { it[name] = "a" }
            }
        }
        shop.names() shouldContainExactly listOf("a")
    }

    @Test
    fun `a level that does not exist is refused`() {
        shouldThrow<TxUnsupportedException> { transaction(exposed, transactionIsolation = 3) { } }
    }

    @Test
    fun `what Holdfast decides cannot be set in Exposed`() {
        shouldThrow<IllegalArgumentException> {
            ours.exposed {
                defaultIsolationLevel =
                    Connection.TRANSACTION_SERIALIZABLE
            }
        }
        shouldThrow<IllegalArgumentException> { ours.exposed { defaultReadOnly = true } }
        shouldThrow<IllegalArgumentException> { ours.exposed { defaultMaxAttempts = 5 } }
        shouldThrow<UnsupportedOperationException> { exposed.transactionManager.defaultMaxAttempts = 5 }
    }

    // ---- commit, rollback and close by name

    @Test
    fun `commit in a block is refused`() {
        shouldThrow<TxStateException> {
            ours.execute {
                transaction(exposed) {
                    Users.insert { it[name] = "a" }
                    commit()
                }
            }
        }.message shouldContain "commit() was called"
        shop.names().shouldBeEmpty()
    }

    @Test
    fun `commit in a block that is a root is refused`() {
        shouldThrow<TxStateException> {
            transaction(exposed) {
                Users.insert { it[name] = "a" }
                commit()
            }
        }
        shop.names().shouldBeEmpty()
    }

    @Test
    fun `commit by the current transaction of Exposed is refused`() {
        shouldThrow<TxStateException> {
            ours.execute {
                transaction(
                    exposed,
                ) { TransactionManager.current().commit() }
            }
        }
    }

    @Test
    fun `the connection of a block refuses what would end the transaction`() {
        ours.execute {
            transaction(exposed) {
                shouldThrow<SQLException> { connection.commit() }
                shouldThrow<SQLException> { connection.rollback() }
                shouldThrow<SQLException> { connection.autoCommit = true }
                shouldThrow<SQLException> { connection.setSavepoint("mine") }
                shouldThrow<SQLException> { exec("commit") }
                shouldThrow<TxStateException> { close() }
            }
        }
    }

    @Test
    fun `a block goes on when its connection was closed in it`() {
        ours.execute {
            transaction(exposed) {
                Users.insert { it[name] = "a" }
                connection.close()
                Users.insert { it[name] = "b" }
            }
        }
        shop.names() shouldContainExactly listOf("a", "b")
    }

    @Test
    fun `rollback in a block fails the scope`() {
        shouldThrow<TxRolledBackException> {
            ours.execute {
                transaction(exposed) {
                    Users.insert { it[name] = "a" }
                    rollback()
                }
            }
        }.cause?.message shouldContain "rollback() was called"
        shop.names().shouldBeEmpty()
    }

    @Test
    fun `rollback in a block that is a root undoes it, and its result is returned`() {
        transaction(exposed) {
            Users.insert { it[name] = "a" }
            rollback()
            7
        } shouldBe 7
        shop.names().shouldBeEmpty()
    }

    @Test
    fun `nothing is done in a block after its rollback`() {
        shouldThrow<TxStateException> {
            transaction(exposed) {
                Users.insert { it[name] = "a" }
                rollback()
                Users.insert { it[name] = "b" }
            }
        }
        shop.names().shouldBeEmpty()
    }
}
