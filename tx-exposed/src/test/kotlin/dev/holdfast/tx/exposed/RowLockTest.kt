package dev.holdfast.tx.exposed

import dev.holdfast.tx.BeginMode
import dev.holdfast.tx.FailureKind
import dev.holdfast.tx.RowLock
import dev.holdfast.tx.TxOptions
import dev.holdfast.tx.TxStateException
import dev.holdfast.tx.TxUnsupportedException
import dev.holdfast.tx.kotlin.suspendTransact
import dev.holdfast.tx.testkit.Untested
import dev.holdfast.tx.testkit.server.ServerUrl
import dev.holdfast.tx.testkit.server.TestServer
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import kotlinx.coroutines.runBlocking
import org.jetbrains.exposed.v1.core.JoinType
import org.jetbrains.exposed.v1.core.alias
import org.jetbrains.exposed.v1.core.eq
import org.jetbrains.exposed.v1.core.inSubQuery
import org.jetbrains.exposed.v1.core.vendors.ForUpdateOption
import org.jetbrains.exposed.v1.exceptions.ExposedSQLException
import org.jetbrains.exposed.v1.jdbc.Query
import org.jetbrains.exposed.v1.jdbc.SchemaUtils
import org.jetbrains.exposed.v1.jdbc.insert
import org.jetbrains.exposed.v1.jdbc.select
import org.jetbrains.exposed.v1.jdbc.selectAll
import org.jetbrains.exposed.v1.jdbc.transactions.suspendTransaction
import org.jetbrains.exposed.v1.jdbc.transactions.transaction
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.Assumptions.abort
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestInstance
import java.time.Duration

internal class PostgresRowLockTest : RowLockContract({ Servers.postgres() })

internal class MysqlRowLockTest : RowLockContract({ TestServer.mysql("8.0").find() })

/** MariaDB has no lock of one table of a join: it locks all of them, and notes it. */
internal class MariadbRowLockTest : RowLockContract({ TestServer.mariadb("11.4").find() }, locksOneTable = false)

/** Locks of rows in queries of Exposed, by two sessions. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
internal abstract class RowLockContract(
    server: () -> ServerUrl,
    private val locksOneTable: Boolean = true,
) {
    private val url =
        try {
            server()
        } catch (e: Untested) {
            abort(e.toString())
        }
    private val shop = Shop(url)
    private val rival = Shop(url)

    @BeforeEach
    fun two() {
        for (table in listOf("users", "items")) {
            shop.db.withConnection { connection ->
                connection.createStatement().use { it.execute("drop table if exists $table") }
            }
        }
        shop.exposed.withoutTransaction { SchemaUtils.create(Users, Items) }
        transaction(shop.exposed.database) {
            for (user in listOf("a", "b")) {
                Users.insert { it[name] = user }
            }
            Items.insert {
                it[id] = 1
                it[title] = "a"
            }
        }
    }

    @AfterAll
    fun close() {
        shop.close()
        rival.close()
    }

    /** What a rival gets of this query, skipping what is locked, while [locks] are held. */
    private fun left(
        locks: (dev.holdfast.tx.Tx) -> Query,
        rivals: Query,
    ): List<String> =
        shop.db.transact { tx ->
            transaction(shop.exposed.database) { locks(tx).toList() }
            rival.db.transact { other ->
                transaction(rival.exposed.database) {
                    rivals.forUpdate(other, RowLock.forUpdate().skipLocked()).map { it[Users.name] }.sorted()
                }
            }
        }

    @Test
    fun `the rows that were read are locked, and no others`() {
        left({ Users.selectAll().where { Users.name eq "a" }.forUpdate(it) }, Users.selectAll()) shouldContainExactly
            listOf("b")
    }

    @Test
    fun `a query of a suspending block is locked, too`() =
        runBlocking<Unit> {
            shop.db.suspendTransact { tx ->
                suspendTransaction(shop.exposed.database) {
                    Users
                        .selectAll()
                        .where { Users.name eq "a" }
                        .forUpdate(tx)
                        .toList()
                }
                rival.db.suspendTransact { other ->
                    suspendTransaction(rival.exposed.database) {
                        Users.selectAll().forUpdate(other, RowLock.forUpdate().skipLocked()).map { it[Users.name] }
                    }
                }
            } shouldContainExactly listOf("b")
        }

    @Test
    fun `the query itself locks nothing`() {
        left({ tx -> Users.selectAll().also { it.forUpdate(tx) } }, Users.selectAll()) shouldContainExactly
            listOf("a", "b")
    }

    @Test
    fun `order, limit and values are kept`() {
        left(
            { tx ->
                Users
                    .select(Users.name)
                    .where { Users.name eq "b" }
                    .orderBy(Users.name)
                    .limit(1)
                    .forUpdate(tx)
            },
            Users.selectAll(),
        ) shouldContainExactly listOf("a")
    }

    @Test
    fun `what others have locked is skipped`() {
        val exposed = rival.exposed.database
        val free =
            shop.db.transact { tx ->
                transaction(shop.exposed.database) {
                    Users
                        .selectAll()
                        .where { Users.name eq "a" }
                        .forUpdate(tx)
                        .toList()
                }
                // region lock
                rival.db.transact { tx ->
                    transaction(exposed) {
                        val next = Users.selectAll().orderBy(Users.name).limit(1)
                        next.forUpdate(tx, RowLock.forUpdate().skipLocked()).map { it[Users.name] }
                    }
                }
                // endregion
            }
        free shouldContainExactly listOf("b")
    }

    @Test
    fun `no wait fails at once`() {
        shop.db.execute { tx ->
            transaction(shop.exposed.database) { Users.selectAll().forUpdate(tx).toList() }
            val error =
                shouldThrow<ExposedSQLException> {
                    rival.db.execute { other ->
                        transaction(
                            rival.exposed.database,
                        ) { Users.selectAll().forUpdate(other, RowLock.forUpdate().noWait()).toList() }
                    }
                }
            rival.db.classify(error)?.kind() shouldBe FailureKind.LOCK_NOT_AVAILABLE
        }
    }

    @Test
    fun `waiting has its limit`() {
        shop.db.execute { tx ->
            transaction(shop.exposed.database) { Users.selectAll().forUpdate(tx).toList() }
            val error =
                shouldThrow<ExposedSQLException> {
                    rival.db.execute { other ->
                        transaction(rival.exposed.database) {
                            Users
                                .selectAll()
                                .forUpdate(
                                    other,
                                    RowLock.forUpdate().waitAtMost(Duration.ofSeconds(1)),
                                ).toList()
                        }
                    }
                }
            rival.db.classify(error)?.kind() shouldBe FailureKind.LOCK_TIMEOUT
        }
    }

    @Test
    fun `a lock of one table of a join leaves the other`() {
        val i = Items.alias("i")
        left(
            { tx ->
                Users
                    .join(
                        i,
                        JoinType.INNER,
                        Users.name,
                        i[Items.title],
                    ).selectAll()
                    .forUpdate(tx, RowLock.forUpdate().of("i"))
            },
            Users.selectAll(),
        ) shouldContainExactly if (locksOneTable) listOf("a", "b") else listOf("b")
        left(
            { tx ->
                Users
                    .join(
                        i,
                        JoinType.INNER,
                        Users.name,
                        i[Items.title],
                    ).selectAll()
                    .forUpdate(tx, RowLock.forUpdate().of("users"))
            },
            Users.selectAll(),
        ) shouldContainExactly listOf("b")
    }

    @Test
    fun `entities are locked by their query`() {
        left(
            { tx -> Users.selectAll().where { Users.name eq "b" }.forUpdate(tx) },
            Users.selectAll(),
        ) shouldContainExactly
            listOf("a")
        shop.db.execute { tx ->
            transaction(shop.exposed.database) {
                Item.wrapRows(Items.selectAll().forUpdate(tx)).map { it.title } shouldContainExactly listOf("a")
            }
            rival.db
                .transact { other ->
                    transaction(
                        rival.exposed.database,
                    ) { Items.selectAll().forUpdate(other, RowLock.forUpdate().skipLocked()).toList() }
                }.shouldBeEmpty()
        }
    }

    @Test
    fun `a lock of a table that the query has not is refused`() {
        shop.db.execute { tx ->
            transaction(shop.exposed.database) {
                shouldThrow<IllegalArgumentException> {
                    Users
                        .selectAll()
                        .forUpdate(
                            tx,
                            RowLock.forUpdate().of("items"),
                        ).toList()
                }
            }
        }
    }

    @Test
    fun `a second lock is refused`() {
        shop.db.execute { tx ->
            transaction(shop.exposed.database) {
                val query = Users.selectAll()
                shouldThrow<IllegalArgumentException> { query.forUpdate(tx).forUpdate(tx) }
                shouldThrow<IllegalArgumentException> {
                    query
                        .copy()
                        .forUpdate(
                            ForUpdateOption.ForUpdate,
                        ).forUpdate(tx)
                }
                shouldThrow<TxUnsupportedException> { query.forUpdate(tx).forUpdate(ForUpdateOption.ForUpdate) }
            }
        }
    }

    @Test
    fun `a locked query that is a part of another is refused`() {
        shop.db.execute { tx ->
            transaction(shop.exposed.database) {
                val locked = Users.select(Users.name).forUpdate(tx)
                shouldThrow<TxUnsupportedException> {
                    Users.selectAll().where { Users.name inSubQuery locked }.toList()
                }
                shouldThrow<TxUnsupportedException> { locked.alias("q").selectAll().toList() }
                shouldThrow<TxUnsupportedException> { locked.limit(1).count() }
            }
        }
    }

    @Test
    fun `a query that was locked in one transaction is refused in another`() {
        val locked = shop.db.transact { tx -> Users.selectAll().forUpdate(tx) }
        shouldThrow<TxStateException> { transaction(shop.exposed.database) { locked.toList() } }
        rival.db.execute { other ->
            val lockedThere = Users.selectAll().forUpdate(other)
            shouldThrow<TxStateException> { transaction(shop.exposed.database) { lockedThere.toList() } }
        }
    }
}

internal class SqliteRowLockTest {
    @Test
    fun `rows are locked by the write lock of the transaction, or the lock is refused`() {
        Shop(Servers.sqlite()).use { shop ->
            shop.empty()
            shop.add("a")
            shop.db.execute { tx ->
                transaction(shop.exposed.database) {
                    Users.selectAll().forUpdate(tx).map { it[Users.name] } shouldContainExactly listOf("a")
                    shouldThrow<TxUnsupportedException> {
                        Users
                            .selectAll()
                            .forUpdate(
                                tx,
                                RowLock.forUpdate().skipLocked(),
                            ).toList()
                    }
                }
            }
            shop.db.execute(TxOptions.none().beginMode(BeginMode.DEFERRED)) { tx ->
                transaction(shop.exposed.database) {
                    shouldThrow<TxUnsupportedException> { Users.selectAll().forUpdate(tx).toList() }
                }
            }
        }
    }
}
