package dev.holdfast.tx.testkit.kotest

import dev.holdfast.tx.ConnectionScope
import dev.holdfast.tx.Transactor
import dev.holdfast.tx.TxOptions
import dev.holdfast.tx.engine.Holdfast
import dev.holdfast.tx.testkit.server.TestServer
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.CopyOnWriteArrayList

/** An application as tests know it: it keeps numbers, and tells of them after the commit. */
internal class Shelf(
    private val db: Transactor,
) {
    val told = CopyOnWriteArrayList<Int>()

    fun put(
        number: Int,
        options: TxOptions = TxOptions.none(),
    ) {
        db.execute(options) { tx ->
            tx.add(number)
            tx.afterCommit { told += number }
        }
    }

    fun numbers(): List<Int> = db.numbers()
}

internal fun ConnectionScope.add(number: Int) {
    withConnection { connection ->
        connection.createStatement().use { it.executeUpdate("insert into shelf (id) values ($number)") }
    }
}

internal fun ConnectionScope.numbers(): List<Int> =
    withConnection { connection ->
        connection.createStatement().use { statement ->
            val rows = statement.executeQuery("select id from shelf order by id")
            generateSequence { if (rows.next()) rows.getInt(1) else null }.toList()
        }
    }

/** Databases with an empty shelf; each is made once. */
internal object Databases {
    val sqlite: Transactor by lazy { withShelf(Holdfast.connect("jdbc:sqlite:${file()}")) }

    val otherSqlite: Transactor by lazy { withShelf(Holdfast.connect("jdbc:sqlite:${file()}")) }

    val postgres: Transactor by lazy {
        val server = TestServer.postgres(18).find()
        withShelf(Holdfast.connect(server.url(), server.user(), server.password()))
    }

    private fun file(): Path {
        val folder = Files.createDirectories(Path.of(System.getProperty("basedir", ""), "target", "databases"))
        return Files.createTempDirectory(folder, "shelf").resolve("shelf.db")
    }

    private fun withShelf(db: Transactor): Transactor {
        for (sql in listOf("drop table if exists shelf", "create table shelf (id int primary key)")) {
            db.withConnection { connection -> connection.createStatement().use { it.execute(sql) } }
        }
        return db
    }
}
