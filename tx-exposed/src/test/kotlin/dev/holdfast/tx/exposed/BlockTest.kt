package dev.holdfast.tx.exposed

import dev.holdfast.tx.Ambient
import dev.holdfast.tx.Completion
import dev.holdfast.tx.FailureKind
import dev.holdfast.tx.Isolation
import dev.holdfast.tx.Outcome
import dev.holdfast.tx.Propagation
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
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.types.shouldBeInstanceOf
import io.kotest.matchers.types.shouldBeSameInstanceAs
import org.jetbrains.exposed.v1.core.Transaction
import org.jetbrains.exposed.v1.core.statements.StatementInterceptor
import org.jetbrains.exposed.v1.exceptions.ExposedSQLException
import org.jetbrains.exposed.v1.jdbc.JdbcTransaction
import org.jetbrains.exposed.v1.jdbc.SchemaUtils
import org.jetbrains.exposed.v1.jdbc.insert
import org.jetbrains.exposed.v1.jdbc.selectAll
import org.jetbrains.exposed.v1.jdbc.transactions.TransactionManager
import org.jetbrains.exposed.v1.jdbc.transactions.inTopLevelTransaction
import org.jetbrains.exposed.v1.jdbc.transactions.transaction
import org.jetbrains.exposed.v1.jdbc.transactions.transactionManager
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestInstance
import java.sql.Connection
import java.sql.SQLException
import java.time.Duration
import java.util.concurrent.CopyOnWriteArrayList

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

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
internal abstract class BlockContract(
    private val server: ServerUrl,
) {
    protected val shop = Shop(server)
    protected val ours = shop.db
    protected val exposed = shop.exposed.database

    @BeforeEach
    fun empty() = shop.empty()

    @AfterEach
    fun nothingIsLeft() {
        TransactionManager.currentOrNull() shouldBe null
        ours.current() shouldBe null
        shop.busy shouldBe 0
    }

    @AfterAll
    fun close() = shop.close()

    // ---- inside a scope of ours

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

    // ---- roots

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

    // ---- hooks

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

    // ---- what leaves a block, and others

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
    fun `tables are made and dropped in the transaction`() {
        val made =
            object : org.jetbrains.exposed.v1.core.Table("made") {
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
