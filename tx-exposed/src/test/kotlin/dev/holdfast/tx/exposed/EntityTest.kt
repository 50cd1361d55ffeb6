package dev.holdfast.tx.exposed

import dev.holdfast.tx.FailureKind
import dev.holdfast.tx.Propagation
import dev.holdfast.tx.RetryPolicy
import dev.holdfast.tx.TxOptions
import dev.holdfast.tx.TxRolledBackException
import dev.holdfast.tx.testkit.server.ServerUrl
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeSameInstanceAs
import org.jetbrains.exposed.v1.dao.EntityChangeType
import org.jetbrains.exposed.v1.dao.EntityHook
import org.jetbrains.exposed.v1.dao.entityCache
import org.jetbrains.exposed.v1.exceptions.ExposedSQLException
import org.jetbrains.exposed.v1.jdbc.SchemaUtils
import org.jetbrains.exposed.v1.jdbc.selectAll
import org.jetbrains.exposed.v1.jdbc.transactions.TransactionManager
import org.jetbrains.exposed.v1.jdbc.transactions.transaction
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.Test
import java.time.Duration

internal class SqliteEntityTest : EntityContract(Servers.sqlite())

internal class PostgresEntityTest : EntityContract(Servers.postgres())

/** Entities, which write later than they are told to, and remember what they have read. */
internal abstract class EntityContract(
    server: ServerUrl,
) : ShopTest(server) {
    private val nesting = ours.exposed { useNestedTransactions = true }

    @AfterAll
    fun closeNesting() = nesting.close()

    @Test
    fun `what was not written is written at the end of a block`() {
        ours.execute { tx ->
            transaction(exposed) { Item.new { title = "a" } }
            tx.rows("select title from items") shouldContainExactly listOf("a")
        }
        shop.titles() shouldContainExactly listOf("a")
    }

    @Test
    fun `what was not written is written at the end of a block inside a block`() {
        transaction(exposed) {
            transaction(exposed) { Item.new { title = "a" } }
            ours.rows("select title from items") shouldContainExactly listOf("a")
        }
    }

    @Test
    fun `what was not written is written before the commit of a root`() {
        val item = transaction(exposed) { Item.new { title = "a" } }
        transaction(exposed) { item.title = "b" }
        shop.titles() shouldContainExactly listOf("b")
    }

    @Test
    fun `what cannot be written fails the block and the scope`() {
        ours.run("create unique index once on items (title)")
        val told =
            shouldThrow<TxRolledBackException> {
                ours.execute {
                    shouldThrow<ExposedSQLException> {
                        transaction(exposed) {
                            Item.new { title = "a" }
                            Item.new { title = "a" }
                        }
                    }
                }
            }
        ours.classify(told)?.kind() shouldBe FailureKind.UNIQUE
        shop.titles().shouldBeEmpty()
    }

    @Test
    fun `an entity is the same in a block inside a block`() {
        transaction(exposed) {
            val item = Item.new { title = "a" }
            transaction(exposed) { Item.all().single() } shouldBeSameInstanceAs item
        }
    }

    @Test
    fun `what was not written is written before a savepoint of ours, and survives its rollback`() {
        ours.execute { tx ->
            transaction(exposed) {
                val item = Item.new { title = "a" }
                shouldThrow<IllegalStateException> {
                    tx.executeNested {
                        item.title = "b"
                        Item.new { title = "c" }
                        error("no")
                    }
                }
                item.title shouldBe "a"
                Item.all().map { it.title } shouldContainExactly listOf("a")
            }
        }
        shop.titles() shouldContainExactly listOf("a")
    }

    @Test
    fun `what a savepoint of ours has undone is forgotten`() {
        val id = transaction(exposed) { Item.new { title = "a" } }.id
        transaction(exposed) {
            val item = Item[id]
            shouldThrow<IllegalStateException> {
                ours.current()!!.executeNested {
                    item.title = "b"
                    Items.selectAll().count()
                    Item.new { title = "gone" }.flush()
                    error("no")
                }
            }
            TransactionManager
                .current()
                .entityCache
                .findAll(Item)
                .shouldBeEmpty()
            item.title shouldBe "a"
            item.title = "c"
        }
        shop.titles() shouldContainExactly listOf("c")
    }

    @Test
    fun `what a savepoint of ours has deleted is there again when that is undone`() {
        val id = transaction(exposed) { Item.new { title = "a" } }.id
        ours.execute { tx ->
            transaction(exposed) {
                val item = Item[id]
                shouldThrow<IllegalStateException> {
                    tx.executeNested {
                        item.delete()
                        Items.selectAll().count() shouldBe 0
                        error("no")
                    }
                }
                item.title shouldBe "a"
                Item.findById(id)?.title shouldBe "a"
            }
        }
    }

    @Test
    fun `what a savepoint of ours has undone is in no reference`() {
        ours.execute { tx ->
            transaction(exposed) {
                SchemaUtils.create(Notes)
                val item = Item.new { title = "a" }
                item.note("one")
                item.read() shouldContainExactly listOf("one")
                shouldThrow<IllegalStateException> {
                    tx.executeNested {
                        item.note("two")
                        item.read() shouldContainExactly listOf("one", "two")
                        error("no")
                    }
                }
                item.read() shouldContainExactly listOf("one")
                tx.executeNested { item.note("three") }
                item.read() shouldContainExactly listOf("one", "three")
            }
            tx.setRollbackOnly("test")
        }
    }

    private fun Item.note(text: String) =
        Note.new {
            item = this@note
            this.text = text
        }

    private fun Item.read() = notes.map { it.text }.sorted()

    @Test
    fun `what was not written in a savepoint of ours is written at its end`() {
        ours.run("create unique index once on items (title)")
        transaction(exposed) {
            Item.new { title = "a" }
            shouldThrow<ExposedSQLException> { ours.current()!!.executeNested { Item.new { title = "a" } } }
            Item.new { title = "b" }
        }
        shop.titles() shouldContainExactly listOf("a", "b")
    }

    @Test
    fun `what cannot be written before a savepoint of ours fails the scope around it`() {
        ours.run("create unique index once on items (title)")
        var ran = false
        shouldThrow<TxRolledBackException> {
            transaction(exposed) {
                Item.new { title = "a" }
                Item.new { title = "a" }
                shouldThrow<ExposedSQLException> { ours.current()!!.executeNested { ran = true } }
            }
        }
        ran shouldBe false
        shop.titles().shouldBeEmpty()
    }

    @Test
    fun `what a block in a savepoint of ours has changed is read again around it`() {
        transaction(exposed) {
            val item = Item.new { title = "a" }
            ours.current()!!.executeNested { transaction(exposed) { Item[item.id].title = "b" } }
            item.title shouldBe "b"
        }
    }

    @Test
    fun `a nested block is a savepoint where that is asked for`() {
        ours.execute {
            transaction(nesting.database) {
                val item = Item.new { title = "a" }
                shouldThrow<IllegalStateException> {
                    transaction(nesting.database) {
                        Item[item.id].title = "b"
                        Item.new { title = "c" }
                        error("no")
                    }
                }
                item.title shouldBe "a"
                transaction(nesting.database) { Item[item.id].title = "d" }
                item.title shouldBe "d"
            }
        }
        shop.titles() shouldContainExactly listOf("d")
    }

    @Test
    fun `a nested block is a savepoint where that is the transactor's default`() {
        ours.withOptions { it.propagation(Propagation.SAVEPOINT) }.exposed().use { mine ->
            transaction(mine.database) {
                Item.new { title = "a" }
                shouldThrow<ExposedSQLException> {
                    transaction(
                        mine.database,
                    ) { exec("insert into nothing values (1)") }
                }
                transaction(mine.database) { Item.new { title = "b" } }
            }
        }
        shop.titles() shouldContainExactly listOf("a", "b")
    }

    @Test
    fun `ours inside a nested block that is a savepoint is undone with it`() {
        transaction(nesting.database) {
            shouldThrow<TxRolledBackException> {
                transaction(nesting.database) {
                    ours.run("insert into users values ('a')")
                    shouldThrow<IllegalStateException> { ours.execute { error("no") } }
                }
            }
            ours.execute { it.run("insert into users values ('b')") }
        }
        shop.names() shouldContainExactly listOf("b")
    }

    @Test
    fun `rollback in a nested block that is a savepoint undoes that block alone`() {
        transaction(nesting.database) {
            Item.new { title = "a" }
            transaction(nesting.database) {
                Item.new { title = "b" }.flush()
                rollback()
            }
            Item.new { title = "c" }
        }
        shop.titles() shouldContainExactly listOf("a", "c")
    }

    @Test
    fun `savepoints are many and deep`() {
        transaction(nesting.database) {
            repeat(20) { round ->
                transaction(nesting.database) {
                    Item.new { title = "kept $round" }
                    runCatching {
                        transaction(nesting.database) {
                            Item.new { title = "lost $round" }
                            transaction(nesting.database) { Item.new { title = "lost too $round" } }
                            error("no")
                        }
                    }
                }
            }
        }
        shop.titles() shouldContainExactly (0 until 20).map { "kept $it" }
    }

    @Test
    fun `a rolled back scope leaves no entity behind`() {
        val item = transaction(exposed) { Item.new { title = "a" } }
        ours.execute { tx ->
            transaction(exposed) { Item[item.id].title = "b" }
            tx.setRollbackOnly("test")
        }
        transaction(exposed) { Item[item.id].title shouldBe "a" }
    }

    @Test
    fun `an entity that a rolled back scope has changed is read again`() {
        val item = transaction(exposed) { Item.new { title = "a" } }
        ours.execute { tx ->
            transaction(exposed) { item.title = "b" }
            tx.setRollbackOnly("test")
        }
        transaction(exposed) { item.title shouldBe "a" }
    }

    @Test
    fun `a retry begins with no entities`() {
        val id = transaction(exposed) { Item.new { title = "a" } }.id
        ours.run("insert into users values ('a')")
        var runs = 0
        ours.execute(TxOptions.none().retry(policy)) {
            transaction(exposed) {
                entityCache.findAll(Item).shouldBeEmpty()
                val item = Item[id]
                item.title shouldBe "a"
                item.title = "b"
                if (runs++ == 0) {
                    shop.add("a")
                }
            }
        }
        runs shouldBe 2
        shop.titles() shouldContainExactly listOf("b")
    }

    @Test
    fun `a forced rollback leaves no entity`() {
        ours.execute(TxOptions.none().forceRollback()) { transaction(exposed) { Item.new { title = "a" } } }
        shop.titles().shouldBeEmpty()
    }

    @Test
    fun `changes are told once`() {
        val told = mutableListOf<EntityChangeType>()
        val telling = EntityHook.subscribe { told += it.changeType }
        try {
            ours.execute {
                val item = transaction(exposed) { Item.new { title = "a" } }
                transaction(exposed) { item.title = "b" }
            }
        } finally {
            EntityHook.unsubscribe(telling)
        }
        told shouldContainExactly listOf(EntityChangeType.Created, EntityChangeType.Updated)
    }

    private companion object {
        val policy: RetryPolicy =
            RetryPolicy
                .attempts(
                    3,
                ).on(FailureKind.UNIQUE)
                .backoff(Duration.ofMillis(1), Duration.ofMillis(1))
    }
}
