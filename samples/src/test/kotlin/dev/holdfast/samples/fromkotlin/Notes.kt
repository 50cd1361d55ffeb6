package dev.holdfast.samples.fromkotlin

import dev.holdfast.tx.ConnectionScope
import dev.holdfast.tx.Transactor
import dev.holdfast.tx.TxEvent
import dev.holdfast.tx.engine.Holdfast
import java.nio.file.Files
import java.nio.file.Path
import java.sql.Connection
import java.sql.PreparedStatement
import java.util.concurrent.CopyOnWriteArrayList

/** Runs SQL with parameters, and answers how many rows it changed. */
internal fun Connection.update(
    sql: String,
    vararg parameters: Any?,
): Int = prepareStatement(sql).use { it.with(parameters).executeUpdate() }

/** The first column of a query. */
internal fun Connection.ints(
    sql: String,
    vararg parameters: Any?,
): List<Int> =
    prepareStatement(sql).use { statement ->
        val rows = statement.with(parameters).executeQuery()
        generateSequence { if (rows.next()) rows.getInt(1) else null }.toList()
    }

private fun PreparedStatement.with(parameters: Array<out Any?>): PreparedStatement =
    apply { parameters.forEachIndexed { i, value -> setObject(i + 1, value) } }

/** A repository; what it writes are ids. */
internal class NoteRepository(
    private val scope: ConnectionScope,
) {
    fun add(id: Int): Int = scope.withConnection { it.update("insert into note (id) values (?)", id) }

    fun ids(): List<Int> = scope.withConnection { it.ints("select id from note order by id") }
}

/** A real SQLite with an empty table of notes, the events it told, and a folder that goes with it. */
internal class NotesDatabase : AutoCloseable {
    private val folder: Path = Files.createTempDirectory("holdfast-kotlin")
    val url = "jdbc:sqlite:${folder.resolve("notes.db")}"
    val events = CopyOnWriteArrayList<TxEvent>()
    val db: Transactor = Holdfast.builder(url).listener { events += it }.build()
    val notes = NoteRepository(db)

    init {
        db.execute { it.connection().update("create table note (id int primary key)") }
        events.clear()
    }

    override fun close() {
        db.close()
        folder.toFile().deleteRecursively()
    }
}

/** With a database of its own. */
internal fun withNotes(body: NotesDatabase.() -> Unit) = NotesDatabase().use(body)
