package dev.holdfast.tx.kotlin

import dev.holdfast.tx.BeginMode
import dev.holdfast.tx.TxOptions
import jdk.jfr.Recording
import jdk.jfr.consumer.RecordedEvent
import jdk.jfr.consumer.RecordingFile
import org.assertj.core.api.Assertions.assertThat
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.condition.EnabledForJreRange
import org.junit.jupiter.api.condition.JRE
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource
import java.nio.file.Files
import java.nio.file.Path
import java.sql.Connection
import java.time.Duration
import java.util.concurrent.Callable
import java.util.concurrent.CountDownLatch
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit

/** Holdfast on virtual threads, which Java has from 21 on and which a lock does not keep from their carriers from 24 on. */
class VirtualThreadsTest {
    @ParameterizedTest
    @EnumSource
    @EnabledForJreRange(min = JRE.JAVA_25)
    fun `1000 virtual threads share ten connections, and none is pinned to its carrier while it waits`(
        server: Bed.Server,
    ) = on(server, 10) { bed ->
        val recorded = Files.createTempFile("holdfast", ".jfr")
        virtualThreads().use { it.submit(Callable { bed.db.execute { tx -> tx.insert(0) } }).get() }
        Recording().use { recording ->
            recording.enable("jdk.VirtualThreadPinned").withThreshold(Duration.ZERO)
            recording.start()
            virtualThreads().use { threads ->
                val ids = 1..1000
                ids
                    .map { id -> threads.submit(Callable { bed.db.execute { it.insert(id) } }) }
                    .forEach { it.get(60, TimeUnit.SECONDS) }
            }
            recording.stop()
            recording.dump(recorded)
        }
        assertThat(pinnedIn(recorded)).isEmpty()
        assertThat(bed.ids()).hasSize(1001)
    }

    /** Ways to be the first statement of a transaction, which waits for the lock of the file. */
    enum class First(
        val options: TxOptions,
        val execute: (Connection, Int) -> Unit,
    ) {
        EXCLUSIVE(TxOptions.none().beginMode(BeginMode.EXCLUSIVE), { connection, id -> connection.insert(id) }),
        LOCK_TIMEOUT(TxOptions.none().lockTimeout(Duration.ofSeconds(60)), { connection, id -> connection.insert(id) }),
        STATEMENT(TxOptions.none().beginMode(BeginMode.DEFERRED), { connection, id -> connection.insert(id) }),
        BATCH(TxOptions.none().beginMode(BeginMode.DEFERRED), { connection, id ->
            connection.prepareStatement("INSERT INTO item (id, n) VALUES (?, 0)").use {
                it.setInt(1, id)
                it.addBatch()
                it.executeBatch()
            }
        }),
        SEVERAL(TxOptions.none().beginMode(BeginMode.DEFERRED), { connection, id ->
            connection.createStatement().use {
                it.executeUpdate("INSERT INTO item (id, n) VALUES ($id, 0); UPDATE item SET n = 1 WHERE id = $id")
            }
        }),
    }

    @ParameterizedTest
    @EnumSource
    @EnabledForJreRange(min = JRE.JAVA_25)
    fun `on SQLite no statement waits for the lock of the file on its carrier`(first: First) =
        on(Bed.Server.SQLITE, 10) { bed ->
            val recorded = Files.createTempFile("holdfast", ".jfr")
            val insert = { id: Int -> bed.db.execute(first.options) { tx -> first.execute(tx.connection(), id) } }
            virtualThreads().use { it.submit(Callable { insert(0) }).get() }
            Recording().use { recording ->
                recording.enable("jdk.VirtualThreadPinned").withThreshold(Duration.ZERO)
                recording.start()
                virtualThreads().use { threads ->
                    (1..200)
                        .map { id -> threads.submit(Callable { insert(id) }) }
                        .forEach { it.get(60, TimeUnit.SECONDS) }
                }
                recording.stop()
                recording.dump(recorded)
            }
            assertThat(pinnedIn(recorded)).isEmpty()
            assertThat(bed.ids()).hasSize(201)
        }

    /** Those who wait must not keep the one who has the lock from a carrier; there are as many of those as processors. */
    @ParameterizedTest
    @EnumSource
    @EnabledForJreRange(min = JRE.JAVA_21)
    fun `on SQLite those who wait do not keep the one who has the lock from going on`(first: First) {
        val waiters = 4 * Runtime.getRuntime().availableProcessors()
        on(Bed.Server.SQLITE, waiters + 1) { bed ->
            val holds = CountDownLatch(1)
            val goesOn = CountDownLatch(1)
            virtualThreads().use { threads ->
                val holder =
                    threads.submit(
                        Callable {
                            bed.db.execute { tx ->
                                tx.insert(0)
                                holds.countDown()
                                goesOn.await()
                                tx.insert(-1)
                            }
                        },
                    )
                holds.await()
                val waiting =
                    (1..waiters).map { id ->
                        threads.submit(
                            Callable { bed.db.execute(first.options) { first.execute(it.connection(), id) } },
                        )
                    }
                await("all wait") { SqliteWaits.count() == waiters }
                goesOn.countDown()
                holder.get(10, TimeUnit.SECONDS) // they would wait for 20 and longer
                waiting.forEach { it.get(60, TimeUnit.SECONDS) }
            }
            assertThat(bed.ids()).hasSize(waiters + 2)
        }
    }

    @ParameterizedTest
    @EnumSource
    @EnabledForJreRange(min = JRE.JAVA_21)
    fun `bodies run on virtual threads`(server: Bed.Server) =
        on(server) { bed ->
            val virtual =
                bed.db.suspendTransact { Thread::class.java.getMethod("isVirtual").invoke(Thread.currentThread()) }
            assertThat(virtual).isEqualTo(true)
        }

    @Test
    @EnabledForJreRange(max = JRE.JAVA_20)
    fun `before Java 21 bodies run on threads of their own`() =
        on(Bed.Server.POSTGRES) { bed ->
            assertThat(bed.db.suspendTransact { Thread.currentThread().name }).startsWith("holdfast-jdbc")
        }

    /** To wait for a class to be initialised, which happens once, is nobody's lock. */
    private fun pinnedIn(recorded: Path): List<RecordedEvent> =
        RecordingFile.readAllEvents(recorded).filterNot { "initialization" in it.getString("pinnedReason") }

    private fun virtualThreads(): ExecutorService =
        Executors::class.java.getMethod("newVirtualThreadPerTaskExecutor").invoke(null) as ExecutorService

    private fun ExecutorService.use(work: (ExecutorService) -> Unit) =
        try {
            work(this)
        } finally {
            shutdown()
        }
}
