package dev.holdfast.samples.fromkotlin

import dev.holdfast.tx.Access
import dev.holdfast.tx.BeginMode
import dev.holdfast.tx.CausalToken
import dev.holdfast.tx.Completion
import dev.holdfast.tx.ConstraintChecking
import dev.holdfast.tx.Failure
import dev.holdfast.tx.FailureKind
import dev.holdfast.tx.Isolation
import dev.holdfast.tx.Outcome
import dev.holdfast.tx.Propagation
import dev.holdfast.tx.Reads
import dev.holdfast.tx.RetryPolicy
import dev.holdfast.tx.RowLock
import dev.holdfast.tx.TxOption
import dev.holdfast.tx.TxOptions
import dev.holdfast.tx.TxUnsupportedException
import dev.holdfast.tx.postgres.PostgresOptions
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.ints.shouldBeLessThan
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.io.IOException
import java.sql.SQLException
import java.time.Duration
import java.time.Duration.ofMillis
import java.time.Duration.ofSeconds

/** The values that say what is wanted, from Kotlin. */
class OptionsSpec :
    StringSpec({
        val none = TxOptions.none()

        "nothing is said unless it is said" {
            none.isolation().shouldBeNull()
            none.access().shouldBeNull()
            none.propagation().shouldBeNull()
            none.constraints().shouldBeNull()
            none.beginMode().shouldBeNull()
            none.completion().shouldBeNull()
            none.acquireTimeout().shouldBeNull()
            none.lockTimeout().shouldBeNull()
            none.statementTimeout().shouldBeNull()
            none.wholeTimeout().shouldBeNull()
            none.retry().shouldBeNull()
            none.reads().shouldBeNull()
            none.label().shouldBeNull()
            none.isLabelInSql shouldBe false
            none.isVerifiable shouldBe false
            none.dialectOptions().shouldBeEmpty()
        }

        "each wither sets what its accessor tells" {
            TxOptions.of(Isolation.SERIALIZABLE) shouldBe none.isolation(Isolation.SERIALIZABLE)
            none.isolation(Isolation.SNAPSHOT).isolation() shouldBe Isolation.SNAPSHOT
            none.access(Access.READ_ONLY) shouldBe none.readOnly()
            none.readOnlyHint().access() shouldBe Access.READ_ONLY_HINT
            none.readWrite().access() shouldBe Access.READ_WRITE
            none.propagation(Propagation.SEPARATE).propagation() shouldBe Propagation.SEPARATE
            none.beginMode(BeginMode.EXCLUSIVE).beginMode() shouldBe BeginMode.EXCLUSIVE
            none.completion(Completion.FIXTURE).completion() shouldBe Completion.FIXTURE
            none.forceRollback().completion() shouldBe Completion.ROLLBACK
            none.acquireTimeout(ofSeconds(1)).acquireTimeout() shouldBe ofSeconds(1)
            none.lockTimeout(ofSeconds(2)).lockTimeout() shouldBe ofSeconds(2)
            none.statementTimeout(ofSeconds(3)).statementTimeout() shouldBe ofSeconds(3)
            none.wholeTimeout(ofSeconds(4)).wholeTimeout() shouldBe ofSeconds(4)
            none.reads(Reads.primary()).reads() shouldBe Reads.primary()
            none.label("name").label() shouldBe "name"
            none.labelInSql().isLabelInSql shouldBe true
            none.verifiable().isVerifiable shouldBe true
            val policy = RetryPolicy.attempts(3)
            none.retry(policy).retry() shouldBe policy
        }

        "constraints are deferred or checked, all or by name" {
            val deferred: ConstraintChecking? = none.deferConstraints().constraints()
            deferred?.timing() shouldBe ConstraintChecking.Timing.DEFERRED
            deferred?.isAll shouldBe true
            val checked: ConstraintChecking? = none.checkConstraintsImmediately("a", "b").constraints()
            checked?.timing() shouldBe ConstraintChecking.Timing.IMMEDIATE
            checked?.names() shouldBe listOf("a", "b")
        }

        "what is laid over wins" {
            val base = none.label("base").readOnly()
            base.overlay(none.label("over")) shouldBe none.label("over").readOnly()
            base.overlay(none) shouldBe base
            base.serverSide() shouldBe none.readOnly()
        }

        "a dialect's own option is typed, and read by its key" {
            val options = none.with(PostgresOptions.DEFERRABLE, true)
            options[PostgresOptions.DEFERRABLE] shouldBe true
            options.get(PostgresOptions.SYNCHRONOUS_COMMIT).shouldBeNull()
            options.dialectOptions() shouldContainExactly setOf(PostgresOptions.DEFERRABLE)
            withNotes {
                val refused = shouldThrow<TxUnsupportedException> { db.execute(options.label("here")) { } }
                refused.message shouldContain "postgres.deferrable"
                refused.label() shouldBe "here"
            }
        }

        "an option of one's own is a key with a type and a test" {
            val any: TxOption<String> = TxOption.of("my.text", String::class.java)
            val short: TxOption<String> = TxOption.of("my.short", String::class.java) { it.length < 3 }
            any.name() shouldBe "my.text"
            any.type() shouldBe String::class.java
            none.with(any, "whatever")[any] shouldBe "whatever"
            shouldThrow<IllegalArgumentException> { none.with(short, "long") }
        }

        "row locks are told by strength, tables and waiting" {
            RowLock.forUpdate().strength() shouldBe RowLock.Strength.UPDATE
            RowLock.forNoKeyUpdate().strength() shouldBe RowLock.Strength.NO_KEY_UPDATE
            RowLock.forShare().strength() shouldBe RowLock.Strength.SHARE
            RowLock.forKeyShare().strength() shouldBe RowLock.Strength.KEY_SHARE
            RowLock.forUpdate().of("a", "b").tables() shouldContainExactly listOf("a", "b")
            RowLock.forUpdate().noWait().waiting() shouldBe RowLock.Waiting.NO_WAIT
            RowLock.forUpdate().skipLocked().waiting() shouldBe RowLock.Waiting.SKIP_LOCKED
            val bounded = RowLock.forUpdate().waitAtMost(ofSeconds(1))
            bounded.waiting() shouldBe RowLock.Waiting.AT_MOST
            bounded.limit() shouldBe ofSeconds(1)
            RowLock.forUpdate().limit().shouldBeNull()
        }

        "a retry policy decides, and the compiler knows its two answers" {
            val failure = Failure.of(SQLException(), FailureKind.DEADLOCK)
            val rolledBack = Outcome.RolledBack(Outcome.Reason.BODY_FAILED, null)

            fun RetryPolicy.tell(attempt: Int): String =
                when (val decision = decide(attempt, failure, rolledBack, Duration.ZERO, 0.5)) {
                    is RetryPolicy.Decision.Again -> "after ${decision.delay().toMillis()} ms"
                    is RetryPolicy.Decision.GiveUp -> decision.why()
                }
            val policy = RetryPolicy.attempts(3).backoff(ofMillis(100), ofSeconds(1))
            policy.tell(1) shouldBe "after 50 ms"
            policy.tell(2) shouldBe "after 100 ms"
            policy.tell(3) shouldContain "all 3 attempts"
            policy.deadline(ofMillis(10)).tell(1) shouldContain "deadline"
            policy.on(FailureKind.SERIALIZATION, FailureKind.LOCK_TIMEOUT).tell(1) shouldContain
                "DEADLOCK is not retried"
        }

        "a transaction is run again for the kinds that are asked for, and its listener is told" {
            withNotes {
                notes.add(1)
                val told = mutableListOf<String>()
                val policy =
                    RetryPolicy
                        .attempts(5)
                        .backoff(ofMillis(1), ofMillis(2))
                        .on(FailureKind.UNIQUE)
                        .onAttempt { attempt, failure, delay ->
                            told += "$attempt ${failure.kind()}"
                            delay.toMillis().toInt() shouldBeLessThan 3
                        }
                var id = 0
                db.transact(none.retry(policy)) { tx ->
                    id++
                    NoteRepository(tx).add(id)
                    id
                } shouldBe 2
                told shouldContainExactly listOf("1 UNIQUE")
                policy.listener().onAttempt(2, Failure.of(SQLException(), FailureKind.OTHER), Duration.ZERO)
                told shouldContainExactly listOf("1 UNIQUE", "2 OTHER")
            }
        }

        "the reads are five, and the compiler knows four kinds" {
            fun tell(reads: Reads): String =
                when (reads) {
                    is Reads.Causal -> "causal ${reads.token()?.value()}"
                    is Reads.Replica -> "replica"
                    is Reads.Sticky -> "sticky ${reads.duration()}"
                    is Reads.Primary -> "primary"
                }
            listOf(
                Reads.causal(),
                Reads.causal(CausalToken("0/16B3748")),
                Reads.replica(),
                Reads.sticky(ofSeconds(1)),
                Reads.primary(),
            ).map(::tell) shouldContainExactly
                listOf("causal null", "causal 0/16B3748", "replica", "sticky PT1S", "primary")
            shouldThrow<IllegalArgumentException> { CausalToken(" ") }
        }

        "a failed body that is no database's is not retried" {
            withNotes {
                var runs = 0
                shouldThrow<IOException> {
                    db.execute(none.retry(RetryPolicy.attempts(3))) {
                        runs++
                        throw IOException()
                    }
                }
                runs shouldBe 1
            }
        }
    })
