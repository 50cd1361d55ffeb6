package dev.holdfast.tx.exposed

import dev.holdfast.tx.Isolation
import dev.holdfast.tx.Propagation
import dev.holdfast.tx.TxOptions
import dev.holdfast.tx.TxRejectedException
import dev.holdfast.tx.TxRolledBackException
import dev.holdfast.tx.TxStateException
import dev.holdfast.tx.kotlin.suspendTransact
import dev.holdfast.tx.testkit.server.ServerUrl
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeSameInstanceAs
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield
import org.jetbrains.exposed.v1.exceptions.ExposedSQLException
import org.jetbrains.exposed.v1.jdbc.insert
import org.jetbrains.exposed.v1.jdbc.selectAll
import org.jetbrains.exposed.v1.jdbc.transactions.suspendTransaction
import org.junit.jupiter.api.Test
import java.sql.Connection
import java.sql.DriverManager
import java.sql.SQLException
import kotlin.time.Duration.Companion.seconds

internal class SqliteSuspendingFailureTest : SuspendingFailureContract(Servers.sqlite())

internal class PostgresSuspendingFailureTest : SuspendingFailureContract(Servers.postgres()) {
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

/** Suspending blocks that fail, are refused, or are cancelled. */
internal abstract class SuspendingFailureContract(
    server: ServerUrl,
) : SuspendingShopTest(server) {
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
    fun `commit by name is refused`() =
        test {
            shouldThrow<TxStateException> { ours.suspendTransact { suspendTransaction(exposed) { commit() } } }
            shouldThrow<TxStateException> { suspendTransaction(exposed) { commit() } }
        }

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
}
