package dev.holdfast.tx.kotlin

import com.zaxxer.hikari.HikariConfig
import com.zaxxer.hikari.HikariDataSource
import dev.holdfast.tx.Transactor
import dev.holdfast.tx.Tx
import dev.holdfast.tx.engine.Holdfast
import dev.holdfast.tx.testkit.fault.JdbcProxy
import dev.holdfast.tx.testkit.server.TestServer
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.runBlocking
import org.assertj.core.api.Assertions.assertThat
import java.nio.file.Files
import java.sql.Connection
import java.sql.DriverManager
import javax.sql.DataSource

/** A database of its own for one test: a pool that cannot grow, and a table. */
class Bed(
    val server: Server,
    size: Int,
    set: Holdfast.Builder.() -> Unit = {},
    through: (String) -> String = { it },
) : AutoCloseable {
    /** The databases that the tests of this module run on. */
    enum class Server {
        SQLITE,
        POSTGRES,
        ;

        /** Where one test works. */
        fun place(): Place =
            when (this) {
                SQLITE -> Place("jdbc:sqlite:" + Files.createTempDirectory("holdfast").resolve("t.db"), "", "")
                POSTGRES -> TestServer.postgres(18).find().let { Place(it.url(), it.user(), it.password()) }
            }
    }

    class Place(
        val url: String,
        val user: String,
        val password: String,
    ) {
        /** A session of the server, beside every pool. */
        fun open(vararg properties: Pair<String, String>): Connection =
            DriverManager.getConnection(
                url,
                (mapOf("user" to user, "password" to password) + properties).toProperties(),
            )

        /** Opens sessions, and pools nothing. */
        fun dataSource(): DataSource =
            JdbcProxy.of(DataSource::class.java, url) { _, method, _ ->
                when (method.name) {
                    "getConnection" -> open("busy_timeout" to "20000", "journal_mode" to "WAL")
                    "isWrapperFor" -> false
                    "getLoginTimeout" -> 0
                    else -> null
                }
            }
    }

    private val place = server.place()

    /** A session for questions, beside the pool. */
    val beside: Connection by lazy { open() }

    /** Of the server, beside the pool. */
    fun open(): Connection = place.open()

    init {
        run("DROP TABLE IF EXISTS item", "CREATE TABLE item (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)")
    }

    val pool =
        HikariDataSource(
            HikariConfig().apply {
                jdbcUrl = through(place.url)
                username = place.user
                password = place.password
                maximumPoolSize = size
                minimumIdle = 0
                connectionTimeout = 20_000
                if (server == Server.SQLITE) {
                    addDataSourceProperty("busy_timeout", "20000")
                    addDataSourceProperty("journal_mode", "WAL")
                }
            },
        )

    val db: Transactor = Holdfast.builder(pool).apply(set).build()

    fun run(vararg sql: String) {
        open().use { connection ->
            connection.createStatement().use { statement -> sql.forEach { statement.execute(it) } }
        }
    }

    /** The ids that are committed, in order. */
    fun ids(): List<Int> = open().use { it.ids() }

    /** How many connections of the pool are out. */
    val lent: Int get() = pool.hikariPoolMXBean.activeConnections

    override fun close() {
        beside.close()
        pool.close()
    }
}

/** Runs a test on a database of its own, and looks whether all connections came back. */
fun on(
    server: Bed.Server,
    size: Int = 1,
    set: Holdfast.Builder.() -> Unit = {},
    through: (String) -> String = { it },
    test: suspend CoroutineScope.(Bed) -> Unit,
) {
    Bed(server, size, set, through).use { bed ->
        runBlocking { test(bed) }
        assertThat(bed.lent).describedAs("connections that are missing").isZero()
    }
}

fun Connection.ids(): List<Int> =
    createStatement().use { statement ->
        statement.executeQuery("SELECT id FROM item ORDER BY id").use { rows ->
            generateSequence { if (rows.next()) rows.getInt(1) else null }.toList()
        }
    }

fun Connection.insert(id: Int) {
    prepareStatement("INSERT INTO item (id, n) VALUES (?, 0)").use {
        it.setInt(1, id)
        it.executeUpdate()
    }
}

/** Blocking code of an application, with the handle that it was given. */
fun Tx.insert(id: Int) = connection().insert(id)

fun Tx.ids(): List<Int> = connection().ids()
