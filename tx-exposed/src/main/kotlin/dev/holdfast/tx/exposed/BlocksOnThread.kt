package dev.holdfast.tx.exposed

import dev.holdfast.tx.engine.internal.Current
import java.util.concurrent.CopyOnWriteArrayList

/**
 * Makes the scopes of Exposed blocks current: Exposed binds a block to threads, and to the coroutine that moves
 * between them, by itself, so whoever asks what is running asks Exposed too.
 */
internal object BlocksOnThread : Current.Guest {
    private val databases = CopyOnWriteArrayList<ScopeTransactions>()

    fun add(database: ScopeTransactions) {
        databases += database
        Current.receive(this)
    }

    fun remove(database: ScopeTransactions) {
        databases -= database
    }

    override fun innermost(): Current.Frame? {
        var innermost: Current.Frame? = null
        for (database in databases) {
            val frame = database.innermost()?.frame
            if (frame != null && (innermost == null || frame.isInside(innermost))) {
                innermost = frame
            }
        }
        return innermost
    }
}
