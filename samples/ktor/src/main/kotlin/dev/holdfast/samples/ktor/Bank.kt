package dev.holdfast.samples.ktor

import dev.holdfast.tx.Isolation.SERIALIZABLE
import dev.holdfast.tx.RetryPolicy
import dev.holdfast.tx.Transactor
import dev.holdfast.tx.exposed.ExposedBridge
import dev.holdfast.tx.exposed.exposed
import dev.holdfast.tx.kotlin.onBeforeCommit
import dev.holdfast.tx.kotlin.onCommit
import dev.holdfast.tx.kotlin.suspendTransact
import org.jetbrains.exposed.v1.core.SortOrder
import org.jetbrains.exposed.v1.core.Table
import org.jetbrains.exposed.v1.core.eq
import org.jetbrains.exposed.v1.core.plus
import org.jetbrains.exposed.v1.jdbc.Database
import org.jetbrains.exposed.v1.jdbc.SchemaUtils
import org.jetbrains.exposed.v1.jdbc.insert
import org.jetbrains.exposed.v1.jdbc.select
import org.jetbrains.exposed.v1.jdbc.selectAll
import org.jetbrains.exposed.v1.jdbc.transactions.suspendTransaction
import org.jetbrains.exposed.v1.jdbc.update
import kotlin.time.Duration.Companion.seconds

/** Money of customers. */
object Accounts : Table("account") {
    val id = integer("id")
    val balance = long("balance")
    override val primaryKey = PrimaryKey(id)

    /** Moves an amount; who has not got it is found out last. */
    fun move(
        amount: Long,
        from: Int,
        to: Int,
    ) {
        add(amount, to)
        add(-amount, from)
        val left = select(balance).where { id eq from }.single()[balance]
        if (left < 0) {
            throw Refused("There is no $amount on account $from")
        }
    }

    private fun add(
        amount: Long,
        account: Int,
    ) {
        if (update({ id eq account }) { it[balance] = balance + amount } != 1) {
            throw Refused("There is no account $account")
        }
    }
}

/** A transfer that cannot be made. */
class Refused(
    why: String,
) : Exception(why)

/** Those who want to know of transfers. */
interface Clerks {
    /** Looks at a transfer before it is committed; it is not, if this throws. */
    suspend fun review(
        amount: Long,
        to: Int,
    ) {}

    /** Tells a customer of money that came in. */
    suspend fun tell(customer: Int) {}
}

/** Accounts in a database, by Exposed. */
class Bank(
    private val db: Transactor,
    private val clerks: Clerks,
) : AutoCloseable {
    // region bridge
    private val bridge: ExposedBridge = db.exposed()
    private val exposed: Database = bridge.database
    // endregion

    /** Makes the accounts from 1 on that are not there. */
    suspend fun open(
        accounts: Int,
        balance: Long,
    ) {
        // region tables
        bridge.withoutTransaction { SchemaUtils.create(Accounts) } // which MySQL would commit
        // endregion
        db.suspendTransact {
            suspendTransaction(exposed) {
                val there = Accounts.selectAll().map { it[Accounts.id] }.toSet()
                for (account in (1..accounts) - there) {
                    Accounts.insert {
                        it[id] = account
                        it[Accounts.balance] = balance
                    }
                }
            }
        }
    }

    /** Moves an amount, or throws and moves nothing. */
    suspend fun transfer(
        amount: Long,
        from: Int,
        to: Int,
    ) {
        // region transfer
        db.suspendTransact(isolation = SERIALIZABLE, lockTimeout = 2.seconds, retry = RetryPolicy.attempts(5)) { tx ->
            suspendTransaction(exposed) { Accounts.move(amount, from, to) } // Exposed, on the connection of tx
            tx.onBeforeCommit { clerks.review(amount, to) } // these may suspend
            tx.onCommit { clerks.tell(to) }
        }
        // endregion
    }

    /** Balances by account. */
    suspend fun balances(): Map<Int, Long> =
        db.suspendTransact {
            suspendTransaction(exposed) {
                Accounts.selectAll().orderBy(Accounts.id, SortOrder.ASC).associate {
                    it[Accounts.id] to
                        it[Accounts.balance]
                }
            }
        }

    /** Whether an error comes of others who are at work: later it may go well. */
    fun isOfTheMoment(error: Exception): Boolean = db.classify(error)?.kind()?.isTransient == true

    override fun close() = bridge.close()
}
