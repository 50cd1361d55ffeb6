package dev.holdfast.tx.kotlin

import dev.holdfast.tx.kotlin.CancelWorld.Account
import dev.holdfast.tx.kotlin.CancelWorld.Companion.AFTER_COMMIT
import dev.holdfast.tx.kotlin.CancelWorld.Companion.AFTER_ROLLBACK
import dev.holdfast.tx.kotlin.CancelWorld.Pool
import dev.holdfast.tx.kotlin.CancelWorld.Scenario
import dev.holdfast.tx.kotlin.CancelWorld.Stopped
import dev.holdfast.tx.testkit.fault.JdbcCall
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import org.assertj.core.api.Assertions.assertThat
import org.assertj.core.api.SoftAssertions
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.Arguments
import org.junit.jupiter.params.provider.Arguments.arguments
import org.junit.jupiter.params.provider.MethodSource
import java.nio.file.Files
import java.nio.file.Path
import kotlin.time.Duration.Companion.seconds

/** A caller is cancelled at each call of the driver, before and after it, and at each suspension, one run for each. */
class CancelAnywhereTest {
    /** How one run ended, and what is wrong with that. */
    private class Verdict(
        val stop: String,
        val told: String,
        val wrong: List<String>,
    )

    private fun CancelWorld.run(
        scenario: Scenario,
        chosen: Int,
        dispatchers: Triple<StoppingDispatcher, StoppingDispatcher, CoroutineDispatcher>,
    ): Verdict {
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
            return Verdict("?", "was not reached", listOf("the stop was not reached: there were ${names.size}"))
        }
        val early = chosen < commit && !account.overWhenStopped
        if (early && committed) wrong += "COMMIT was sent after the cancel: ${calls.map { it.text() }}"
        if (scenario.writes &&
            committed != main.isNotEmpty()
        ) {
            wrong += "rows $main, and COMMIT was ${if (committed) "" else "not "}sent"
        }
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
        CancelWorld(server, pool, scenario).use { world ->
            val thread = StoppingDispatcher.thread()
            val dispatchers =
                Triple(
                    StoppingDispatcher("caller", world.stops, thread),
                    StoppingDispatcher("scope", world.stops, thread),
                    thread.asCoroutineDispatcher(),
                )
            val without = world.run(scenario, 0, dispatchers)
            assertThat(without.wrong).isEmpty()
            val stops = without.told.toInt()
            assertThat(stops).describedAs(without.stop).isGreaterThan(20)
            val verdicts = (1..stops).map { world.run(scenario, it, dispatchers) }
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
        @JvmStatic
        fun runs(): List<Arguments> =
            Scenario.entries.flatMap { scenario ->
                scenario.servers.flatMap { server -> Pool.entries.map { arguments(server, it, scenario) } }
            }
    }
}
