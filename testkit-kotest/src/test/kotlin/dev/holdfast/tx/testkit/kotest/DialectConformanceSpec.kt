package dev.holdfast.tx.testkit.kotest

import dev.holdfast.tx.sqlite.SqliteUnderTest
import dev.holdfast.tx.testkit.ConformanceCase
import dev.holdfast.tx.testkit.DatabaseUnderTest
import dev.holdfast.tx.testkit.Inconclusive
import dev.holdfast.tx.testkit.Untested
import io.kotest.common.KotestInternal
import io.kotest.core.spec.Spec
import io.kotest.core.spec.SpecRef
import io.kotest.core.spec.style.FunSpec
import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.TestEngineLauncher
import io.kotest.engine.listener.CollectingTestEngineListener
import io.kotest.engine.test.TestResult
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.maps.shouldContainExactly
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.types.shouldBeInstanceOf
import java.nio.file.Files
import kotlin.io.path.readText
import kotlin.reflect.KClass

/** What becomes of cases that pass, fail or show nothing. */
class DialectConformanceSpec :
    StringSpec({
        "each case is a test in the context of its chapter, and is told as what it is" {
            val results = run(FewCases::class) { it shouldContain "\"frontEnd\": \"Kotest\"" }

            results.mapValues { kindOf(it.value) } shouldContainExactly
                mapOf(
                    "RO read only" to "success",
                    "RO read only -- RO-91 passes" to "success",
                    "CCY many at once" to "success",
                    "CCY many at once -- CCY-91 fails" to "failure",
                    "CCY many at once -- CCY-92 shows nothing" to "ignored",
                    "CCY many at once -- CCY-93 lacks something" to "ignored",
                )

            fun of(id: String) = results.entries.single { id in it.key }.value
            of("CCY-91").errorOrNull?.message.orEmpty() shouldContain "planned by the test"
            of("CCY-92").shouldBeInstanceOf<TestResult.Ignored>().reason.orEmpty() shouldContain "did not come to it"
            of("CCY-93").shouldBeInstanceOf<TestResult.Ignored>().reason.orEmpty() shouldContain "is not there"
            results.keys.filter { "--" !in it }.shouldContainExactly("RO read only", "CCY many at once")
        }

        "without the database nothing is run, and the report says why" {
            val results = run(NoDatabase::class) { it shouldContain "NOT_RUN" }

            results
                .getValue("conformance")
                .shouldBeInstanceOf<TestResult.Ignored>()
                .reason
                .orEmpty() shouldContain "there is none here"
        }
    })

/** Runs a spec by itself, with a folder of its own for its report. */
@OptIn(KotestInternal::class)
private suspend fun run(
    spec: KClass<out Spec>,
    report: (String) -> Unit,
): Map<String, TestResult> {
    val listener = CollectingTestEngineListener()
    val reports = Files.createTempDirectory("reports")
    val before = System.setProperty("holdfast.reports", reports.toString())
    try {
        TestEngineLauncher().withListener(listener).withSpecRefs(SpecRef.Reference(spec)).execute()
    } finally {
        if (before == null) System.clearProperty("holdfast.reports") else System.setProperty("holdfast.reports", before)
    }
    report(
        Files
            .list(reports)
            .use { files ->
                files.filter { it.toString().endsWith("-kotest.json") }.toList()
            }.single()
            .readText(),
    )
    return listener.tests.mapKeys {
        it.key.descriptor
            .path()
            .value
            .substringAfter("/")
    }
}

private fun kindOf(result: TestResult) =
    when {
        result.isErrorOrFailure -> "failure"
        result.isIgnored -> "ignored"
        else -> "success"
    }

internal class NoDatabase :
    FunSpec({
        val absent =
            object : DatabaseUnderTest by SqliteUnderTest() {
                override fun sessions() = throw Untested("there is none here")
            }
        include(dialectConformance(absent))
    })

internal class FewCases :
    FunSpec({
        val cases =
            listOf(
                ConformanceCase.of("CCY-91", "TX-1110", "fails") { throw AssertionError("planned by the test") },
                ConformanceCase.of("RO-91", "TX-150", "passes") { },
                ConformanceCase.of(
                    "CCY-92",
                    "TX-1110",
                    "shows nothing",
                ) { throw Inconclusive("it did not come to it") },
                ConformanceCase.of(
                    "CCY-93",
                    "TX-1110",
                    "lacks something",
                ) { throw Untested("what it needs is not there") },
            )
        include(dialectConformance(SqliteUnderTest(), cases))
    })
