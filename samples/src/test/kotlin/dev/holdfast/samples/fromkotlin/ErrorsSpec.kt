package dev.holdfast.samples.fromkotlin

import dev.holdfast.tx.CommitFate
import dev.holdfast.tx.Failure
import dev.holdfast.tx.FailureEffect
import dev.holdfast.tx.FailureKind
import dev.holdfast.tx.Outcome
import dev.holdfast.tx.Propagation
import dev.holdfast.tx.TxEvent
import dev.holdfast.tx.TxException
import dev.holdfast.tx.TxHookException
import dev.holdfast.tx.TxOptions
import dev.holdfast.tx.TxOutcomeUnknownException
import dev.holdfast.tx.TxRejectedException
import dev.holdfast.tx.TxRolledBackException
import dev.holdfast.tx.TxTimeoutException
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.nulls.shouldNotBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.types.shouldBeInstanceOf
import io.kotest.matchers.types.shouldBeSameInstanceAs
import org.sqlite.SQLiteConnection
import java.io.IOException
import java.sql.SQLException
import java.time.Duration
import java.time.Duration.ofMillis

/** What is told of errors and as events, from Kotlin. */
class ErrorsSpec :
    StringSpec({
        "a failure tells its kind, its effect and what is behind it" {
            withNotes {
                notes.add(1)
                val error = shouldThrow<SQLException> { db.execute { NoteRepository(it).add(1) } }
                val failure: Failure = db.classify(error).shouldNotBeNull()
                failure.error() shouldBeSameInstanceAs error
                failure.kind() shouldBe FailureKind.UNIQUE
                failure.kind().isTransient shouldBe false
                failure.effect() shouldBe FailureEffect.NONE
                failure.vendorCode() shouldBe 19
                failure.sqlState().shouldBeNull()
            }
        }

        "a failure is made by a dialect, step by step" {
            val failure =
                Failure
                    .of(SQLException("no", "40001", 7), FailureKind.SERIALIZATION)
                    .effect(FailureEffect.DOOMED)
                    .atCommit(CommitFate.ROLLED_BACK)
            failure.effect() shouldBe FailureEffect.DOOMED
            failure.atCommit() shouldBe CommitFate.ROLLED_BACK
            failure.sqlState() shouldBe "40001"
            failure.vendorCode() shouldBe 7
        }

        "a rollback behind a caught error is told with the first error" {
            withNotes {
                val error =
                    shouldThrow<TxRolledBackException> {
                        db.execute(TxOptions.none().label("outer")) { tx ->
                            runCatching {
                                tx.execute { throw IOException("inner") }
                            }
                        }
                    }
                error.outcome().reason() shouldBe Outcome.Reason.JOINED_SCOPE_FAILED
                error.outcome().cause()?.message shouldBe "inner"
                error.cause?.message shouldBe "inner"
                error.label() shouldBe "outer"
                error.failure().shouldBeNull()
                error.sqlState().shouldBeNull()
                error.vendorCode() shouldBe 0
            }
        }

        "a scope that does not fit is rejected" {
            withNotes {
                val mandatory = TxOptions.none().propagation(Propagation.MANDATORY).label("alone")
                val error: TxException = shouldThrow<TxRejectedException> { db.execute(mandatory) { } }
                error.label() shouldBe "alone"
            }
        }

        "a limit that expired is told by name and length" {
            withNotes {
                val error =
                    shouldThrow<TxTimeoutException> {
                        db.execute(TxOptions.none().wholeTimeout(ofMillis(5))) {
                            val until = System.nanoTime() + ofMillis(5).toNanos()
                            while (System.nanoTime() - until < 0) Thread.onSpinWait()
                        }
                    }
                error.limit() shouldBe TxTimeoutException.Limit.WHOLE
                error.length() shouldBe ofMillis(5)
            }
        }

        "a hook that fails does not undo what is committed" {
            withNotes {
                val error =
                    shouldThrow<TxHookException> {
                        db.transact { tx ->
                            tx.afterCommit { throw IOException("mail is down") }
                            NoteRepository(tx).add(1)
                        }
                    }
                error.outcome().shouldBeInstanceOf<Outcome.Committed>()
                error.result() shouldBe 1
                error.cause?.message shouldBe "mail is down"
                notes.ids() shouldContainExactly listOf(1)
            }
        }

        "an unknown outcome has the failure that answered COMMIT" {
            val failure = Failure.of(SQLException("gone", "08006"), FailureKind.CONNECTION_LOST)
            val error = TxOutcomeUnknownException("lost", failure, "pay", failure.error())
            error.failure() shouldBeSameInstanceAs failure
            error.sqlState() shouldBe "08006"
            error.message shouldContain "pay"
        }

        "events tell a transaction from beginning to end" {
            withNotes {
                db.execute(TxOptions.none().label("told")) { NoteRepository(it).add(1) }
                events.size shouldBe 2
                events.forEach { it.label() shouldBe "told" }
                val begun = events[0].shouldBeInstanceOf<TxEvent.Begun>()
                begun.transaction() shouldBe events[1].transaction()
                begun.label() shouldBe "told"
                begun.options().label() shouldBe "told"
                begun.attempt() shouldBe 1
                begun.acquiring().isNegative shouldBe false
                begun.notes().shouldBeEmpty()
                val ended = events[1].shouldBeInstanceOf<TxEvent.Ended>()
                ended.transaction() shouldBe begun.transaction()
                ended.label() shouldBe "told"
                ended.outcome() shouldBe Outcome.Committed()
                ended.attempt() shouldBe 1
                ended.lasted().isNegative shouldBe false
            }
        }

        "a connection that was cut is thrown away, and that is told" {
            withNotes {
                shouldThrow<SQLException> {
                    db.execute(TxOptions.none().label("cut")) { tx ->
                        tx.connection().unwrap(SQLiteConnection::class.java).close()
                        NoteRepository(tx).add(1)
                    }
                }
                val evicted = events.filterIsInstance<TxEvent.Evicted>().single()
                evicted.transaction() shouldBe events.first().transaction()
                evicted.label() shouldBe "cut"
                evicted.why() shouldContain "lost"
                evicted.cause().shouldBeInstanceOf<SQLException>()
                notes.ids().shouldBeEmpty()
            }
        }

        "what a fixture bends is told" {
            withNotes {
                db.execute(TxOptions.none().completion(dev.holdfast.tx.Completion.FIXTURE)) {
                    db.execute(
                        TxOptions
                            .none()
                            .propagation(Propagation.ROOT_ONLY)
                            .readOnly()
                            .label("root"),
                    ) { }
                }
                val noted = events.filterIsInstance<TxEvent.Noted>().single()
                noted.transaction() shouldBe events.first().transaction()
                noted.label() shouldBe "root"
                noted.note() shouldContain "fixture"
            }
        }

        "a lost commit that was settled is told with its outcome" {
            val settled = TxEvent.Settled(7, "pay", Outcome.Committed(), Duration.ZERO)
            settled.transaction() shouldBe 7
            settled.label() shouldBe "pay"
            settled.outcome() shouldBe Outcome.Committed()
            settled.asking() shouldBe Duration.ZERO
        }

        "a warning has the stack that opened the transaction" {
            val opened = Throwable()
            val long = TxEvent.OpenTooLong(7, "report", ofMillis(5), "a connection", opened)
            long.transaction() shouldBe 7
            long.label() shouldBe "report"
            long.open() shouldBe ofMillis(5)
            long.holds() shouldBe "a connection"
            long.opened() shouldBeSameInstanceAs opened
            val leaked = TxEvent.Leaked(8, null, ofMillis(6), "no connection", opened)
            leaked.transaction() shouldBe 8
            leaked.label() shouldBe null
            leaked.open() shouldBe ofMillis(6)
            leaked.holds() shouldBe "no connection"
            leaked.opened() shouldBeSameInstanceAs opened
        }

        "a retry is told with the attempt that failed" {
            val failure = Failure.of(SQLException(), FailureKind.DEADLOCK)
            val retrying = TxEvent.Retrying(7, "again", 1, failure, Duration.ZERO)
            retrying.transaction() shouldBe 7
            retrying.label() shouldBe "again"
            retrying.attempt() shouldBe 1
            retrying.failure() shouldBeSameInstanceAs failure
            retrying.delay() shouldBe Duration.ZERO
        }
    })
