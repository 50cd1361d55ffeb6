package dev.holdfast.tx.kotlin

import jdk.jfr.Recording
import jdk.jfr.consumer.RecordingFile
import org.assertj.core.api.Assertions.assertThat
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.condition.EnabledForJreRange
import org.junit.jupiter.api.condition.JRE
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource
import java.nio.file.Files
import java.time.Duration
import java.util.concurrent.Callable
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
        // To wait for a class to be initialised, which happens once, is nobody's lock. A wait for SQLite's file is in native
        // code, whoever waits there: our handler of it is in Java, and so is seen here.
        val pinned =
            RecordingFile.readAllEvents(recorded).filterNot { event ->
                "initialization" in event.getString("pinnedReason") ||
                    event.stackTrace.frames.any {
                        it.method.type.name
                            .endsWith(".SqliteLockWait")
                    }
            }
        assertThat(pinned).isEmpty()
        assertThat(bed.ids()).hasSize(1001)
    }

    @Test
    @EnabledForJreRange(min = JRE.JAVA_21)
    fun `bodies run on virtual threads`() =
        on(Bed.Server.POSTGRES) { bed ->
            val virtual =
                bed.db.suspendTransact { Thread::class.java.getMethod("isVirtual").invoke(Thread.currentThread()) }
            assertThat(virtual).isEqualTo(true)
        }

    /** Virtual threads that wait for the lock of the file would keep whoever has it from going on. */
    @Test
    fun `bodies of SQLite run on threads of their own`() =
        on(Bed.Server.SQLITE) { bed ->
            assertThat(bed.db.suspendTransact { Thread.currentThread().name }).startsWith("holdfast-jdbc")
        }

    @Test
    @EnabledForJreRange(max = JRE.JAVA_20)
    fun `before Java 21 bodies run on threads of their own`() =
        on(Bed.Server.POSTGRES) { bed ->
            assertThat(bed.db.suspendTransact { Thread.currentThread().name }).startsWith("holdfast-jdbc")
        }

    private fun virtualThreads(): ExecutorService =
        Executors::class.java.getMethod("newVirtualThreadPerTaskExecutor").invoke(null) as ExecutorService

    private fun ExecutorService.use(work: (ExecutorService) -> Unit) =
        try {
            work(this)
        } finally {
            shutdown()
        }
}
