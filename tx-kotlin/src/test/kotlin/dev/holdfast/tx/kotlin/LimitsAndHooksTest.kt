package dev.holdfast.tx.kotlin

import dev.holdfast.tx.FailureKind
import dev.holdfast.tx.Outcome
import dev.holdfast.tx.Propagation
import dev.holdfast.tx.RetryPolicy
import dev.holdfast.tx.RowLock
import dev.holdfast.tx.Tx
import dev.holdfast.tx.TxHookException
import dev.holdfast.tx.TxRejectedException
import dev.holdfast.tx.TxStateException
import dev.holdfast.tx.TxTimeoutException
import dev.holdfast.tx.TxTimeoutException.Limit
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.yield
import org.assertj.core.api.Assertions.assertThat
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/** Limits, attempts and hooks of suspending scopes, and transactions that are ended by name. */
class LimitsAndHooksTest {
    @ParameterizedTest
    @EnumSource
    fun `a body that suspends for longer than the whole may take is ended, and the limit is named`(server: Bed.Server) =
        on(server) { bed ->
            val caught =
                runCatching {
                    bed.db.suspendTransact(wholeTimeout = 500.milliseconds) { tx ->
                        tx.insert(1)
                        awaitCancellation()
                    }
                }.exceptionOrNull()
            // on a slow machine the statement is the one to notice, and JDBC has exceptions of its own
            val expired = generateSequence(caught) { it.cause }.firstNotNullOf { it as? TxTimeoutException }
            assertThat(expired.limit()).isEqualTo(Limit.WHOLE)
            assertThat(bed.ids()).isEmpty()
        }

    @ParameterizedTest
    @EnumSource
    fun `the wait for a connection ends with its limit, which is named`(server: Bed.Server) =
        on(server) { bed ->
            val held = CompletableDeferred<Unit>()
            val done = CompletableDeferred<Unit>()
            coroutineScope {
                launch {
                    bed.db.suspendTransact { tx ->
                        tx.insert(1)
                        held.complete(Unit)
                        done.await()
                    }
                }
                held.await()
                val caught =
                    runCatching {
                        bed.db.suspendTransact(acquireTimeout = 30.milliseconds) { error("must not run") }
                    }.exceptionOrNull()
                assertThat(caught).isInstanceOf(TxTimeoutException::class.java)
                assertThat((caught as TxTimeoutException).limit()).isEqualTo(Limit.ACQUIRE)
                done.complete(Unit)
            }
        }

    @ParameterizedTest
    @EnumSource
    fun `a second transaction is refused where its caller holds what it would wait for`(server: Bed.Server) =
        on(server) { bed ->
            val caught =
                runCatching {
                    bed.db.suspendTransact { tx ->
                        tx.insert(1)
                        tx.suspendTransact(propagation = Propagation.SEPARATE) { it.insert(2) }
                    }
                }.exceptionOrNull()
            assertThat(caught).isInstanceOf(TxRejectedException::class.java).hasMessageContaining("1 of the pool's 1")
            assertThat(bed.ids()).isEmpty()
        }

    @ParameterizedTest
    @EnumSource
    fun `a scope that has sent nothing holds no connection that a separate one inside needs`(server: Bed.Server) =
        on(server) { bed ->
            bed.db.suspendTransact { tx ->
                tx.suspendTransact(propagation = Propagation.SEPARATE) { it.insert(1) }
            }
            assertThat(bed.ids()).containsExactly(1)
        }

    @ParameterizedTest
    @EnumSource
    fun `nor does a transaction that is ended by name and has sent nothing`(server: Bed.Server) =
        on(server) { bed ->
            val open = bed.db.suspendBegin()
            open.within {
                bed.db.suspendTransact(
                    propagation = Propagation.SEPARATE,
                    acquireTimeout = 5.seconds,
                ) { it.insert(1) }
            }
            open.commit()
            assertThat(bed.ids()).containsExactly(1)
        }

    @ParameterizedTest
    @EnumSource
    fun `an attempt that may do better is made again, with the connection given back in between`(server: Bed.Server) =
        on(server) { bed ->
            val runs = AtomicInteger()
            val lent = CopyOnWriteArrayList<Int>()
            val policy = RetryPolicy.attempts(3).onAttempt { _, _, _ -> lent += bed.lent }
            bed.db.suspendTransact(retry = policy) { tx ->
                tx.insert(runs.incrementAndGet())
                yield()
                if (runs.get() < 3) {
                    bed.conflict(tx)
                }
            }
            assertThat(runs).hasValue(3)
            assertThat(lent).containsExactly(0, 0)
            assertThat(bed.ids()).containsExactly(3)
        }

    @ParameterizedTest
    @EnumSource
    fun `hooks that suspend are awaited in their order, with the connection given back`(server: Bed.Server) =
        on(server) { bed ->
            val log = CopyOnWriteArrayList<String>()
            bed.db.suspendTransact { tx ->
                tx.insert(1)
                tx.onBeforeCommit {
                    yield()
                    tx.insert(2)
                    log += "before"
                }
                tx.onCommit {
                    yield()
                    assertThat(bed.db.currentTx()).isNull()
                    bed.db.suspendTransact { it.insert(3) } // of a pool of one
                    log += "commit"
                    tx.onCommit { log += "registered by a hook" }
                }
                tx.afterCommit { log += "blocking" }
                tx.onRollback { log += "rollback" }
                tx.onCompletion { log += it.javaClass.simpleName }
            }
            assertThat(log).containsExactly("before", "commit", "blocking", "Committed", "registered by a hook")
            assertThat(bed.ids()).containsExactly(1, 2, 3)
        }

    @ParameterizedTest
    @EnumSource
    fun `a hook before the commit that fails rolls back, and one after it does not`(server: Bed.Server) =
        on(server) { bed ->
            val mine = IllegalStateException("before")
            val told = CopyOnWriteArrayList<Outcome>()
            val before =
                runCatching {
                    bed.db.suspendTransact { tx ->
                        tx.insert(1)
                        tx.onBeforeCommit {
                            yield()
                            throw mine
                        }
                        tx.onCompletion { told += it }
                    }
                }.exceptionOrNull()
            assertThat(before).isSameAs(mine)
            assertThat(told).singleElement().isInstanceOf(Outcome.RolledBack::class.java)
            val after =
                runCatching {
                    bed.db.suspendTransact { tx ->
                        tx.insert(2)
                        tx.onCommit { error("after") }
                    }
                }.exceptionOrNull()
            assertThat(after).isInstanceOf(TxHookException::class.java)
            assertThat(bed.ids()).containsExactly(2)
        }

    @ParameterizedTest
    @EnumSource
    fun `suspending hooks of a blocking scope are awaited too`(server: Bed.Server) =
        on(server) { bed ->
            val log = CopyOnWriteArrayList<String>()
            bed.db.execute { tx ->
                tx.insert(1)
                tx.onCommit {
                    yield()
                    log += "commit"
                }
                tx.onCompletion { log += it.javaClass.simpleName }
            }
            assertThat(log).containsExactly("commit", "Committed")
        }

    @ParameterizedTest
    @EnumSource
    fun `they are in its transaction on every dispatcher, and so is what they register`(server: Bed.Server) =
        on(server) { bed ->
            val log = CopyOnWriteArrayList<String>()
            bed.db.execute { tx ->
                tx.insert(1)
                tx.onBeforeCommit {
                    withContext(Dispatchers.IO) {
                        assertThat(bed.db.currentTx()).isNotNull()
                        tx.insert(2)
                        bed.db.suspendTransact { it.insert(3) } // of a pool of one
                        tx.onCommit { withContext(Dispatchers.IO) { tx.onCommit { log += "registered by hooks" } } }
                    }
                }
            }
            assertThat(log).containsExactly("registered by hooks")
            assertThat(bed.ids()).containsExactly(1, 2, 3)
        }

    @ParameterizedTest
    @EnumSource
    fun `a transaction that is ended by name commits, rolls back, and is over then`(server: Bed.Server) =
        on(server) { bed ->
            val log = CopyOnWriteArrayList<String>()
            val kept = bed.db.suspendBegin()
            kept.within { tx ->
                tx.insert(1)
                yield()
                bed.db.suspendTransact { it.insert(2) }
                tx.onCommit { log += "commit" }
            }
            kept.commit()
            kept.close()
            assertThat(log).containsExactly("commit")
            assertThat(runCatching { kept.commit() }.exceptionOrNull()).isInstanceOf(TxStateException::class.java)

            val undone = bed.db.suspendBegin()
            undone.tx.insert(3)
            undone.rollback()
            val left = bed.db.suspendBegin()
            left.tx.insert(4)
            left.close()
            assertThat(bed.ids()).containsExactly(1, 2)
        }

    @ParameterizedTest
    @EnumSource
    fun `closing it beside its commit does not give its place in the pool away`(server: Bed.Server) =
        on(server) { bed ->
            val open = bed.db.suspendBegin()
            open.tx.insert(1)
            val commits = CompletableDeferred<Unit>()
            val goesOn = CompletableDeferred<Unit>()
            open.tx.onBeforeCommit {
                commits.complete(Unit)
                goesOn.await()
            }
            coroutineScope {
                launch { open.commit() }
                commits.await()
                open.close()
                val second = runCatching { bed.db.suspendTransact(acquireTimeout = 30.milliseconds) { "has a place" } }
                assertThat(second.exceptionOrNull()).isInstanceOf(TxTimeoutException::class.java)
                goesOn.complete(Unit)
            }
            assertThat(bed.ids()).containsExactly(1)
        }

    @ParameterizedTest
    @EnumSource
    fun `repositories are bound to the transaction of each call`(server: Bed.Server) =
        on(server) { bed ->
            bed.db.binding { Items(it) }.suspendTransact { _, items -> items.add(1) }
            bed.db.binding({ Items(it) }, { Items(it) }).suspendTransact { _, one, two ->
                one.add(2)
                yield()
                two.add(3)
            }
            bed.db.binding({ Items(it) }, { Items(it) }, { Items(it) }).suspendTransact { tx, one, two, three ->
                one.add(4)
                two.add(5)
                three.add(6)
                tx.setRollbackOnly("all three")
            }
            assertThat(bed.ids()).containsExactly(1, 2, 3)
        }

    @Test
    fun `rows that a scope locks are its own until it ends, on whatever thread`() =
        on(Bed.Server.POSTGRES, size = 2) { bed ->
            bed.db.transact { tx -> listOf(1, 2).forEach { tx.insert(it) } }
            bed.db.suspendTransact { tx ->
                assertThat(tx.locked(RowLock.forUpdate(), "id = 1")).containsExactly(1)
                withContext(Dispatchers.IO) {
                    bed.db.suspendTransact(propagation = Propagation.SEPARATE) { other ->
                        assertThat(other.locked(RowLock.forUpdate().skipLocked(), "id > 0")).containsExactly(2)
                    }
                    val refused =
                        runCatching {
                            bed.db.suspendTransact(propagation = Propagation.SEPARATE, lockTimeout = 50.milliseconds) {
                                it.locked(RowLock.forUpdate(), "id = 1")
                            }
                        }.exceptionOrNull()
                    assertThat(bed.db.classify(refused!!)?.kind()).isEqualTo(FailureKind.LOCK_TIMEOUT)
                }
            }
            bed.db.suspendTransact { assertThat(it.locked(RowLock.forUpdate().noWait(), "id = 1")).containsExactly(1) }
        }

    private fun Tx.locked(
        lock: RowLock,
        rows: String,
    ) = connection().createStatement().use { statement ->
        val found =
            statement.executeQuery(
                lock(lock, "SELECT id FROM item{table-lock} WHERE $rows ORDER BY id {row-lock}"),
            )
        generateSequence { if (found.next()) found.getInt(1) else null }.toList()
    }

    private class Items(
        private val tx: Tx,
    ) {
        fun add(id: Int) = tx.insert(id)
    }

    /** The driver's own error for a conflict that may be run again. */
    private fun Bed.conflict(tx: Tx) {
        when (server) {
            Bed.Server.POSTGRES -> {
                tx.connection().createStatement().use {
                    it.execute("DO \$\$ BEGIN RAISE serialization_failure; END \$\$")
                }
            }

            Bed.Server.SQLITE -> {
                // another one has the write lock, and this one does not wait for it
                throw org.sqlite.SQLiteException("locked", org.sqlite.SQLiteErrorCode.SQLITE_BUSY_SNAPSHOT)
            }
        }
    }
}
