package dev.holdfast.samples.ktor

import dev.holdfast.tx.engine.Holdfast
import io.ktor.http.ContentType
import io.ktor.http.HttpStatusCode
import io.ktor.server.application.Application
import io.ktor.server.application.install
import io.ktor.server.cio.CIO
import io.ktor.server.engine.embeddedServer
import io.ktor.server.http.HttpRequestLifecycle
import io.ktor.server.request.receiveParameters
import io.ktor.server.response.respond
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.routing
import kotlinx.coroutines.runBlocking
import java.nio.file.Files
import java.sql.SQLException

/** The bank by HTTP. What a client does not wait for any more is cancelled, and with it the transaction. */
fun Application.bankService(bank: Bank) {
    install(HttpRequestLifecycle) { cancelCallOnClose = true }
    routing {
        get("/accounts") {
            val members = bank.balances().entries.joinToString(",") { (account, balance) -> "\"$account\":$balance" }
            call.respondText("{$members}", ContentType.Application.Json)
        }
        post("/transfers") {
            val form = call.receiveParameters()
            val (amount, from, to) = listOf("amount", "from", "to").map { form[it]?.toIntOrNull() }
            if (amount == null || from == null || to == null || amount <= 0) {
                call.respond(HttpStatusCode.BadRequest)
                return@post
            }
            try {
                bank.transfer(amount.toLong(), from, to)
                call.respond(HttpStatusCode.NoContent)
            } catch (e: Refused) {
                call.respond(HttpStatusCode.Conflict, e.message.orEmpty())
            } catch (e: SQLException) {
                if (!bank.isOfTheMoment(e)) throw e
                call.respond(HttpStatusCode.ServiceUnavailable) // five attempts were not enough
            }
        }
    }
}

/** Serves a bank on port 8080: in SQLite, or in the database that `-Durl=jdbc:…` names. */
fun main() {
    val url = System.getProperty("url").orEmpty().ifEmpty { "jdbc:sqlite:" + Files.createTempFile("bank", ".db") }
    Holdfast.connect(url).use { db ->
        Bank(db, object : Clerks {}).use { bank ->
            runBlocking { bank.open(accounts = 10, balance = 1_000) }
            embeddedServer(CIO, port = 8080) { bankService(bank) }.start(wait = true)
        }
    }
}
