package dev.holdfast.samples.ktor

import dev.holdfast.tx.engine.Holdfast
import dev.holdfast.tx.testkit.Untested
import dev.holdfast.tx.testkit.server.ServerUrl
import dev.holdfast.tx.testkit.server.TestServer
import io.ktor.server.cio.CIO
import io.ktor.server.engine.embeddedServer
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.future.await
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.assertj.core.api.Assertions.assertThat
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assumptions.abort
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import java.net.Socket
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpRequest.BodyPublishers
import java.net.http.HttpResponse
import java.net.http.HttpResponse.BodyHandlers
import java.nio.file.Files
import java.nio.file.Path
import java.sql.DriverManager
import java.util.concurrent.ConcurrentLinkedQueue
import kotlin.random.Random
import kotlin.time.Duration.Companion.seconds

class BankServiceOnSqliteTest : BankServiceContract("jdbc:sqlite:" + newFile())

class BankServiceOnPostgresTest : BankServiceContract(newSchema(TestServer.postgres(18).find()))

/** Where statements that make tables commit. */
class BankServiceOnMysqlTest : BankServiceContract(withoutTables(TestServer.mysql("8.0")))

private fun newFile(): Path {
    val folder = Files.createDirectories(Path.of(System.getProperty("basedir", ""), "target", "databases"))
    return Files.createTempDirectory(folder, "bank").resolve("bank.db")
}

private fun newSchema(server: ServerUrl): String {
    DriverManager.getConnection(server.url(), server.user(), server.password()).use { connection ->
        connection.createStatement().use {
            it.execute("DROP SCHEMA IF EXISTS bank_service CASCADE; CREATE SCHEMA bank_service")
        }
    }
    return "${withUser(server)}&currentSchema=bank_service"
}

private fun withoutTables(server: TestServer): String {
    val found =
        try {
            server.find()
        } catch (e: Untested) {
            abort(e.toString())
        }
    DriverManager.getConnection(found.url(), found.user(), found.password()).use { connection ->
        connection.createStatement().use { it.execute("DROP TABLE IF EXISTS account") }
    }
    return withUser(found)
}

private fun withUser(server: ServerUrl): String {
    val more = if ("?" in server.url()) "&" else "?"
    return "${server.url()}${more}user=${server.user()}&password=${server.password()}"
}

/** The service, by real requests. */
abstract class BankServiceContract(
    url: String,
) {
    private class TestClerks : Clerks {
        val told = ConcurrentLinkedQueue<Int>()

        @Volatile
        var reviewing: suspend (Int) -> Unit = {}

        override suspend fun review(
            amount: Long,
            to: Int,
        ) = reviewing(to)

        override suspend fun tell(customer: Int) {
            told += customer
        }
    }

    private val clerks = TestClerks()
    private val db = Holdfast.connect(url)
    private val bank = Bank(db, clerks)
    private val server = embeddedServer(CIO, port = 0) { bankService(bank) }
    private val client = HttpClient.newHttpClient()
    private val port by lazy {
        runBlocking {
            server.engine
                .resolvedConnectors()
                .single()
                .port
        }
    }

    @BeforeEach
    fun start() {
        runBlocking { bank.open(ACCOUNTS, 100) }
        server.start()
    }

    @AfterEach
    fun stop() {
        server.stop(0, 0)
        bank.close()
        db.close()
    }

    private fun test(body: suspend () -> Unit) = runBlocking { withTimeout(60.seconds) { body() } }

    private fun request(path: String) = HttpRequest.newBuilder(URI("http://localhost:$port$path"))

    private fun form(
        amount: Int,
        from: Int,
        to: Int,
    ) = "amount=$amount&from=$from&to=$to"

    private suspend fun transfer(
        amount: Int,
        from: Int,
        to: Int,
    ): HttpResponse<String> =
        client
            .sendAsync(
                request("/transfers")
                    .header("Content-Type", "application/x-www-form-urlencoded")
                    .POST(BodyPublishers.ofString(form(amount, from, to)))
                    .build(),
                BodyHandlers.ofString(),
            ).await()

    private suspend fun accounts(): String =
        client.sendAsync(request("/accounts").build(), BodyHandlers.ofString()).await().body()

    private fun json(balances: List<Int>) =
        balances.withIndex().joinToString(",", "{", "}") { (i, balance) -> "\"${i + 1}\":$balance" }

    @Test
    fun `a transfer is made, and told once it is committed`() =
        test {
            assertThat(transfer(60, 1, 2).statusCode()).isEqualTo(204)
            assertThat(accounts()).isEqualTo(json(listOf(40, 160, 100, 100)))
            assertThat(clerks.told).containsExactly(2)
        }

    @Test
    fun `a transfer that fails moves nothing, and nobody is told`() =
        test {
            val refused = transfer(101, 1, 2) // found out when account 2 has got it
            assertThat(refused.statusCode()).isEqualTo(409)
            assertThat(refused.body()).isEqualTo("There is no 101 on account 1")
            assertThat(transfer(1, 1, 99).statusCode()).isEqualTo(409)
            assertThat(transfer(-1, 1, 2).statusCode()).isEqualTo(400)
            assertThat(accounts()).isEqualTo(json(listOf(100, 100, 100, 100)))
            assertThat(clerks.told).isEmpty()
        }

    @Test
    fun `a review that fails moves nothing`() =
        test {
            clerks.reviewing = { throw Refused("Account $it is closed") }
            assertThat(transfer(1, 1, 2).body()).isEqualTo("Account 2 is closed")
            assertThat(accounts()).isEqualTo(json(listOf(100, 100, 100, 100)))
        }

    @Test
    fun `transfers side by side lose no money`() =
        test {
            val random = Random(5)
            val wanted =
                List(60) {
                    val (from, to) = (1..ACCOUNTS).shuffled(random)
                    Triple(random.nextInt(1, 40), from, to)
                }
            val answers =
                runBlocking {
                    wanted
                        .map { (amount, from, to) ->
                            async { transfer(amount, from, to) }
                        }.awaitAll()
                }

            val expected = MutableList(ACCOUNTS) { 100 }
            for ((transfer, answer) in wanted.zip(answers)) {
                if (answer.statusCode() == 204) {
                    val (amount, from, to) = transfer
                    expected[from - 1] -= amount
                    expected[to - 1] += amount
                }
            }
            assertThat(answers.map { it.statusCode() }).contains(204).isSubsetOf(204, 409, 503)
            assertThat(accounts()).isEqualTo(json(expected))
            assertThat(clerks.told).hasSize(answers.count { it.statusCode() == 204 })
        }

    @Test
    fun `a client that goes away has its transfer rolled back`() =
        test {
            val reviewing = CompletableDeferred<Unit>()
            val cancelled = CompletableDeferred<Throwable>()
            clerks.reviewing = {
                reviewing.complete(Unit)
                try {
                    awaitCancellation()
                } catch (e: CancellationException) {
                    cancelled.complete(e)
                    throw e
                }
            }
            Socket("localhost", port).use { socket ->
                val body = form(60, 1, 2)
                socket.getOutputStream().write(
                    (
                        "POST /transfers HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n" +
                            "Content-Type: application/x-www-form-urlencoded\r\n\r\n$body"
                    ).toByteArray(),
                )
                reviewing.await()
            }
            cancelled.await()

            clerks.reviewing = {}
            assertThat(transfer(1, 3, 4).statusCode()).isEqualTo(204) // waits for the writer before it, on SQLite
            assertThat(accounts()).isEqualTo(json(listOf(100, 100, 99, 101)))
            assertThat(clerks.told).containsExactly(4)
        }

    private companion object {
        const val ACCOUNTS = 4
    }
}
