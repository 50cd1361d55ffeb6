package dev.holdfast.tx.kotlin

import com.zaxxer.hikari.HikariConfig
import com.zaxxer.hikari.HikariDataSource
import dev.holdfast.tx.Outcome
import dev.holdfast.tx.Propagation
import dev.holdfast.tx.Reads
import dev.holdfast.tx.ReplicaPolicy
import dev.holdfast.tx.RetryPolicy
import dev.holdfast.tx.Transactor
import dev.holdfast.tx.Tx
import dev.holdfast.tx.TxEvent
import dev.holdfast.tx.TxOptions
import dev.holdfast.tx.engine.Holdfast
import dev.holdfast.tx.testkit.fault.CountingProxy
import dev.holdfast.tx.testkit.server.ReplicatedServer
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.assertj.core.api.Assertions.assertThat
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import java.net.URI
import java.time.Duration
import java.util.concurrent.CopyOnWriteArrayList

/** Coroutines that read from a standby. */
class ReplicasTest {
    private val server = ReplicatedServer.postgres(18)
    private val table = "seen_by_coroutines_${ProcessHandle.current().pid()}"

    @BeforeEach
    fun create() {
        server.resume()
        Holdfast.connect(server.primary().url()).use { db ->
            db.execute { it.run("drop table if exists $table") }
            db.execute { it.run("create table $table (id int primary key)") }
        }
    }

    @AfterEach
    fun drop() {
        server.resume()
        Holdfast.connect(server.primary().url()).use { db -> db.execute { it.run("drop table $table") } }
    }

    private fun db(catchUpWithin: Duration): Transactor =
        Holdfast
            .builder(server.primary().url())
            .replica(server.replica().url())
            .replicaPolicy(ReplicaPolicy.standard().catchUpWithin(catchUpWithin))
            .build()

    private fun Tx.run(sql: String) = connection().createStatement().use { it.execute(sql) }

    private fun Tx.ask(query: String): String =
        connection().createStatement().use { statement ->
            statement.executeQuery(query).use { row ->
                row.next()
                row.getString(1)
            }
        }

    private fun Tx.isOnReplica() = ask("select pg_is_in_recovery()") == "t"

    @Test
    fun `more readers than the replica has connections wait for a place there`() {
        db(BOUND).use { db ->
            runBlocking {
                withTimeout(BOUND.toMillis()) {
                    val readers =
                        List(30) {
                            async { db.suspendTransact(READ.reads(Reads.replica())) { tx -> tx.isOnReplica() } }
                        }
                    assertThat(readers.awaitAll()).hasSize(30).containsOnly(true)
                }
            }
        }
    }

    @Test
    fun `a causal read has seen the last commit, on the replica`() {
        db(BOUND).use { db ->
            runBlocking {
                for (id in 1..10) {
                    db.suspendTransact { tx -> tx.run("insert into $table values ($id)") }
                    val seen =
                        db.suspendTransact(READ) { tx -> tx.isOnReplica() to tx.ask("select count(*) from $table") }
                    assertThat(seen).isEqualTo(true to "$id")
                }
            }
        }
    }

    @Test
    fun `a caller that is cancelled waits for no replica`() {
        db(BOUND.multipliedBy(10)).use { db ->
            server.pause()
            runBlocking {
                db.suspendTransact { tx -> tx.run("insert into $table values (1)") }
                val waits = CompletableDeferred<Unit>()
                val reader =
                    launch {
                        db.suspendTransact(READ) { tx ->
                            waits.complete(Unit)
                            tx.ask("select count(*) from $table")
                        }
                    }
                withTimeout(BOUND.toMillis()) {
                    waits.await()
                    reader.cancelAndJoin()
                }
            }
            server.resume()
            assertThat(db.transact<String>(READ) { tx -> tx.ask("select count(*) from $table") }).isEqualTo("1")
        }
    }

    /** Whoever blocks a thread is, too. */
    @Test
    fun `whoever gets no place in time, or holds it, is sent elsewhere`() {
        val config =
            HikariConfig().apply {
                jdbcUrl = server.replica().url()
                maximumPoolSize = 1
                connectionTimeout = BOUND.toMillis()
            }
        val anywhere = READ.reads(Reads.replica())
        HikariDataSource(config).use { pool ->
            Holdfast
                .builder(server.primary().url())
                .replica(pool)
                .replicaPolicy(ReplicaPolicy.standard().answerWithin(Duration.ofSeconds(2)))
                .build()
                .use { db ->
                    runBlocking {
                        withTimeout(BOUND.toMillis() / 2) {
                            val held = CompletableDeferred<Unit>()
                            val leave = CompletableDeferred<Unit>()
                            val holder =
                                launch {
                                    db.suspendTransact(anywhere) { tx ->
                                        assertThat(tx.isOnReplica()).isTrue()
                                        db.suspendTransact(anywhere.propagation(Propagation.SEPARATE)) { own ->
                                            assertThat(own.isOnReplica()).isFalse()
                                        }
                                        held.complete(Unit)
                                        leave.await()
                                    }
                                }
                            held.await()
                            assertThat(db.suspendTransact(anywhere) { tx -> tx.isOnReplica() }).isFalse()
                            leave.complete(Unit)
                            holder.join()
                        }
                    }
                }
        }
    }

    /** Nothing can have been written there. */
    @Test
    fun `a read whose commit was not answered is done again where a policy says so, and is not unknown`() {
        val address = URI.create(server.replica().url().removePrefix("jdbc:"))
        CountingProxy.before(address.host, address.port).use { relay ->
            val config =
                HikariConfig().apply {
                    jdbcUrl = server.replica().url().replaceFirst(Regex(":[0-9]+/"), ":${relay.port()}/")
                    maximumPoolSize = 1
                }
            val outcomes = CopyOnWriteArrayList<Outcome>()
            HikariDataSource(config).use { pool ->
                Holdfast
                    .builder(server.primary().url())
                    .replica(pool)
                    .replicaPolicy(ReplicaPolicy.standard().probeEvery(Duration.ofDays(1)))
                    .listener { if (it is TxEvent.Ended) outcomes += it.outcome() }
                    .build()
                    .use { db ->
                        val again = READ.reads(Reads.replica()).retry(RetryPolicy.attempts(2))
                        var bodies = 0
                        runBlocking {
                            withTimeout(BOUND.toMillis()) {
                                db.suspendTransact(again) { tx ->
                                    val there = tx.isOnReplica()
                                    if (++bodies == 1) {
                                        assertThat(there).isTrue()
                                        tx.beforeCommit(relay::dropReply)
                                    }
                                }
                            }
                        }
                        assertThat(bodies).isEqualTo(2)
                        assertThat(relay.losses()).isEqualTo(1)
                        assertThat(outcomes.map { it.javaClass.simpleName })
                            .containsExactly("RolledBack", "Committed")
                    }
            }
        }
    }

    private companion object {
        val BOUND: Duration = Duration.ofSeconds(30)
        val READ: TxOptions = TxOptions.none().readOnly()
    }
}
