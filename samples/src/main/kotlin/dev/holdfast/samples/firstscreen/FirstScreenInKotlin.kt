package dev.holdfast.samples.firstscreen

import dev.holdfast.tx.Isolation.SERIALIZABLE
import dev.holdfast.tx.RetryPolicy
import dev.holdfast.tx.engine.Holdfast
import dev.holdfast.tx.kotlin.transact
import kotlin.time.Duration.Companion.seconds

/** The first example, in Kotlin. */
object FirstScreenInKotlin {
    /** Moves 100 from Alice to Bob, and tells him. */
    @JvmStatic
    fun move(
        url: String,
        mail: Mail,
        alice: Int,
        bob: Int,
    ) {
        // region first
        val db = Holdfast.connect(url)
        db.transact(isolation = SERIALIZABLE, lockTimeout = 2.seconds, retry = RetryPolicy.attempts(5)) { tx ->
            Accounts(tx).move(100, alice, bob)
            tx.afterCommit { mail.send(bob) }
        }
        // endregion
        db.close()
    }
}
