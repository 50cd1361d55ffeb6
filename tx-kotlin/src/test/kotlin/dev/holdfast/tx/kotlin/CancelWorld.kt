package dev.holdfast.tx.kotlin

import com.zaxxer.hikari.HikariConfig
import com.zaxxer.hikari.HikariDataSource
import dev.holdfast.tx.FailureKind
import dev.holdfast.tx.Isolation
import dev.holdfast.tx.Outcome
import dev.holdfast.tx.Reads
import dev.holdfast.tx.ReplicaPolicy
import dev.holdfast.tx.RetryPolicy
import dev.holdfast.tx.Transactor
import dev.holdfast.tx.Tx
import dev.holdfast.tx.TxOptions
import dev.holdfast.tx.engine.Holdfast
import dev.holdfast.tx.spi.DriverPort
import dev.holdfast.tx.spi.DriverState
import dev.holdfast.tx.spi.Identity.Autocommit
import dev.holdfast.tx.testkit.fault.Lent
import dev.holdfast.tx.testkit.fault.ScriptedDataSource
import dev.holdfast.tx.testkit.fault.SessionSnapshot
import dev.holdfast.tx.testkit.server.ReplicatedServer
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.yield
import org.postgresql.core.BaseConnection
import java.sql.Connection
import java.sql.SQLException
import java.time.Duration
import javax.sql.DataSource
import kotlin.time.Duration.Companion.seconds

/** What the runs of [CancelAnywhereTest] run in: a database, a pool whose driver can be stopped, and what is run there. */
class CancelWorld(
    val server: Bed.Server,
    pool: Pool,
    private val scenario: Scenario,
) : AutoCloseable {
    /** What is run. */
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

        /** A plain read on a replica: of one row each time, as nobody knows how far behind that is. */
        REPLICA({ db ->
            db.suspendTransact(READ) { tx ->
                bodyOf(tx)
                tx.count()
                yield()
                launch { tx.count() }
                yield()
                tx.count()
            }
        }),
        ;

        /** Where it can be run. */
        val servers get() = if (this == REPLICA) listOf(Bed.Server.POSTGRES) else Bed.Server.entries

        val writes get() = this != REPLICA
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

    val stops = Stops()
    private val place = server.place()

    /** What is read from, where that is another server. */
    private val replica = if (scenario == Scenario.REPLICA) ReplicatedServer.postgres(18) else null
    private val readFrom = replica?.replica()?.let { Bed.Place(it.url(), it.user(), it.password()) } ?: place
    private val port = if (server == Bed.Server.SQLITE) DriverPort(::sqliteState) else DriverPort(::postgresState)
    private val beside: Connection

    /** A session of the server whose calls are stops, beside every pool. */
    private val watching: Connection
    private val plain: HikariDataSource?
    private val scripted: ScriptedDataSource?
    private val hikari: HikariDataSource?
    val db: Transactor
    private val clean: SessionSnapshot?

    init {
        beside = place.open("busy_timeout" to "0")
        execute("DROP TABLE IF EXISTS item", "CREATE TABLE item (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)")
        replica?.resume()
        watching = if (replica == null) beside else readFrom.open()
        val sessions = readFrom.dataSource()
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
        plain =
            replica?.let {
                HikariDataSource(
                    HikariConfig().apply {
                        dataSource = place.dataSource()
                        maximumPoolSize = 2
                    },
                )
            }
        db = (if (plain == null) Holdfast.builder(source) else readingFrom(source, plain)).build()
        db.execute { it.insert(0) }
        awaitReplica()
        clean = hikari?.connection?.use(::snapshot)
    }

    /** Nobody asks it in the background, and what fails is not tried elsewhere without a word. */
    private fun readingFrom(
        source: DataSource,
        primary: DataSource,
    ) = Holdfast
        .builder(primary)
        .replica(source)
        .replicaPolicy(
            ReplicaPolicy
                .standard()
                .fallback(ReplicaPolicy.Fallback.REFUSE)
                .answerWithin(Duration.ofSeconds(20))
                .probeEvery(Duration.ofDays(1)),
        )

    private fun awaitReplica() {
        val end = System.nanoTime() + 20.seconds.inWholeNanoseconds
        while (runCatching { watching.ids() }.getOrNull() != beside.ids() &&
            System.nanoTime() < end
        ) {
            Thread.onSpinWait()
        }
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
        if (!scenario.writes) {
            runCatching { db.transact(READ) { it.ids() } }.onFailure { found += "a further read: $it" }
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
                watching.strings(
                    """SELECT concat(pid, ' is ', state, ' after ', query) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
                     AND (state <> 'idle' OR pid IN (SELECT pid FROM pg_locks))""",
                )
        } while (left.isNotEmpty() && System.nanoTime() < end)
        return left
    }

    override fun close() {
        db.close()
        hikari?.close()
        scripted?.close()
        plain?.close()
        watching.close()
        beside.close()
    }

    companion object {
        const val AFTER_COMMIT = 100
        const val AFTER_ROLLBACK = 101
        private const val FURTHER = 900
        private val READ: TxOptions = TxOptions.none().readOnly().reads(Reads.replica())

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

private fun Tx.count() = connection().strings("SELECT count(*) FROM item")

fun Connection.strings(sql: String): List<String> =
    createStatement().use { statement ->
        statement.executeQuery(sql).use { rows ->
            generateSequence { if (rows.next()) rows.getString(1) else null }.toList()
        }
    }
