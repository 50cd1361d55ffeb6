package dev.holdfast.samples.guide

import dev.holdfast.samples.firstscreen.Accounts
import dev.holdfast.samples.firstscreen.Mail
import dev.holdfast.tx.FailureKind
import dev.holdfast.tx.Transactor
import dev.holdfast.tx.kotlin.JdbcDispatcher
import dev.holdfast.tx.kotlin.onCommit
import dev.holdfast.tx.kotlin.suspendNested
import dev.holdfast.tx.kotlin.suspendTransact
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import java.sql.SQLException
import kotlin.time.Duration

/** What the guide shows of coroutines. */
class InCoroutines(
    private val db: Transactor,
    private val mail: Mail,
) {
    /** What two customers have together. */
    suspend fun together(
        alice: Int,
        bob: Int,
    ): Long {
        // region children
        val both =
            db.suspendTransact { tx ->
                val accounts = Accounts(tx)
                val hers = async { accounts.balance(alice) }
                val his = async(Dispatchers.IO) { accounts.balance(bob) } // in turn, on the same connection
                hers.await() + his.await()
            }
        // endregion
        return both
    }

    /** Gives an amount to a customer who may be new. */
    suspend fun give(
        amount: Long,
        alice: Int,
        bob: Int,
    ) {
        // region nested
        db.suspendTransact { tx ->
            try {
                tx.suspendNested { inner -> Accounts(inner).open(bob, 0) }
            } catch (e: SQLException) {
                if (db.classify(e)?.kind() != FailureKind.UNIQUE) throw e
                // he is known, and only the savepoint was undone
            }
            Accounts(tx).move(amount, alice, bob)
            tx.onCommit { withContext(Dispatchers.IO) { mail.send(bob) } }
        }
        // endregion
    }

    /** Gives an amount to a customer, and waits for something that never comes. */
    suspend fun giveAndWait(
        amount: Long,
        alice: Int,
        bob: Int,
        limit: Duration,
    ) {
        // region timeout
        withTimeout(limit) {
            db.suspendTransact { tx ->
                Accounts(tx).move(amount, alice, bob)
                awaitCancellation() // rolled back when the time is over
            }
        }
        // endregion
    }

    /** Gives an amount, on a dispatcher of the application's. */
    suspend fun giveElsewhere(
        amount: Long,
        alice: Int,
        bob: Int,
    ) {
        // region dispatcher
        withContext(JdbcDispatcher(Dispatchers.IO.limitedParallelism(10))) {
            db.suspendTransact { tx -> Accounts(tx).move(amount, alice, bob) }
        }
        // endregion
    }
}
