package dev.holdfast.tx.kotlin

import com.zaxxer.hikari.HikariConfig
import com.zaxxer.hikari.HikariDataSource
import dev.holdfast.tx.FailureKind
import dev.holdfast.tx.Isolation
import dev.holdfast.tx.Outcome
import dev.holdfast.tx.RetryPolicy
import dev.holdfast.tx.Transactor
import dev.holdfast.tx.Tx
import dev.holdfast.tx.engine.Holdfast
import dev.holdfast.tx.spi.DriverPort
import dev.holdfast.tx.spi.DriverState
import dev.holdfast.tx.spi.Identity.Autocommit
import dev.holdfast.tx.testkit.fault.JdbcCall
import dev.holdfast.tx.testkit.fault.Lent
import dev.holdfast.tx.testkit.fault.ScriptedDataSource
import dev.holdfast.tx.testkit.fault.SessionSnapshot
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield
import org.assertj.core.api.Assertions.assertThat
import org.assertj.core.api.SoftAssertions
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.Arguments
import org.junit.jupiter.params.provider.Arguments.arguments
import org.junit.jupiter.params.provider.MethodSource
import org.postgresql.core.BaseConnection
import java.nio.file.Files
import java.nio.file.Path
import java.sql.Connection
import java.sql.SQLException
import java.time.Duration
import javax.sql.DataSource
import kotlin.time.Duration.Companion.seconds

/** A caller is cancelled at each call of the driver, before and after it, and at each suspension, one run for each. */
class CancelAnywhereTest {
    /** What is run; a replica beside the primary will be one more. */
    enum class Scenario(
        val run: suspend Account.(Transactor) -> Unit,
    ) {
        PLAIN({ db ->
            db.suspendTransact { tx ->
                bodyOf(tx)
                tx.insert(1)
                yield()
                launch { tx.insert(2) }
                yield()
                tx.ids()
            }
        }),
        NESTED({ db ->
            db.suspendTransact { tx ->
                bodyOf(tx)
                tx.insert(1)
                tx.suspendNested { inner ->
                    inner.insert(2)
                    yield()
                    try {
                        inner.suspendNested { undone ->
                            undone.insert(3)
                            yield()
                            throw Undo()
                        }
                    } catch (_: Undo) {
                        yield()
                    }
                }
                coroutineScope { launch { tx.suspendNested { it.insert(4) } } }
            }
        }),
        RETRY({ db ->
            val again =
                RetryPolicy
                    .attempts(
                        3,
                    ).on(FailureKind.UNIQUE)
                    .backoff(Duration.ofMillis(1), Duration.ofMillis(1))
            db.suspendTransact(retry = again, wholeTimeout = 60.seconds) { tx ->
                bodyOf(tx)
                tx.insert(1)
                yield()
                failing { tx.insert(if (attempts == 1) 1 else 2) }
            }
        }),
        HOOKS({ db ->
            db.suspendTransact { tx ->
                bodyOf(tx)
                tx.onBeforeCommit {
                    yield()
                    tx.insert(2)
                    yield()
                }
                tx.beforeCommit { tx.insert(3) }
                tx.onCommit {
                    yield()
                    db.suspendTransact { it.insert(AFTER_COMMIT) }
                }
                tx.onRollback {
                    yield()
                    db.suspendTransact { it.insert(AFTER_ROLLBACK) }
                }
                tx.insert(1)
            }
        }),
        OPTIONS({ db ->
            val limits = txOptions(lockTimeout = 5.seconds, statementTimeout = 20.seconds)
            val more =
                if (server ==
                    Bed.Server.POSTGRES
                ) {
                    txOptions(isolation = Isolation.SERIALIZABLE, verifiable = true)
                } else {
                    txOptions()
                }
            db.suspendTransact(limits + more) { tx ->
                bodyOf(tx)
                tx.insert(1)
                yield()
                tx.insert(2)
            }
        }),
        BLOCKING({ db ->
            db.suspendTransact { tx ->
                bodyOf(tx)
                db.execute { it.insert(1) }
                yield()
                tx.nested { inner -> inner.insert(2) }
                db.suspendWithin(tx) { db.execute { it.insert(3) } }
            }
        }),
        UNMANAGED({ db ->
            val open = db.suspendBegin()
            try {
                open.within { tx ->
                    bodyOf(tx)
                    tx.insert(1)
                    yield()
                    tx.insert(2)
                }
                open.commit()
                over = true // what comes then does not look whether it is cancelled
            } finally {
                open.close()
            }
        }),
    }

    /** A body that gives up, and has its savepoint undone. */
    class Undo : RuntimeException()

    /** The cancelling of these tests, to be told from any other. */
    class Stopped : CancellationException("stopped by the test")

    /** What a run did. */
    class Account(
        val server: Bed.Server,
        private val stops: Stops,
    ) {
        var attempts = 0
        var attemptsWhenStopped = -1
        var started = false
        var over = false
        var overWhenStopped = false
        var thrown: Throwable? = null

        /** What a body has thrown before it was cancelled. */
        private var failure: Throwable? = null
        private var failureWhenStopped: Throwable? = null

        /** How many stops there had been when the hooks after the end began. */
        var ended = Int.MAX_VALUE
        val hooks = mutableListOf<String>()

        fun bodyOf(tx: Tx) {
            attempts++
            tx.onCommit {
                hooks += "commit"
                ended = stops.names().size
            }
            tx.onRollback {
                hooks += "rollback"
                ended = stops.names().size
            }
            tx.onCompletion { hooks += if (it is Outcome.Committed) "completed committed" else "completed rolled back" }
        }

        fun failing(work: () -> Unit) {
            try {
                work()
            } catch (e: SQLException) {
                failure = e
                throw e
            }
        }

        fun isOwnFailure(caught: Throwable?) = caught != null && caught === failureWhenStopped

        fun stopped() {
            failureWhenStopped = failure
            attemptsWhenStopped = attempts
            overWhenStopped = over
        }
    }

    /** Where connections come from. */
    enum class Pool {
        /** One connection, for which a place is waited for. */
        HIKARI,

        /** Of a size that is not known; it resets nothing, and looks at what it is given back. */
        STRICT,
    }

    private class World(
        val server: Bed.Server,
        pool: Pool,
    ) : AutoCloseable {
        val stops = Stops()
        private val place = server.place()
        private val port = if (server == Bed.Server.SQLITE) DriverPort(::sqliteState) else DriverPort(::postgresState)
        private val beside: Connection
        private val scripted: ScriptedDataSource?
        private val hikari: HikariDataSource?
        val db: Transactor
        private val clean: SessionSnapshot?

        init {
            beside = place.open("busy_timeout" to "0")
            execute("DROP TABLE IF EXISTS item", "CREATE TABLE item (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)")
            val sessions = place.dataSource()
            val source: DataSource
            if (pool == Pool.HIKARI) {
                scripted = null
                source =
                    HikariDataSource(
                        HikariConfig().apply {
                            dataSource = stops.on(sessions)
                            maximumPoolSize = 1
                            minimumIdle = 0
                            connectionTimeout = 20_000
                        },
                    )
                hikari = source
            } else {
                hikari = null
                scripted = ScriptedDataSource(sessions, Autocommit.ON, port, queries())
                source = stops.on(scripted)
            }
            db = Holdfast.builder(source).build()
            db.execute { it.insert(0) }
            clean = hikari?.connection?.use(::snapshot)
        }

        private fun snapshot(connection: Connection) =
            SessionSnapshot.of(connection.unwrap(Connection::class.java), port, queries())

        private fun queries() =
            when (server) {
                Bed.Server.SQLITE -> {
                    listOf("PRAGMA busy_timeout", "PRAGMA query_only", "PRAGMA foreign_keys")
                }

                Bed.Server.POSTGRES -> {
                    listOf(
                        "SELECT current_setting('statement_timeout'), current_setting('lock_timeout')",
                        "SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')",
                        "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype IN ('transactionid', 'advisory', 'tuple')",
                    )
                }
            }

        fun execute(vararg sql: String) =
            beside.createStatement().use { statement -> sql.forEach { statement.execute(it) } }

        fun begin(
            chosen: Int,
            action: () -> Unit,
        ) {
            execute("DELETE FROM item")
            scripted?.play(null)
            stops.start(chosen, action)
        }

        fun ids() = beside.ids()

        /** What is not as it should be when a run is over; how the connections ended is told by [fates]. */
        fun complaints(): List<String> {
            val found = mutableListOf<String>()
            when (server) {
                // at once, or it would be told that the database is locked
                Bed.Server.SQLITE -> {
                    runCatching { execute("UPDATE item SET n = n + 1") }.onFailure {
                        found +=
                            "a write beside it: $it"
                    }
                }

                Bed.Server.POSTGRES -> {
                    found += leftOnServer()
                }
            }
            awaitLate()
            hikari?.let { pool ->
                if (pool.hikariPoolMXBean.activeConnections != 0) found += "a connection is missing"
                pool.connection.use { clean!!.differencesTo(snapshot(it)) }.forEach {
                    found +=
                        "a session is not clean: $it"
                }
            }
            scripted?.ledger()?.forEach { lent ->
                if (lent.fate() == Lent.Fate.OUT) found += "$lent is missing"
                found += lent.complaints()
            }
            runCatching { db.execute { it.insert(FURTHER) } }.onFailure { found += "a further transaction: $it" }
            if (FURTHER !in ids()) found += "a further transaction is lost"
            return found
        }

        /** A connection that came when its caller had gone is given back by the thread that waited for it. */
        private fun awaitLate() {
            val end = System.nanoTime() + 5.seconds.inWholeNanoseconds
            while (isOut() && System.nanoTime() < end) Thread.onSpinWait()
        }

        private fun isOut() =
            scripted?.ledger()?.any { it.fate() == Lent.Fate.OUT } ?: (hikari!!.hikariPoolMXBean.activeConnections != 0)

        fun fates(): String =
            scripted
                ?.ledger()
                ?.dropLast(1) // the one that came to look
                ?.joinToString {
                    if (it.fate() ==
                        Lent.Fate.RETURNED
                    ) {
                        "back"
                    } else {
                        "thrown away"
                    }
                }.orEmpty()

        /** Sessions of it that do something or hold something; one that was thrown away may take a while to end. */
        private fun leftOnServer(): List<String> {
            val end = System.nanoTime() + 5.seconds.inWholeNanoseconds
            var left: List<String>
            do {
                left =
                    beside.strings(
                        """SELECT concat(pid, ' is ', state, ' after ', query) FROM pg_stat_activity
                       WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
                         AND (state <> 'idle' OR pid IN (SELECT pid FROM pg_locks))""",
                    )
            } while (left.isNotEmpty() && System.nanoTime() < end)
            return left
        }

        override fun close() {
            hikari?.close()
            scripted?.close()
            beside.close()
        }
    }

    /** How one run ended, and what is wrong with that; there is none where the stop was not reached. */
    private class Verdict(
        val stop: String,
        val told: String,
        val wrong: List<String>,
    )

    private fun World.run(
        scenario: Scenario,
        chosen: Int,
        dispatchers: Triple<StoppingDispatcher, StoppingDispatcher, CoroutineDispatcher>,
    ): Verdict? {
        val account = Account(server, stops)
        val scope = CoroutineScope(SupervisorJob())
        val caller =
            scope.launch(dispatchers.first + JdbcDispatcher(dispatchers.second), CoroutineStart.LAZY) {
                account.started = true
                try {
                    scenario.run(account, db)
                } catch (e: Throwable) {
                    account.thrown = e
                }
                account.over = true
            }
        begin(chosen) {
            account.stopped()
            caller.cancel(Stopped())
        }
        runBlocking {
            withTimeout(30.seconds) { caller.join() }
            withContext(dispatchers.third) {} // what the thread still does
        }
        val names = stops.names()
        val calls = stops.calls()
        stops.start(0) {}
        val wrong = mutableListOf<String>()
        val commit = calls.commit(account.ended)
        val committed = commit != Int.MAX_VALUE
        val main = ids().filter { it < AFTER_COMMIT }
        val others = ids().filter { it >= AFTER_COMMIT }
        if (chosen == 0) {
            if (account.thrown != null || !committed) wrong += "without a cancel: ${account.thrown}"
            return Verdict(names.joinToString("\n"), "" + names.size, wrong)
        }
        if (names.size < chosen) {
            return null
        }
        val early = chosen < commit && !account.overWhenStopped
        if (early && committed) wrong += "COMMIT was sent after the cancel: ${calls.map { it.text() }}"
        if (committed != main.isNotEmpty()) wrong += "rows $main, and COMMIT was ${if (committed) "" else "not "}sent"
        wrong += account.wrongHooks(committed, scenario)
        wrong += account.wrongEnd(chosen > 0)
        if (scenario == Scenario.HOOKS && account.attempts > 0) {
            val expected = if (committed) AFTER_COMMIT else AFTER_ROLLBACK
            if (others != listOf(expected)) wrong += "hooks have written $others"
        }
        val late =
            calls.filter {
                it.number() > chosen && early && "INSERT" in it.text() &&
                    it.text().startsWith("execute")
            }
        if (late.size > (if (scenario == Scenario.HOOKS) 1 else 0)) wrong += "sent after the cancel: $late"
        val found = complaints()
        val fates = fates()
        wrong += found
        val end =
            when {
                account.overWhenStopped -> "was over"
                committed -> "committed"
                else -> "rolled back"
            }
        return Verdict(
            names.getOrElse(chosen - 1) { "?" },
            "$end${if (fates.isEmpty()) "" else ", connection $fates"}",
            wrong,
        )
    }

    private fun List<JdbcCall>.commit(ended: Int): Int =
        firstOrNull { it.isCommit && it.number() <= ended }?.number() ?: Int.MAX_VALUE

    private fun Account.wrongHooks(
        committed: Boolean,
        scenario: Scenario,
    ): List<String> {
        val undone = listOf("rollback", "completed rolled back")
        val done = listOf("commit", "completed committed")
        val last = if (committed) done else undone
        val expected = List(attempts) { if (it == attempts - 1) last else undone }.flatten()
        return if (hooks == expected) emptyList() else listOf("$scenario fired $hooks, not $expected")
    }

    private fun Account.wrongEnd(cancelled: Boolean): List<String> {
        val wrong = mutableListOf<String>()
        val caught = thrown
        if (overWhenStopped) {
            if (caught != null) wrong += "was over, and has thrown $caught"
        } else if (cancelled && started && !isOwnFailure(caught) &&
            !(caught is CancellationException && caught.message == Stopped().message)
        ) {
            wrong += "the caller got " + caught?.stackTraceToString()
        }
        if (attempts > attemptsWhenStopped) wrong += "was run again after the cancel"
        return wrong
    }

    @ParameterizedTest
    @MethodSource("runs")
    fun `whoever is cancelled loses nothing and keeps nothing, wherever it is`(
        server: Bed.Server,
        pool: Pool,
        scenario: Scenario,
    ) {
        World(server, pool).use { world ->
            val thread = StoppingDispatcher.thread()
            val dispatchers =
                Triple(
                    StoppingDispatcher("caller", world.stops, thread),
                    StoppingDispatcher("scope", world.stops, thread),
                    thread.asCoroutineDispatcher(),
                )
            val without = world.run(scenario, 0, dispatchers)!!
            assertThat(without.wrong).isEmpty()
            val stops = without.told.toInt()
            assertThat(stops).describedAs(without.stop).isGreaterThan(20)
            // whether the timer of a limit comes before or after its coroutine suspends makes a stop more or less
            val verdicts =
                (1..stops).mapNotNull { stop ->
                    (1..TRIES).firstNotNullOfOrNull { world.run(scenario, stop, dispatchers) }
                        ?: NOT_REACHED.takeIf { stop < stops }
                }
            Table.add("$server $pool $scenario", verdicts.map { it.stop to it.told })
            val softly = SoftAssertions()
            verdicts.forEachIndexed { i, verdict ->
                softly.assertThat(verdict.wrong).describedAs("%s", "stop ${i + 1} of $stops: ${verdict.stop}").isEmpty()
            }
            softly.assertAll()
        }
    }

    /** What came of the stops, for people to read. */
    private object Table {
        private val file = Path.of("target", "cancel-anywhere.txt")

        @Synchronized
        fun add(
            title: String,
            rows: List<Pair<String, String>>,
        ) {
            Files.createDirectories(file.parent)
            val text = StringBuilder("$title: ${rows.size} stops\n")
            var first = 0
            for (i in rows.indices) {
                if (i + 1 == rows.size || rows[i + 1].second != rows[first].second) {
                    text.append(
                        "  ${first + 1} to ${i + 1}, ${rows[first].first} .. ${rows[i].first}: ${rows[i].second}\n",
                    )
                    first = i + 1
                }
            }
            val before =
                if (Files.exists(
                        file,
                    )
                ) {
                    Files.readString(file).replace(Regex("(?m)^${Regex.escape(title)}:.*\n(  .*\n)*"), "")
                } else {
                    ""
                }
            Files.writeString(file, before + text)
        }
    }

    companion object {
        const val AFTER_COMMIT = 100
        const val AFTER_ROLLBACK = 101
        const val FURTHER = 900
        const val TRIES = 10
        private val NOT_REACHED = Verdict("?", "was not reached", listOf("the stop was not reached"))

        @JvmStatic
        fun runs(): List<Arguments> =
            Bed.Server.entries.flatMap { server ->
                Pool.entries.flatMap { pool -> Scenario.entries.map { arguments(server, pool, it) } }
            }

        private fun postgresState(connection: Connection): DriverState =
            DriverState.valueOf(connection.unwrap(BaseConnection::class.java).transactionState.name)

        /** A session with a transaction refuses to begin one. */
        private fun sqliteState(connection: Connection): DriverState =
            connection.createStatement().use { statement ->
                try {
                    statement.execute("BEGIN")
                    statement.execute("ROLLBACK")
                    DriverState.IDLE
                } catch (_: SQLException) {
                    DriverState.OPEN
                }
            }
    }
}

fun Connection.strings(sql: String): List<String> =
    createStatement().use { statement ->
        statement.executeQuery(sql).use { rows ->
            generateSequence { if (rows.next()) rows.getString(1) else null }.toList()
        }
    }
