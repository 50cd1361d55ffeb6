package dev.holdfast.tx.kotlin

import dev.holdfast.tx.Outcome
import dev.holdfast.tx.Tx
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Semaphore
import kotlinx.coroutines.sync.withPermit
import kotlinx.coroutines.yield
import org.assertj.core.api.Assertions.assertThat
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource
import java.util.concurrent.ConcurrentHashMap
import kotlin.random.Random
import kotlin.time.Duration.Companion.microseconds

/**
 * Coroutines that nest, fail and are cancelled at random, against a model of the rows: `-Dholdfast.seed` runs one seed again,
 * `-Dholdfast.coroutines` says how many there are.
 */
class StressTest {
    private class Undo : Exception("as planned")

    /** What one coroutine did: the rows of scopes that did well, and what its caller and its hooks were told. */
    private class Told(
        val rows: Set<Int>,
        val returned: Boolean,
        val outcome: Outcome?,
    )

    @ParameterizedTest
    @EnumSource
    fun `nothing is lost or doubled, no connection is missing, and nobody is stuck`(server: Bed.Server) {
        val seed = System.getProperty("holdfast.seed")?.toLong() ?: Random.nextLong()
        val coroutines = Integer.getInteger("holdfast.coroutines", 5_000)
        println("$server, $coroutines coroutines: -Dholdfast.seed=$seed")
        on(server, 5) { bed ->
            val told = ConcurrentHashMap<Int, Told>()
            val started = Semaphore(500)
            coroutineScope {
                repeat(coroutines) { n ->
                    launch(Dispatchers.Default) {
                        started.withPermit { told[n] = Run(bed, n, Random(seed + n)).told() }
                    }
                }
            }
            val expected = told.values.filter { it.outcome is Outcome.Committed }.flatMap { it.rows }
            assertThat(told).hasSize(coroutines)
            assertThat(told.values.filter { it.returned && it.outcome !is Outcome.Committed })
                .describedAs("calls that returned and were not committed")
                .isEmpty()
            assertThat(told.values.count { it.outcome is Outcome.Committed }).isGreaterThan(coroutines / 10)
            assertThat(told.values.count { it.outcome is Outcome.RolledBack }).isGreaterThan(coroutines / 10)
            assertThat(bed.ids()).containsExactlyElementsOf(expected.sorted())
            bed.db.suspendTransact { it.insert(Int.MAX_VALUE) } // all five are usable
        }
    }

    /** The life of one coroutine. */
    private class Run(
        private val bed: Bed,
        private val number: Int,
        private val random: Random,
    ) {
        private var made = 0
        private var outcome: Outcome? = null
        private var returned = false
        private var rows = emptySet<Int>()

        suspend fun told(): Told {
            val begun = CompletableDeferred<Unit>()
            coroutineScope {
                val caller =
                    launch {
                        try {
                            bed.db.suspendTransact { tx ->
                                begun.complete(Unit)
                                tx.afterCompletion { outcome = it }
                                rows = scope(tx, 0)
                            }
                            returned = true
                        } catch (_: Undo) {
                            // as planned
                        } catch (e: CancellationException) {
                            throw e
                        } finally {
                            begun.complete(Unit)
                        }
                    }
                if (random.nextInt(5) == 0) {
                    begun.await()
                    delay(random.nextInt(3_000).microseconds)
                    caller.cancel()
                }
            }
            return Told(rows, returned, outcome)
        }

        /** Writes rows, and answers those that count if what is around does well. */
        private suspend fun scope(
            tx: Tx,
            depth: Int,
        ): Set<Int> {
            val mine = mutableSetOf(row(tx))
            repeat(random.nextInt(3)) {
                when (random.nextInt(6)) {
                    0, 1 -> mine += row(tx)
                    2 -> yield()
                    3 -> mine += children(tx)
                    else -> if (depth < 3) mine += nested(tx, depth)
                }
            }
            if (random.nextInt(7) == 0) {
                throw Undo()
            }
            return mine
        }

        private suspend fun nested(
            tx: Tx,
            depth: Int,
        ): Set<Int> =
            try {
                tx.suspendNested { inner ->
                    yield()
                    scope(inner, depth + 1)
                }
            } catch (_: Undo) {
                emptySet()
            }

        /** Children that use the connection side by side. */
        private suspend fun children(tx: Tx): Set<Int> =
            coroutineScope {
                val ids = List(3) { number * 100 + made++ }
                ids.map { id -> launch(Dispatchers.IO) { tx.insert(id) } }.joinAll()
                ids.toSet()
            }

        private fun row(tx: Tx): Int = (number * 100 + made++).also { tx.insert(it) }
    }
}
