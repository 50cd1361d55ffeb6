package dev.holdfast.tx.exposed

import dev.holdfast.tx.RowLock
import dev.holdfast.tx.Tx
import dev.holdfast.tx.TxStateException
import dev.holdfast.tx.TxUnsupportedException
import dev.holdfast.tx.engine.internal.Steps
import org.jetbrains.exposed.v1.core.FieldSet
import org.jetbrains.exposed.v1.core.Op
import org.jetbrains.exposed.v1.core.QueryBuilder
import org.jetbrains.exposed.v1.core.Transaction
import org.jetbrains.exposed.v1.core.vendors.ForUpdateOption
import org.jetbrains.exposed.v1.jdbc.Query

/**
 * Locks the rows that this query reads, as [Tx.lock] does, on every database; what a database cannot do is refused
 * when the query is executed.
 *
 * ```kotlin
 * val next = Jobs.selectAll().where { Jobs.state eq "new" }.limit(1).forUpdate(tx, RowLock.forUpdate().skipLocked())
 * ```
 *
 * [RowLock.of] names tables by their aliases, or by their names where they have none; a table whose name needs quotes
 * is given an alias.
 *
 * @param tx the transaction that the query is executed in
 * @return the locked query, for use on its own; this one is left as it is
 * @throws IllegalArgumentException if the query has a lock of Exposed's already, or is more than a select
 */
public fun Query.forUpdate(
    tx: Tx,
    lock: RowLock = RowLock.forUpdate(),
): Query {
    require(javaClass == Query::class.java) { "A lock is put on a plain Query once, and this is a ${javaClass.name}" }
    require(!isForUpdate()) { "The query has a lock of Exposed's already: leave out its forUpdate" }
    return LockedQuery(set, where, tx, lock).also(::copyTo)
}

private class LockedQuery(
    set: FieldSet,
    where: Op<Boolean>?,
    private val tx: Tx,
    private val lock: RowLock,
) : Query(set, where) {
    /** Whether the text is asked for as a statement, and not as a part of another. */
    private var isStatement = false

    override fun copy(): Query = LockedQuery(set, where, tx, lock).also(::copyTo)

    override fun forUpdate(option: ForUpdateOption): Query =
        throw TxUnsupportedException("The query is locked already, by $lock; leave out Exposed's forUpdate")

    override fun notForUpdate(): Query =
        throw TxUnsupportedException("The query is locked, by $lock; take the one before forUpdate")

    override fun arguments() = asStatement { super.arguments() }

    override fun prepareSQL(
        transaction: Transaction,
        prepared: Boolean,
    ): String {
        if (transaction !is BlockTransaction || !Steps.shareTransaction(transaction.tx, tx)) {
            throw TxStateException("A query that is locked in one transaction was executed in another; lock it in that")
        }
        val text = asStatement { super.prepareSQL(transaction, prepared) }
        val source = QueryBuilder(prepared).also { set.source.describe(transaction, it) }.toString()
        return tx.lock(lock, LockPlaces.inSelect(text, source))
    }

    override fun prepareSQL(builder: QueryBuilder): String {
        if (!isStatement) {
            throw TxUnsupportedException(
                "A locked query cannot be a part of another, where its lock would be lost; lock the outer one",
            )
        }
        isStatement = false
        return super.prepareSQL(builder)
    }

    private inline fun <T> asStatement(text: () -> T): T {
        isStatement = true
        try {
            return text()
        } finally {
            isStatement = false
        }
    }
}
