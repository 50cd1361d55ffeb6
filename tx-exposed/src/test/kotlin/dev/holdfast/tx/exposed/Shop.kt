package dev.holdfast.tx.exposed

import com.zaxxer.hikari.HikariConfig
import com.zaxxer.hikari.HikariDataSource
import dev.holdfast.tx.ConnectionScope
import dev.holdfast.tx.Transactor
import dev.holdfast.tx.engine.Holdfast
import dev.holdfast.tx.testkit.server.ServerUrl
import dev.holdfast.tx.testkit.server.TestServer
import org.jetbrains.exposed.v1.core.DatabaseConfig
import org.jetbrains.exposed.v1.core.Table
import org.jetbrains.exposed.v1.core.dao.id.EntityID
import org.jetbrains.exposed.v1.core.dao.id.IntIdTable
import org.jetbrains.exposed.v1.dao.IntEntity
import org.jetbrains.exposed.v1.dao.IntEntityClass
import org.jetbrains.exposed.v1.jdbc.SchemaUtils
import org.jetbrains.exposed.v1.jdbc.insert
import org.jetbrains.exposed.v1.jdbc.transactions.transaction
import java.nio.file.Files
import java.nio.file.Path

internal object Users : Table("users") {
    val name = varchar("name", 18)
    override val primaryKey = PrimaryKey(name)
}

internal object Items : IntIdTable("items") {
    val title = varchar("title", 18)
}

internal class Item(
    id: EntityID<Int>,
) : IntEntity(id) {
    companion object : IntEntityClass<Item>(Items)

    var title by Items.title
    val notes by Note referrersOn Notes.item
}

/** Made by those who need it. */
internal object Notes : IntIdTable("notes") {
    val item = reference("item_id", Items)
    val text = varchar("text", 18)
}

internal class Note(
    id: EntityID<Int>,
) : IntEntity(id) {
    companion object : IntEntityClass<Note>(Notes)

    var item by Item referencedOn Notes.item
    var text by Notes.text
}

/**
 * A database with its tables, behind a pool of so many connections: with one, whoever asks for a second one fails.
 */
internal class Shop(
    server: ServerUrl,
    connections: Int = 1,
    change: (Holdfast.Builder) -> Unit = {},
    configure: DatabaseConfig.Builder.() -> Unit = {},
) : AutoCloseable {
    private val pool =
        HikariDataSource(
            HikariConfig().apply {
                jdbcUrl = server.url()
                username = server.user()
                password = server.password()
                maximumPoolSize = connections
                connectionTimeout = 2000
            },
        )

    val db: Transactor = Holdfast.builder(pool).also(change).build()

    val exposed = db.exposed(configure)

    val busy: Int get() = pool.hikariPoolMXBean.activeConnections

    fun empty() {
        for (table in listOf("users", "items")) {
            db.withConnection { connection ->
                connection.createStatement().use { it.execute("drop table if exists $table") }
            }
        }
        db.outside { transaction(exposed.database) { SchemaUtils.create(Users, Items) } }
    }

    fun add(name: String) = transaction(exposed.database) { Users.insert { it[Users.name] = name } }

    fun names(): List<String> = db.rows("select name from users order by name")

    fun titles(): List<String> = db.rows("select title from items order by id")

    override fun close() {
        exposed.close()
        db.close()
        pool.close()
    }
}

internal fun ConnectionScope.rows(sql: String): List<String> =
    withConnection { connection ->
        connection.createStatement().use { statement ->
            val rows = statement.executeQuery(sql)
            generateSequence { if (rows.next()) rows.getString(1) else null }.toList()
        }
    }

internal fun ConnectionScope.run(sql: String) {
    withConnection { connection -> connection.createStatement().use { it.executeUpdate(sql) } }
}

internal object Servers {
    fun sqlite(): ServerUrl {
        val folder = Files.createDirectories(Path.of(System.getProperty("basedir", ""), "target", "databases"))
        return ServerUrl(
            "jdbc:sqlite:${Files.createTempDirectory(folder, "shop").resolve("shop.db")}?busy_timeout=2000",
            "",
            "",
        )
    }

    fun postgres(): ServerUrl = TestServer.postgres(18).find()
}
