package dev.holdfast.samples.fromkotlin

import dev.holdfast.tx.Ambient
import dev.holdfast.tx.BeginMode
import dev.holdfast.tx.Propagation
import dev.holdfast.tx.TxEvent
import dev.holdfast.tx.TxOptions
import dev.holdfast.tx.TxUnsupportedException
import dev.holdfast.tx.engine.Holdfast
import dev.holdfast.tx.sqlite.SqliteDialect
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import org.sqlite.SQLiteDataSource
import java.time.Duration
import java.time.Duration.ofHours
import java.time.Duration.ofSeconds

/** Where a program starts, from Kotlin. */
class HoldfastSpec :
    StringSpec({
        "a URL is enough" {
            withNotes {
                Holdfast.connect(url).use { NoteRepository(it).add(1) }
                Holdfast.connect(url, "nobody", "secret").use { NoteRepository(it).add(2) }
                notes.ids() shouldContainExactly listOf(1, 2)
            }
        }

        "a builder takes all the rest" {
            withNotes {
                val told = mutableListOf<TxEvent>()
                Holdfast
                    .builder(url)
                    .credentials("nobody", "secret")
                    .dialect(SqliteDialect())
                    .options(TxOptions.none().label("default"))
                    .ambient(Ambient.OFF)
                    .listener { told += it }
                    .patience(ofSeconds(1))
                    .settleWithin(ofSeconds(1))
                    .endWithin(ofSeconds(1))
                    .warnAfter(ofHours(1))
                    .build()
                    .use { db ->
                        db.execute { tx ->
                            NoteRepository(tx).add(1)
                            db.current().shouldBeNull()
                            tx.options().label() shouldBe "default"
                        }
                    }
                told.map { it.label() } shouldContainExactly listOf("default", "default")
                shouldThrow<IllegalArgumentException> { Holdfast.builder(url).patience(Duration.ZERO) }
                shouldThrow<IllegalArgumentException> { Holdfast.builder(url).settleWithin(Duration.ZERO) }
                shouldThrow<IllegalArgumentException> { Holdfast.builder(url).endWithin(Duration.ZERO) }
                shouldThrow<IllegalArgumentException> { Holdfast.builder(url).warnAfter(Duration.ZERO) }
            }
        }

        "what is started inside a scope can have a pool of its own" {
            withNotes {
                val reading = TxOptions.none().propagation(Propagation.SEPARATE).beginMode(BeginMode.DEFERRED)
                Holdfast.builder(url).separatePool(1).build().use { db ->
                    db.execute { tx ->
                        NoteRepository(tx).add(1)
                        db.execute(reading) { inner ->
                            inner.withConnection { it.ints("select id from note") }.shouldBeEmpty()
                        }
                    }
                }
                val second = SQLiteDataSource().also { it.url = url }
                Holdfast.builder(url).separatePool(second).build().use { db ->
                    db.execute { NoteRepository(db).add(2) }
                }
                notes.ids() shouldContainExactly listOf(1, 2)
                shouldThrow<IllegalArgumentException> { Holdfast.builder(url).separatePool(0) }
                shouldThrow<IllegalStateException> { Holdfast.builder(second).separatePool(1) }
            }
        }

        "a data source of one's own stays one's own" {
            withNotes {
                val dataSource = SQLiteDataSource().also { it.url = url }
                Holdfast.builder(dataSource).build().use { NoteRepository(it).add(1) }
                dataSource.connection.use { it.ints("select id from note") } shouldContainExactly listOf(1)
            }
        }

        "the dialects on the class path explain what they would send" {
            Holdfast.dialects().map { it.name() }.sorted() shouldContainExactly listOf("mysql", "postgresql", "sqlite")
            val plans = Holdfast.dialects().map { Holdfast.explain(it, TxOptions.none().readOnly()) }
            plans.joinToString() shouldContain "BEGIN DEFERRED"
        }

        "the table that settles lost commits is made by a statement of the dialect" {
            withNotes {
                val statement = Holdfast.markerTable(SqliteDialect()).orElseThrow()
                db.execute { it.connection().update(statement) }
                db.execute(TxOptions.none().verifiable()) { NoteRepository(it).add(1) }
                notes.ids() shouldContainExactly listOf(1)
            }
        }

        "a URL that no dialect knows is refused" {
            shouldThrow<TxUnsupportedException> { Holdfast.connect("jdbc:nothing:here") }
        }
    })
