package dev.holdfast.samples.fromkotlin

import dev.holdfast.tx.ReplicaPolicy
import dev.holdfast.tx.ReplicaPolicy.Choice
import dev.holdfast.tx.ReplicaPolicy.Fallback
import dev.holdfast.tx.TxEvent
import dev.holdfast.tx.TxUnsupportedException
import dev.holdfast.tx.engine.Holdfast
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import org.sqlite.SQLiteDataSource
import java.time.Duration
import java.time.Duration.ofMillis

/** Replicas, from Kotlin. SQLite has none, and says so. */
class ReplicasSpec :
    StringSpec({
        "a policy is made of small parts" {
            val policy =
                ReplicaPolicy
                    .standard()
                    .choice(Choice.LEAST_IN_USE)
                    .fallback(Fallback.REFUSE)
                    .answerWithin(ofMillis(1))
                    .catchUpWithin(Duration.ZERO)
                    .probeEvery(ofMillis(2))
                    .stickyFor(ofMillis(3))
            policy.choice() shouldBe Choice.LEAST_IN_USE
            policy.fallback() shouldBe Fallback.REFUSE
            policy.answerWithin() shouldBe ofMillis(1)
            policy.catchUpWithin() shouldBe Duration.ZERO
            policy.probeEvery() shouldBe ofMillis(2)
            policy.stickyFor() shouldBe ofMillis(3)
            shouldThrow<IllegalArgumentException> { policy.answerWithin(Duration.ZERO) }
            shouldThrow<IllegalArgumentException> { policy.catchUpWithin(ofMillis(-1)) }
        }

        "replicas of a database that has none are refused" {
            withNotes {
                val builder =
                    Holdfast
                        .builder(url)
                        .replica(url)
                        .replica(SQLiteDataSource().also { it.url = url })
                        .replicaPolicy(ReplicaPolicy.standard())
                shouldThrow<TxUnsupportedException> { builder.build() }.message shouldContain "SQLite"
                shouldThrow<TxUnsupportedException> { db.causalToken() }.message shouldContain "SQLite"
            }
        }

        "a listener hears where a transaction went, and why" {
            val skipped = TxEvent.Routed.Skipped("PostgreSQL 18.5", TxEvent.Routed.Reason.LOST)
            val routed = TxEvent.Routed(7, null, "PostgreSQL 18.6", TxEvent.Routed.Why.REPLICA, listOf(skipped))
            routed.transaction() shouldBe 7
            routed.label().shouldBeNull()
            routed.server() shouldBe "PostgreSQL 18.6"
            routed.why() shouldBe TxEvent.Routed.Why.REPLICA
            routed.skipped() shouldBe listOf(skipped)
            skipped.server() shouldBe "PostgreSQL 18.5"
            skipped.reason() shouldBe TxEvent.Routed.Reason.LOST
        }
    })
