package dev.holdfast.tx.exposed

import dev.holdfast.tx.Propagation
import dev.holdfast.tx.Tx
import dev.holdfast.tx.TxOptions
import dev.holdfast.tx.TxStateException
import dev.holdfast.tx.engine.internal.Current
import dev.holdfast.tx.engine.internal.HeldBack
import dev.holdfast.tx.engine.internal.Steps
import org.jetbrains.exposed.v1.core.statements.StatementInterceptor
import org.jetbrains.exposed.v1.jdbc.JdbcTransaction
import java.util.concurrent.atomic.AtomicInteger

/**
 * The transaction that Exposed sees in a block: its end is that of our scope.
 *
 * A block inside another that shares its unit has the same one, so that both see the same entities. Exposed tells of
 * the end of a block by [commit] or [rollback], of an outermost one by [close] as well.
 */
internal class BlockTransaction private constructor(
    private val scope: BlockScope,
) : JdbcTransaction(scope),
    HeldBack {
    /** How many blocks inside this one share it now. */
    private val inner = AtomicInteger()

    private val entities = Entities.of(this)

    val tx: Tx get() = scope.tx

    val frame: Current.Frame get() = scope.frame

    val isOver: Boolean get() = scope.isOver

    val isAmbient: Boolean get() = scope.isAmbient

    /** For a block inside this one. */
    fun again(): BlockTransaction {
        inner.incrementAndGet()
        return this
    }

    // ---- the ends of blocks

    /**
     * The good end of a block. Refused to the application; what Exposed commits elsewhere is committed with the rest.
     */
    override fun commit() {
        val caller = Caller.find()
        if (caller == Caller.OTHER) {
            throw TxStateException(
                "commit() was called in an Exposed block, whose transaction is committed by what began it; end the block instead",
            )
        }
        bound { entities.flush() }
        if (caller == Caller.BLOCK && !innerEnded()) {
            end(null)
        }
    }

    /** The bad end of a block; for everybody else, a wish that it may end so. */
    override fun rollback() {
        if (Caller.find() != Caller.BLOCK) {
            scope.closed = "rollback() was called in this Exposed block: nothing more can be done in it"
            bound { entities.forget() }
            tx.setRollbackOnly("rollback() was called in an Exposed block")
            return
        }
        doNotRunAgain()
        val failure =
            TxStateException("An Exposed block in it failed, and its error went to the block's caller", scope.failure)
        if (innerEnded()) {
            poison(failure)
        } else {
            end(failure)
        }
    }

    /** The end of an outermost block. */
    override fun close() {
        if (Caller.find() != Caller.BLOCK) {
            throw TxStateException(
                "close() was called in an Exposed block, whose connection is given back by what began it",
            )
        }
        doNotRunAgain()
        end(TxStateException("An Exposed block ended without a commit or a rollback"))
    }

    private fun innerEnded(): Boolean = inner.getAndUpdate { maxOf(0, it - 1) } > 0

    private fun end(failure: TxStateException?) {
        if (scope.isOver) {
            return
        }
        try {
            scope.end(failure)
        } finally {
            Steps.holdNoMore(tx, this)
        }
        if (failure != null && failure.suppressed.isNotEmpty()) {
            throw failure // Exposed logs it: what its caller is told is the block's own error
        }
    }

    /** As a scope does that has joined and fails. */
    private fun poison(failure: TxStateException) {
        try {
            tx.execute(TxOptions.none().propagation(Propagation.REUSE)) { throw failure }
        } catch (thrown: TxStateException) {
            if (thrown !== failure) {
                throw thrown
            }
        }
    }

    /** Whatever the block has set: a part of a transaction cannot be run again. */
    private fun doNotRunAgain() {
        maxAttempts = 1
        minRetryDelay = 0
        maxRetryDelay = 0
    }

    // ---- what Exposed keeps for it

    override fun flush() {
        if (isAroundCaller()) {
            bound { entities.flush() }
        }
    }

    override fun forget() {
        if (isAroundCaller()) {
            bound { entities.forget() }
        }
    }

    /**
     * Whether it is the caller's. A savepoint of another coroutine, beside this block, is none of its business: what is
     * held back here is not sent into it, as statements of this block wait for its end, and may be changing just now.
     */
    private fun isAroundCaller() = Current.innermost()?.isInside(frame) == true

    /** Does something with this as Exposed's current transaction. Its public API has no plainer way than a batch. */
    private fun bound(work: () -> Unit) {
        scope.bind(work) { execInBatch(emptyList()) }
    }

    private fun fireInterceptorsAtTheEnd() {
        tx.beforeCommit { bound { interceptors().forEach { it.beforeCommit(this) } } }
        tx.afterCommit { bound { interceptors().forEach { it.afterCommit(this) } } }
        tx.afterRollback {
            bound {
                interceptors().forEach { it.beforeRollback(this) }
                interceptors().forEach { it.afterRollback(this) }
            }
        }
    }

    /** All that are registered. Exposed shows its own ones to nobody, but compares them with what is to be removed. */
    private fun interceptors(): List<StatementInterceptor> {
        val found = globalInterceptors.toMutableList<StatementInterceptor>()
        unregisterInterceptor(
            object : StatementInterceptor {
                override fun equals(other: Any?): Boolean {
                    if (other is StatementInterceptor) {
                        found += other
                    }
                    return false
                }

                override fun hashCode(): Int = 0
            },
        )
        return found
    }

    companion object {
        /** Begins one in a scope that was opened for it. */
        fun begin(scope: BlockScope): BlockTransaction {
            try {
                val block = BlockTransaction(scope)
                block.fireInterceptorsAtTheEnd()
                Steps.hold(scope.tx, block)
                return block
            } catch (e: Throwable) {
                scope.end(e)
                throw e
            }
        }
    }
}

/** Who calls the methods by which Exposed ends its blocks: others can call them as well. */
private enum class Caller {
    /** The end of a block. */
    BLOCK,

    /** Something else of Exposed's, such as SchemaUtils, which commits what it has made. */
    EXPOSED,

    /** The application. */
    OTHER,
    ;

    companion object {
        private val walker = StackWalker.getInstance()
        private val ours = setOf(Companion::class.java.name, BlockTransaction::class.java.name)

        fun find(): Caller {
            val name =
                walker.walk { frames ->
                    frames
                        .map { it.className }
                        .filter { it !in ours }
                        .findFirst()
                        .orElse("")
                }
            return when {
                name.startsWith("org.jetbrains.exposed.v1.jdbc.transactions.") -> BLOCK
                name.startsWith("org.jetbrains.exposed.v1.") -> EXPOSED
                else -> OTHER
            }
        }
    }
}
