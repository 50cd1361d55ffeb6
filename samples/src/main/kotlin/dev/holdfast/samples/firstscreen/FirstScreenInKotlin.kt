package dev.holdfast.samples.firstscreen

import dev.holdfast.tx.Isolation.SERIALIZABLE
import dev.holdfast.tx.RetryPolicy
import dev.holdfast.tx.TxOptions
import dev.holdfast.tx.engine.Holdfast
import java.time.Duration.ofSeconds

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
        val strict = TxOptions.of(SERIALIZABLE).lockTimeout(ofSeconds(2)).retry(RetryPolicy.attempts(5))
        db.execute(strict) { tx ->
            Accounts(tx).move(100, alice, bob)
            tx.afterCommit { mail.send(bob) }
        }
        // endregion
        db.close()
    }
}
