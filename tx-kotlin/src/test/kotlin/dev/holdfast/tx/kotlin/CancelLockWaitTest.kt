package dev.holdfast.tx.kotlin

import com.zaxxer.hikari.HikariConfig
import com.zaxxer.hikari.HikariDataSource
import dev.holdfast.tx.BeginMode
import dev.holdfast.tx.Outcome
import dev.holdfast.tx.TxOptions
import dev.holdfast.tx.engine.Holdfast
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelChildren
import kotlinx.coroutines.job
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.assertj.core.api.Assertions.assertThat
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource
import org.junit.jupiter.params.provider.ValueSource
import java.sql.Connection
import java.time.Duration
import java.util.concurrent.atomic.AtomicReference
import kotlin.time.ComparableTimeMark
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

/**
 * A statement that waits for a lock which somebody else holds ends within a second when its coroutine is cancelled: BEGIN as
 * well, where that takes the lock. The connections wait for 20 seconds, or longer.
 */
@Timeout(60)
class CancelLockWaitTest {
    enum class Wait(
        val server: Bed.Server,
        val options: TxOptions,
    ) {
        BEGIN_IMMEDIATE(Bed.Server.SQLITE, TxOptions.none()),
        BEGIN_EXCLUSIVE(Bed.Server.SQLITE, TxOptions.none().beginMode(BeginMode.EXCLUSIVE)),
        WRITE_AFTER_BEGIN_DEFERRED(Bed.Server.SQLITE, TxOptions.none().beginMode(BeginMode.DEFERRED)),
        BEGIN_WITH_A_LOCK_TIMEOUT(Bed.Server.SQLITE, TxOptions.none().lockTimeout(Duration.ofMinutes(5))),
        BEGIN_WITH_A_WHOLE_TIMEOUT(Bed.Server.SQLITE, TxOptions.none().wholeTimeout(Duration.ofMinutes(5))),
        ROW(Bed.Server.POSTGRES, TxOptions.none()),
        ROW_WITH_A_LOCK_TIMEOUT(Bed.Server.POSTGRES, TxOptions.none().lockTimeout(Duration.ofMinutes(5))),
    }

    @ParameterizedTest
    @EnumSource
    fun `a wait for a lock ends when its job is cancelled`(wait: Wait) = endsWithinASecond(wait, timeout = false)

    @ParameterizedTest
    @EnumSource
    fun `a wait for a lock ends when a timeout passes`(wait: Wait) = endsWithinASecond(wait, timeout = true)

    private fun endsWithinASecond(
        wait: Wait,
        timeout: Boolean,
    ) = on(wait.server) { bed ->
        bed.db.execute { it.insert(7) }
        val session = bed.session()
        bed.open().use { holder ->
            holder.createStatement().use {
                it.execute(
                    if (bed.server ==
                        Bed.Server.SQLITE
                    ) {
                        "BEGIN IMMEDIATE"
                    } else {
                        "BEGIN"
                    },
                )
            }
            holder.update()
            val seen = CompletableDeferred<CancelSeen>()
            val ended = AtomicReference<ComparableTimeMark?>()
            val thrown = AtomicReference<Throwable?>()
            val caller =
                launch(Dispatchers.Default) {
                    try {
                        withTimeout(if (timeout) 3.seconds else 600.seconds) {
                            bed.db.suspendTransact(wait.options) { tx ->
                                seen.complete(CancelSeen(this))
                                try {
                                    tx.connection().update()
                                } finally {
                                    ended.set(TimeSource.Monotonic.markNow())
                                }
                            }
                        }
                    } catch (e: Throwable) {
                        thrown.set(e)
                        if (timeout) return@launch
                        throw e
                    }
                }
            val cancelled = seen.await()
            await("the statement waits") { bed.waitsForALock() }
            if (!timeout) {
                caller.cancel()
            }
            caller.join()
            assertThat(ended.get()!! - cancelled.at).isLessThan(1.seconds)
            assertThat(thrown.get())
                .isInstanceOf(
                    if (timeout) TimeoutCancellationException::class.java else CancellationException::class.java,
                )
            assertThat(bed.waitsForALock()).isFalse()
            assertThat(bed.session()).describedAs("settings of the session").isEqualTo(session)
            holder.createStatement().use { it.execute("ROLLBACK") }
        }
        isAsGoodAsNew(bed)
        assertThat(bed.ids()).contains(7)
    }

    @ParameterizedTest
    @EnumSource(names = ["BEGIN_IMMEDIATE", "ROW"])
    fun `a wait goes on when the children of its coroutine are cancelled, and not the coroutine`(wait: Wait) =
        on(wait.server) { bed ->
            bed.db.execute { it.insert(7) }
            bed.open().use { holder ->
                holder.createStatement().use {
                    it.execute(if (wait.server == Bed.Server.SQLITE) "BEGIN IMMEDIATE" else "BEGIN")
                }
                holder.update()
                val body = CompletableDeferred<Job>()
                val caller =
                    async(Dispatchers.Default) {
                        bed.db.suspendTransact(wait.options) { tx ->
                            body.complete(coroutineContext.job)
                            tx.connection().update()
                        }
                    }
                await("the statement waits") { bed.waitsForALock() }
                body.await().cancelChildren()
                holder.createStatement().use { it.execute("ROLLBACK") }
                caller.await()
            }
            assertThat(bed.beside.strings("SELECT n FROM item")).containsExactly("1")
        }

    /** Without a write-ahead log COMMIT waits for those who read. It was refused by then, and is not sent again. */
    @ParameterizedTest
    @ValueSource(booleans = [false, true])
    fun `a COMMIT that waits for a lock is withdrawn when its job is cancelled`(lockTimeout: Boolean) {
        val place = Bed.Server.SQLITE.place()
        val options = if (lockTimeout) TxOptions.none().lockTimeout(Duration.ofMinutes(5)) else TxOptions.none()
        place.open().use { reader ->
            reader.createStatement().use {
                it.execute(
                    "CREATE TABLE item (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)",
                )
            }
            HikariDataSource(HikariConfig().apply { jdbcUrl = "${place.url}?busy_timeout=40000" }).use { pool ->
                val db = Holdfast.builder(pool).build()
                reader.createStatement().use { it.execute("BEGIN") }
                assertThat(reader.ids()).isEmpty()
                val thrown = AtomicReference<Throwable?>()
                val outcome = AtomicReference<Outcome?>()
                runBlocking {
                    val caller =
                        launch(Dispatchers.Default) {
                            try {
                                db.suspendTransact(options) { tx ->
                                    tx.onCompletion { outcome.set(it) }
                                    tx.insert(7)
                                }
                            } catch (e: Throwable) {
                                thrown.set(e)
                                throw e
                            }
                        }
                    await("COMMIT waits") { SqliteWaits.count() > 0 }
                    val cancelled = TimeSource.Monotonic.markNow()
                    caller.cancel()
                    caller.join()
                    assertThat(cancelled.elapsedNow()).isLessThan(1.seconds)
                }
                assertThat(thrown.get()).isInstanceOf(CancellationException::class.java)
                assertThat(outcome.get()).isInstanceOf(Outcome.RolledBack::class.java)
                reader.createStatement().use { it.execute("COMMIT") }
                db.execute { it.insert(8) }
                assertThat(reader.ids()).containsExactly(8)
                assertThat(pool.connection.use { it.strings("PRAGMA busy_timeout") }).containsExactly("40000")
            }
        }
    }

    private fun Connection.update() {
        createStatement().use { it.executeUpdate("UPDATE item SET n = n + 1 WHERE id = 7") }
    }

    private fun Bed.session(): List<String> =
        pool.connection.use {
            it.strings(
                if (server ==
                    Bed.Server.SQLITE
                ) {
                    "PRAGMA busy_timeout"
                } else {
                    "SELECT current_setting('lock_timeout')"
                },
            )
        }

    /** In the driver's stead, or in the server. */
    private fun Bed.waitsForALock(): Boolean =
        if (server == Bed.Server.SQLITE) {
            SqliteWaits.count() > 0
        } else {
            waiting("wait_event_type = 'Lock'") > 0
        }
}
