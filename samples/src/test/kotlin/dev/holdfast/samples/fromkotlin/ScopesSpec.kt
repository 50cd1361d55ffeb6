package dev.holdfast.samples.fromkotlin

import dev.holdfast.tx.Access
import dev.holdfast.tx.Completion
import dev.holdfast.tx.FailureKind
import dev.holdfast.tx.Isolation
import dev.holdfast.tx.Outcome
import dev.holdfast.tx.RowLock
import dev.holdfast.tx.Tx
import dev.holdfast.tx.TxOptions
import dev.holdfast.tx.TxRejectedException
import dev.holdfast.tx.TxStateException
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.nulls.shouldNotBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.types.shouldBeSameInstanceAs
import java.io.IOException
import java.sql.SQLException

/** What a database, a transaction and an unmanaged transaction look like from Kotlin. */
class ScopesSpec :
    StringSpec({
        val readOnly = TxOptions.none().readOnly()

        "a database lends connections, directly and as a data source" {
            withNotes {
                db.withConnection { it.update("insert into note (id) values (1)") } shouldBe 1
                db.asDataSource().connection.use { it.ints("select id from note") } shouldContainExactly listOf(1)
            }
        }

        "transact returns what the body returns, null included" {
            withNotes {
                val count: Int = db.transact { tx -> NoteRepository(tx).add(1) }
                count shouldBe 1
                val isolation: Int =
                    db.transact(
                        TxOptions.of(Isolation.SERIALIZABLE),
                    ) { it.connection().transactionIsolation }
                isolation shouldBe 8
                val nothing: String? = db.transact<String?> { null }
                nothing.shouldBeNull()
            }
        }

        "execute returns nothing" {
            withNotes {
                db.execute { tx -> NoteRepository(tx).add(1) } shouldBe Unit
                db.execute(TxOptions.none().label("second")) { NoteRepository(it).add(2) }
                notes.ids() shouldContainExactly listOf(1, 2)
            }
        }

        "transactChecked is for Java, and can be called all the same" {
            withNotes {
                db.transactChecked<Int, IOException> { 1 } shouldBe 1
                shouldThrow<IOException> {
                    db.transactChecked<Int, IOException>(readOnly) { throw IOException("as it is") }
                }.message shouldBe "as it is"
            }
        }

        "the exception of the body comes out as it went in, and nothing is committed" {
            withNotes {
                val thrown = IOException("checked, in Java's eyes")
                shouldThrow<IOException> {
                    db.execute {
                        NoteRepository(it).add(1)
                        throw thrown
                    }
                } shouldBeSameInstanceAs thrown
                notes.ids().shouldBeEmpty()
            }
        }

        "classify says what an error is, and null where no database is behind it" {
            withNotes {
                notes.add(1)
                val error = shouldThrow<SQLException> { notes.add(1) }
                db.classify(error)?.kind() shouldBe FailureKind.UNIQUE
                db.classify(IOException()).shouldBeNull()
            }
        }

        "a transaction is a scope as the database is" {
            withNotes {
                db.execute { tx ->
                    tx.withConnection { it.update("insert into note (id) values (1)") } shouldBe 1
                    tx.asDataSource().connection.use { it.ints("select id from note") } shouldContainExactly listOf(1)
                    tx.transact { NoteRepository(it).ids().size } shouldBe 1
                    tx.transact(TxOptions.none().label("joined")) { it.options().label() } shouldBe "joined"
                    tx.execute { NoteRepository(it).add(2) }
                    tx.execute(TxOptions.none().label("joined")) { NoteRepository(it).add(3) }
                    tx.transactChecked<Int, IOException> { 1 } shouldBe 1
                    tx.transactChecked<Int, IOException>(TxOptions.none()) { 2 } shouldBe 2
                    tx.classify(SQLException("?")).shouldNotBeNull()
                }
                notes.ids() shouldContainExactly listOf(1, 2, 3)
            }
        }

        "the handle tells the state of its scope" {
            withNotes {
                lateinit var after: Tx
                db.execute(TxOptions.none().label("one")) { tx ->
                    after = tx
                    tx.isActive shouldBe true
                    tx.isRollbackOnly shouldBe false
                    tx.options().label() shouldBe "one"
                    tx.open() shouldBeSameInstanceAs tx
                    tx.connection() shouldBeSameInstanceAs tx.connection()
                    NoteRepository(tx).add(1)
                    tx.setRollbackOnly("for the test")
                    tx.isRollbackOnly shouldBe true
                }
                after.isActive shouldBe false
                shouldThrow<TxStateException> { after.connection() }
                notes.ids().shouldBeEmpty()
            }
        }

        "the failure of a nested scope can be survived" {
            withNotes {
                db.execute { tx ->
                    tx.nested { NoteRepository(it).add(1) } shouldBe 1
                    shouldThrow<SQLException> {
                        tx.executeNested {
                            NoteRepository(it).add(2)
                            NoteRepository(it).add(1)
                        }
                    }
                }
                notes.ids() shouldContainExactly listOf(1)
            }
        }

        "row locks come from one template" {
            withNotes {
                notes.add(1)
                db.execute { tx ->
                    val sql = tx.lock(RowLock.forUpdate(), "select id from note {table-lock} order by id {row-lock}")
                    tx.connection().ints(sql) shouldContainExactly listOf(1)
                    shouldThrow<IllegalArgumentException> { tx.lock(RowLock.forUpdate(), "select id from note") }
                }
            }
        }

        "hooks fire for the end that came, in the order of their registration" {
            withNotes {
                val fired = mutableListOf<String>()

                fun register(tx: Tx) {
                    tx.beforeCommit { fired += "before" }
                    tx.afterCommit { fired += "committed" }
                    tx.afterRollback { fired += "rolled back" }
                    tx.afterCompletion { outcome -> fired += outcome.javaClass.simpleName }
                }
                db.execute { register(it) }
                fired shouldContainExactly listOf("before", "committed", "Committed")
                fired.clear()
                shouldThrow<IOException> {
                    db.execute {
                        register(it)
                        throw IOException()
                    }
                }
                fired shouldContainExactly listOf("rolled back", "RolledBack")
            }
        }

        "repositories are bound to a transaction by a constructor" {
            withNotes {
                db.execute { tx -> tx.bind(::NoteRepository).add(1) }
                val one = db.binding(::NoteRepository)
                one.transact { _, notes -> notes.add(2) } shouldBe 1
                one.transact(readOnly) { tx, notes -> notes.ids().size to tx.options().access() } shouldBe
                    (2 to Access.READ_ONLY)
                val two = db.binding(::NoteRepository, { tx -> tx.options() })
                two.transact { _, notes, _ -> notes.add(3) } shouldBe 1
                two.transact(readOnly) { _, notes, options -> notes.ids().size to options.access() } shouldBe
                    (3 to Access.READ_ONLY)
                val three = db.binding(::NoteRepository, ::NoteRepository, ::NoteRepository)
                three.transact { _, first, second, third ->
                    first.add(4)
                    second.add(5)
                    third.ids().size
                } shouldBe 5
                three.transact(readOnly) { _, _, _, third -> third.ids() } shouldContainExactly listOf(1, 2, 3, 4, 5)
            }
        }

        "a binding tells its transactor, and makes its repositories for a transaction that is there" {
            withNotes {
                val one = db.binding(::NoteRepository)
                val two = db.binding(::NoteRepository, ::NoteRepository)
                val three = db.binding(::NoteRepository, ::NoteRepository, ::NoteRepository)
                listOf(one.transactor(), two.transactor(), three.transactor()).forEach { it shouldBeSameInstanceAs db }
                db.execute { tx ->
                    one.repository(tx).add(1)
                    two.first(tx).add(2)
                    two.second(tx).add(3)
                    three.first(tx).add(4)
                    three.second(tx).add(5)
                    three.third(tx).ids() shouldContainExactly listOf(1, 2, 3, 4, 5)
                }
            }
        }

        "the ambient transaction is found, left out, and put in" {
            withNotes {
                db.current().shouldBeNull()
                db.execute(readOnly) { tx ->
                    tx.open()
                    db.current() shouldBeSameInstanceAs tx
                    db.outside { db.current() }.shouldBeNull()
                    db.executeOutside { notes.add(1) }
                }
                notes.ids() shouldContainExactly listOf(1)
                db.begin().use { tx ->
                    db.current().shouldBeNull()
                    db.within(tx) { notes.add(2) } shouldBe 1
                    db.executeWithin(tx) { db.current() shouldBeSameInstanceAs tx }
                    tx.rollback()
                }
                notes.ids() shouldContainExactly listOf(1)
            }
        }

        "an unmanaged transaction ends when it is told to" {
            withNotes {
                val committed = db.begin(TxOptions.none().label("mine"))
                NoteRepository(committed).add(1)
                committed.commit()
                committed.close()
                committed.isActive shouldBe false

                val forgotten = db.begin()
                NoteRepository(forgotten).add(2)
                forgotten.close()

                val undone = db.begin()
                NoteRepository(undone).add(3)
                undone.rollback()
                shouldThrow<TxStateException> { undone.commit() }

                notes.ids() shouldContainExactly listOf(1)
                shouldThrow<TxRejectedException> {
                    db.begin(
                        TxOptions.none().retry(
                            dev.holdfast.tx.RetryPolicy
                                .attempts(2),
                        ),
                    )
                }.label().shouldBeNull()
            }
        }

        "withOptions changes the defaults, of another view of the same database" {
            withNotes {
                val dry = db.withOptions { it.forceRollback().label("dry") }
                dry.transact { tx ->
                    NoteRepository(tx).add(1)
                    tx.options().completion()
                } shouldBe Completion.ROLLBACK
                notes.ids().shouldBeEmpty()
                db.transact { it.options().label() }.shouldBeNull()
            }
        }

        "explain tells what would be sent" {
            withNotes {
                db.explain(TxOptions.none()) shouldContain "BEGIN IMMEDIATE"
                db.explain(readOnly) shouldContain "BEGIN DEFERRED"
            }
        }

        "a closed database refuses work" {
            withNotes {
                db.close()
                shouldThrow<TxStateException> { db.execute { } }
            }
        }

        "an outcome is one of three, and the compiler knows" {
            fun tell(outcome: Outcome): String =
                when (outcome) {
                    is Outcome.Committed -> "committed"
                    is Outcome.RolledBack -> "rolled back: ${outcome.reason()}, ${outcome.cause()?.message}"
                    is Outcome.Unknown -> "unknown: ${outcome.cause().message}"
                }
            withNotes {
                val outcomes = mutableListOf<Outcome>()
                db.execute { tx -> tx.afterCompletion { outcomes += it } }
                shouldThrow<IOException> {
                    db.execute { tx ->
                        tx.afterCompletion { outcomes += it }
                        throw IOException("no")
                    }
                }
                outcomes.map(::tell) shouldContainExactly listOf("committed", "rolled back: BODY_FAILED, no")
                tell(Outcome.Unknown(IOException("lost"))) shouldBe "unknown: lost"
            }
        }
    })
