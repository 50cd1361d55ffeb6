package dev.holdfast.tx.exposed

import dev.holdfast.tx.testkit.server.ServerUrl
import io.kotest.matchers.shouldBe
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.jetbrains.exposed.v1.jdbc.insert
import org.jetbrains.exposed.v1.jdbc.transactions.TransactionManager
import org.jetbrains.exposed.v1.jdbc.transactions.suspendTransaction
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.AfterEach
import java.util.concurrent.Executors
import kotlin.time.Duration.Companion.seconds

/** Exposed blocks that suspend; where a test ends, no thread has one left. */
internal abstract class SuspendingShopTest(
    server: ServerUrl,
) : ShopTest(server) {
    protected val nesting = ours.exposed { useNestedTransactions = true }
    private val threads = Executors.newFixedThreadPool(4)
    protected val elsewhere = threads.asCoroutineDispatcher()

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

    protected fun test(body: suspend CoroutineScope.() -> Unit) = runBlocking { withTimeout(30.seconds) { body() } }

    protected suspend fun add(name: String) = suspendTransaction(exposed) { Users.insert { it[Users.name] = name } }
}
