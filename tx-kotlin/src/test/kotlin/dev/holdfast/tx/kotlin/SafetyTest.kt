package dev.holdfast.tx.kotlin

import dev.holdfast.tx.Access.READ_ONLY
import dev.holdfast.tx.Access.READ_WRITE
import dev.holdfast.tx.Ambient
import dev.holdfast.tx.Propagation
import dev.holdfast.tx.TxStateException
import dev.holdfast.tx.testkit.fixture.RollbackFixture
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.DelicateCoroutinesApi
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.GlobalScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield
import org.assertj.core.api.Assertions.assertThat
import org.assertj.core.api.Assertions.assertThatThrownBy
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.Executors
import kotlin.coroutines.EmptyCoroutineContext
import kotlin.time.Duration.Companion.seconds

/** Whose transaction a coroutine is in, and what happens where several use one. */
class SafetyTest {
    private suspend fun onOneThread(body: suspend (CoroutineDispatcher) -> Unit): Unit =
        Executors.newSingleThreadExecutor().asCoroutineDispatcher().use { withContext(JdbcDispatcher(it)) { body(it) } }

    @ParameterizedTest
    @EnumSource
    fun `a coroutine that shares the thread of a stranger's transaction is not in it`(server: Bed.Server) =
        on(server) { bed ->
            onOneThread { thread ->
                coroutineScope {
                    val inside = CompletableDeferred<Unit>()
                    val looked = CompletableDeferred<Unit>()
                    launch {
                        bed.db.suspendTransact { tx ->
                            tx.insert(1)
                            inside.complete(Unit)
                            looked.await()
                            assertThat(bed.db.currentTx()).isNotNull()
                        }
                    }
                    launch {
                        inside.await()
                        withContext(thread) { assertThat(bed.db.currentTx()).isNull() }
                        looked.complete(Unit)
                    }
                }
            }
        }

    @ParameterizedTest
    @EnumSource
    fun `200 coroutines on one thread and two connections all finish`(server: Bed.Server) =
        on(server, 2) { bed ->
            onOneThread {
                coroutineScope {
                    repeat(200) { n ->
                        launch {
                            // the single writer of SQLite would keep the thread from who waits for it
                            val writes = server == Bed.Server.POSTGRES
                            bed.db.suspendTransact(access = if (writes) READ_WRITE else READ_ONLY) { tx ->
                                if (writes) tx.insert(n)
                                yield()
                                tx.ids()
                            }
                        }
                    }
                }
            }
            if (server == Bed.Server.POSTGRES) {
                assertThat(bed.ids()).hasSize(200)
            }
        }

    @ParameterizedTest
    @EnumSource
    fun `those who begin another transaction before they send anything all finish, too`(server: Bed.Server) =
        on(server, 2) { bed ->
            onOneThread {
                coroutineScope {
                    repeat(50) { n ->
                        launch {
                            bed.db.suspendTransact(access = READ_ONLY) { tx ->
                                bed.db.suspendTransact(
                                    propagation = Propagation.SEPARATE,
                                    access = READ_ONLY,
                                ) { inner ->
                                    inner.ids()
                                    yield()
                                }
                                tx.ids()
                                yield()
                                tx.ids()
                            }
                        }
                    }
                }
            }
            assertThat(bed.lent).isZero()
        }

    @ParameterizedTest
    @EnumSource
    fun `200 coroutines and one connection all finish`(server: Bed.Server) =
        on(server) { bed ->
            coroutineScope {
                repeat(200) { n ->
                    launch(Dispatchers.Default) {
                        bed.db.suspendTransact { tx ->
                            tx.insert(n)
                            yield()
                        }
                    }
                }
            }
            assertThat(bed.ids()).hasSize(200)
        }

    @OptIn(DelicateCoroutinesApi::class)
    @ParameterizedTest
    @EnumSource
    fun `a coroutine that goes on after its scope has ended is told so`(server: Bed.Server) =
        on(server) { bed ->
            val ended = CompletableDeferred<Unit>()
            val late =
                bed.db.suspendTransact { tx ->
                    tx.insert(1)
                    val mine = coroutineContext.minusKey(Job)
                    GlobalScope.async(mine) {
                        ended.await()
                        runCatching { tx.insert(2) }.exceptionOrNull()
                    }
                }
            ended.complete(Unit)
            assertThat(late.await()).isInstanceOf(TxStateException::class.java)
            assertThat(bed.ids()).containsExactly(1)
        }

    @ParameterizedTest
    @EnumSource
    fun `statements of children that run side by side take turns`(server: Bed.Server) =
        on(server) { bed ->
            bed.db.suspendTransact { tx ->
                repeat(4) { child ->
                    launch(Dispatchers.Default) { repeat(100) { tx.insert(child * 100 + it) } }
                }
            }
            assertThat(bed.ids()).hasSize(400)
        }

    @ParameterizedTest
    @EnumSource
    fun `a statement of a sibling waits for a nested scope to end, and is not undone with it`(server: Bed.Server) =
        on(server) { bed ->
            val order = CopyOnWriteArrayList<String>()
            bed.db.suspendTransact { tx ->
                val opened = CompletableDeferred<Unit>()
                val waits = CompletableDeferred<Thread>()
                launch(Dispatchers.Default) {
                    opened.await()
                    waits.complete(Thread.currentThread())
                    tx.insert(2)
                    order += "sibling"
                }
                runCatching {
                    tx.suspendNested { inner ->
                        inner.insert(1)
                        opened.complete(Unit)
                        val sibling = waits.await()
                        withTimeout(10.seconds) {
                            while (sibling.state != Thread.State.TIMED_WAITING) yield()
                        }
                        order += "nested"
                        error("undo")
                    }
                }
            }
            assertThat(order).containsExactly("nested", "sibling")
            assertThat(bed.ids()).containsExactly(2)
        }

    @ParameterizedTest
    @EnumSource
    fun `nested scopes of children come in their order, and one thread is enough for those who wait`(
        server: Bed.Server,
    ) = on(server) { bed ->
        Executors.newSingleThreadExecutor().asCoroutineDispatcher().use { one ->
            val done = CopyOnWriteArrayList<Int>()
            withContext(JdbcDispatcher(one)) {
                bed.db.suspendTransact { tx ->
                    repeat(20) { n ->
                        launch {
                            tx.suspendNested { inner ->
                                inner.insert(n)
                                yield()
                                done += n
                            }
                        }
                    }
                }
            }
            assertThat(done).containsExactlyElementsOf(0..19)
            assertThat(bed.ids()).containsExactlyElementsOf(0..19)
        }
    }

    @ParameterizedTest
    @EnumSource
    fun `a nested scope that is opened through the handle of an outer one is nested in the inner one`(
        server: Bed.Server,
    ) = on(server) { bed ->
        bed.db.suspendTransact { tx ->
            runCatching {
                tx.suspendNested { inner ->
                    inner.insert(1)
                    tx.suspendNested { it.insert(2) }
                    error("undo both")
                }
            }
            tx.insert(3)
        }
        assertThat(bed.ids()).containsExactly(3)
    }

    @ParameterizedTest
    @EnumSource
    fun `a failing child ends its siblings and the transaction, with its own exception`(server: Bed.Server) =
        on(server) { bed ->
            val mine = IllegalArgumentException("child")
            val caught =
                runCatching {
                    bed.db.suspendTransact { tx ->
                        tx.insert(1)
                        launch { delay(60.seconds) }
                        launch { throw mine }
                    }
                }.exceptionOrNull()
            assertThat(generateSequence(caught) { it.cause }.toList()).contains(mine)
            assertThat(caught).isInstanceOf(IllegalArgumentException::class.java)
            assertThat(bed.ids()).isEmpty()
        }

    @ParameterizedTest
    @EnumSource
    fun `blocking scopes inside join and nest in a suspending one`(server: Bed.Server) =
        on(server) { bed ->
            bed.db.suspendTransact { tx ->
                bed.db.execute { it.insert(1) }
                tx.suspendNested {
                    runCatching {
                        bed.db.current()!!.nested<Unit> { inner ->
                            inner.insert(2)
                            error("undo")
                        }
                    }
                    bed.db.execute { it.insert(3) }
                }
            }
            assertThat(bed.ids()).containsExactly(1, 3)
        }

    @ParameterizedTest
    @EnumSource
    fun `a suspending scope that blocking code calls joins its transaction`(server: Bed.Server) =
        on(server) { bed ->
            bed.db.execute { tx ->
                tx.insert(1)
                runBlocking { bed.db.suspendTransact { it.insert(2) } }
                tx.setRollbackOnly("all of it")
            }
            assertThat(bed.ids()).isEmpty()
        }

    @ParameterizedTest
    @EnumSource
    fun `work outside is no part of the transaction, and work within is`(server: Bed.Server) =
        on(server, 2) { bed ->
            bed.db.suspendTransact { tx ->
                assertThat(bed.db.suspendOutside { bed.db.currentTx() }).isNull()
                withContext(EmptyCoroutineContext) { assertThat(bed.db.currentTx()).isSameAs(tx) }
                bed.db.suspendOutside {
                    bed.db.suspendWithin(tx) {
                        yield()
                        bed.db.suspendTransact { it.insert(1) }
                    }
                }
                tx.setRollbackOnly("all of it")
            }
            assertThat(bed.ids()).isEmpty()
        }

    @ParameterizedTest
    @EnumSource
    fun `what work outside or within throws is the very exception that the caller gets`(server: Bed.Server) =
        on(server) { bed ->
            val mine = IllegalStateException("mine")
            bed.db.suspendTransact { tx ->
                val outside = runCatching { bed.db.suspendOutside { yield().also { throw mine } } }
                val within = runCatching { bed.db.suspendWithin(tx) { yield().also { throw mine } } }
                assertThat(outside.exceptionOrNull()).isSameAs(mine)
                assertThat(within.exceptionOrNull()).isSameAs(mine)
            }
        }

    @ParameterizedTest
    @EnumSource
    fun `where ambient is off nothing is found, and handles nest all the same`(server: Bed.Server) =
        on(server, set = { ambient(Ambient.OFF) }) { bed ->
            bed.db.suspendTransact { tx ->
                assertThat(bed.db.currentTx()).isNull()
                tx.suspendNested { inner ->
                    yield()
                    inner.insert(1)
                }
                tx.insert(2)
            }
            assertThat(bed.ids()).containsExactly(1, 2)
        }

    @ParameterizedTest
    @EnumSource
    fun `in a test fixture all is rolled back`(server: Bed.Server) =
        on(server) { bed ->
            val hooks = CopyOnWriteArrayList<String>()
            RollbackFixture.open(bed.db).use { fixture ->
                val db = fixture.transactor()
                db.suspendTransact { tx ->
                    tx.insert(1)
                    tx.onCommit { hooks += "commit" }
                    tx.suspendNested { it.insert(2) }
                }
                db.suspendTransact { tx -> assertThat(tx.ids()).containsExactly(1, 2) }
            }
            assertThat(hooks).containsExactly("commit")
            assertThat(bed.ids()).isEmpty()
        }

    @Test
    fun `a transactor that is not ours is refused by name`() {
        val foreign =
            java.lang.reflect.Proxy.newProxyInstance(
                javaClass.classLoader,
                arrayOf(dev.holdfast.tx.Transactor::class.java),
            ) { _, _, _ -> null } as dev.holdfast.tx.Transactor
        assertThatThrownBy { runBlocking { foreign.suspendTransact { } } }
            .isInstanceOf(IllegalArgumentException::class.java)
            .hasMessageContaining("made by Holdfast")
    }

    @ParameterizedTest
    @EnumSource
    fun `results of children are the body's to await`(server: Bed.Server) =
        on(server) { bed ->
            val sum =
                bed.db.suspendTransact { tx ->
                    (1..10).map { n -> async { tx.insert(n).let { n } } }.awaitAll().sum()
                }
            assertThat(sum).isEqualTo(55)
            assertThat(bed.ids()).hasSize(10)
        }
}
