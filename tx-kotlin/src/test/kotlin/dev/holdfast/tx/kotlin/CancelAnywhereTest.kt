package dev.holdfast.tx.kotlin

import dev.holdfast.tx.kotlin.CancelWorld.Account
import dev.holdfast.tx.kotlin.CancelWorld.Companion.AFTER_COMMIT
import dev.holdfast.tx.kotlin.CancelWorld.Companion.AFTER_ROLLBACK
import dev.holdfast.tx.kotlin.CancelWorld.Pool
import dev.holdfast.tx.kotlin.CancelWorld.Scenario
import dev.holdfast.tx.kotlin.CancelWorld.Stopped
import dev.holdfast.tx.kotlin.StoppingDispatcher.Companion.CALLERS_LIMIT
import dev.holdfast.tx.testkit.fault.JdbcCall
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Job
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.async
import kotlinx.coroutines.cancel
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

    /** How it comes that the caller is cancelled. */
    enum class Means {
        JOB,
        SCOPE,
        SIBLING,
        TIMEOUT,
    }

    private class Failing : RuntimeException("a sibling")

    private fun CancelWorld.run(
        scenario: Scenario,
        means: Means,
        chosen: Int,
        dispatchers: Triple<StoppingDispatcher, StoppingDispatcher, CoroutineDispatcher>,
    ): Verdict {
        val account = Account(server, stops)
        val scope = CoroutineScope(Job())
        val caller =
            scope.launch(dispatchers.first + JdbcDispatcher(dispatchers.second), CoroutineStart.LAZY) {
                account.started = true
                try {
                    if (means == Means.TIMEOUT) {
                        withTimeout(CALLERS_LIMIT) { scenario.run(account, db) }
                    } else {
                        scenario.run(account, db)
                    }
                } catch (e: Throwable) {
                    account.thrown = e
                }
                account.over = true
            }
        begin(chosen) {
            account.stopped()
            when (means) {
                Means.JOB -> caller.cancel(Stopped())

                Means.SCOPE -> scope.cancel(Stopped())

                Means.SIBLING -> scope.async(start = CoroutineStart.UNDISPATCHED) { throw Failing() }

                // at the first stop of a caller it has not begun
                Means.TIMEOUT -> if (!dispatchers.first.passLimit()) caller.cancel(Stopped())
            }
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
        wrong += account.wrongEnd(means)
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

    private fun Account.wrongEnd(means: Means): List<String> {
        val wrong = mutableListOf<String>()
        val caught = thrown
        if (overWhenStopped) {
            // a timeout around it tells what it was left with
            if (caught != null && !(means == Means.TIMEOUT && caught is TimeoutCancellationException)) {
                wrong += "was over, and has thrown $caught"
            }
        } else if (started && !isOwnFailure(caught) && !(caught is CancellationException && means.hasMade(caught))) {
            wrong += "the caller got " + caught?.stackTraceToString()
        }
        if (attempts > attemptsWhenStopped) wrong += "was run again after the cancel"
        return wrong
    }

    private fun Means.hasMade(caught: CancellationException) =
        when (this) {
            Means.JOB, Means.SCOPE -> caught.message == Stopped().message
            Means.SIBLING -> generateSequence<Throwable>(caught) { it.cause }.any { it is Failing }
            Means.TIMEOUT -> caught is TimeoutCancellationException
        }

    @ParameterizedTest
    @MethodSource("runs")
    fun `whoever is cancelled loses nothing and keeps nothing, wherever it is`(
        server: Bed.Server,
        pool: Pool,
        scenario: Scenario,
        means: Means,
    ) {
        CancelWorld(server, pool, scenario).use { world ->
            val thread = StoppingDispatcher.thread()
            val dispatchers =
                Triple(
                    StoppingDispatcher("caller", world.stops, thread),
                    StoppingDispatcher("scope", world.stops, thread),
                    thread.asCoroutineDispatcher(),
                )
            val without = world.run(scenario, means, 0, dispatchers)
            assertThat(without.wrong).isEmpty()
            val stops = without.told.toInt()
            assertThat(stops).describedAs(without.stop).isGreaterThan(20)
            val verdicts = (1..stops).map { world.run(scenario, means, it, dispatchers) }
            Table.add("$server $pool $scenario $means", verdicts.map { it.stop to it.told })
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
                scenario.servers.flatMap { server ->
                    Means.entries.map { arguments(server, Pool.HIKARI, scenario, it) } +
                        arguments(server, Pool.STRICT, scenario, Means.JOB)
                }
            }
    }
}
