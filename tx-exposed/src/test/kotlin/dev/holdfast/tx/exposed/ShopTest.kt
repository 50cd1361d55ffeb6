package dev.holdfast.tx.exposed

import dev.holdfast.tx.testkit.server.ServerUrl
import io.kotest.matchers.shouldBe
import org.jetbrains.exposed.v1.jdbc.transactions.TransactionManager
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.TestInstance

/** Tests of one shop, which is empty before each and has all of its connections back after it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
internal abstract class ShopTest(
    protected val server: ServerUrl,
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
}
