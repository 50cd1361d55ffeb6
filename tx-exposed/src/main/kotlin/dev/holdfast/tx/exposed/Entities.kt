package dev.holdfast.tx.exposed

import org.jetbrains.exposed.v1.core.statements.GlobalStatementInterceptor
import org.jetbrains.exposed.v1.dao.Entity
import org.jetbrains.exposed.v1.dao.ImmutableCachedEntityClass
import org.jetbrains.exposed.v1.dao.entityCache
import org.jetbrains.exposed.v1.jdbc.JdbcTransaction
import java.util.Collections
import java.util.IdentityHashMap

/** The entities of a block. */
internal sealed interface Entities {
    /** Writes what was not written yet. */
    fun flush()

    /** Drops them, with what was not written: what is asked of one later is read again. */
    fun forget()

    companion object {
        /** What exposed-dao, where the program has it, registers with exposed-jdbc. */
        private val lifecycle: GlobalStatementInterceptor? =
            JdbcTransaction.globalInterceptors.firstOrNull {
                it.javaClass.name == "org.jetbrains.exposed.v1.dao.EntityLifecycleInterceptor"
            }

        fun of(transaction: JdbcTransaction): Entities = lifecycle?.let { DaoEntities(transaction, it) } ?: NoEntities
    }
}

/** Where the program has no exposed-dao. */
private object NoEntities : Entities {
    override fun flush(): Unit = Unit

    override fun forget(): Unit = Unit
}

private class DaoEntities(
    private val transaction: JdbcTransaction,
    private val lifecycle: GlobalStatementInterceptor,
) : Entities {
    /** Those that were dropped: the block may still hold them, and the cache does not. */
    private val dropped: MutableSet<Entity<*>> = Collections.newSetFromMap(IdentityHashMap())

    override fun flush() {
        lifecycle.beforeCommit(transaction)
    }

    override fun forget() {
        transaction.entityCache.data.values
            .forEach { dropped += it.values }
        lifecycle.beforeRollback(transaction)
        for (entity in dropped) {
            entity.writeValues.clear()
            if (entity.klass !is ImmutableCachedEntityClass<*, *>) {
                entity._readValues = null
            }
        }
    }
}
