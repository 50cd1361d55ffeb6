package dev.holdfast.samples.guide

import dev.holdfast.samples.firstscreen.Accounts
import dev.holdfast.tx.engine.Holdfast
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import kotlinx.coroutines.TimeoutCancellationException
import kotlin.time.Duration.Companion.milliseconds

class InCoroutinesSpec :
    StringSpec({
        val db = Holdfast.connect("jdbc:sqlite:" + tempdir().resolve("bank.db"))
        afterSpec { db.close() }
        val told = mutableListOf<Int>()
        val bank = InCoroutines(db, told::add)
        val accounts = Accounts(db)
        val alice = 1
        val bob = 2

        Recipes.createTable(db)
        accounts.open(alice, 100)

        "a nested scope that fails is undone alone" {
            bank.give(10, alice, bob)
            bank.give(10, alice, bob) // who is known by now
            accounts.balance(bob) shouldBe 20
            told.shouldContainExactly(bob, bob)
        }

        "children share the transaction" { bank.together(alice, bob) shouldBe 100 }

        "what is over time is rolled back" {
            shouldThrow<TimeoutCancellationException> { bank.giveAndWait(10, alice, bob, 300.milliseconds) }
            accounts.balance(alice) shouldBe 80
        }

        "an application may bring its threads" {
            bank.giveElsewhere(10, alice, bob)
            accounts.balance(alice) shouldBe 70
        }
    })
