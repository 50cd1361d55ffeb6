package dev.holdfast.tx.testkit.kotest

import dev.holdfast.tx.testkit.Conformance
import dev.holdfast.tx.testkit.ConformanceCase
import dev.holdfast.tx.testkit.DatabaseUnderTest
import dev.holdfast.tx.testkit.Suite
import dev.holdfast.tx.testkit.Untested
import dev.holdfast.tx.testkit.Verdict
import dev.holdfast.tx.testkit.report.ReportFiles
import io.kotest.core.factory.TestFactory
import io.kotest.core.spec.style.funSpec
import io.kotest.engine.TestAbortedException

/**
 * The cases as Kotest tests, a context for each chapter:
 *
 * ```
 * class FirebirdSpec : FunSpec({ include(dialectConformance(FirebirdUnderTest())) })
 * ```
 *
 * After the last case the report is written, see [ReportFiles]. What could not be shown is ignored, with the reason, and so
 * is the whole where there is no such database on the machine.
 *
 * @param database what is under test
 * @param cases to run; all of them unless others are given
 */
public fun dialectConformance(
    database: DatabaseUnderTest,
    cases: List<ConformanceCase> = Conformance.cases(),
): TestFactory =
    funSpec {
        val suite =
            try {
                Suite.of(database, cases)
            } catch (e: Untested) {
                test("conformance") { throw TestAbortedException(e.message.orEmpty()) }
                afterSpec { ReportFiles.notRun(database.name(), e.message.orEmpty(), "Kotest") }
                return@funSpec
            }
        for ((chapter, ofChapter) in suite.cases().groupBy { it.chapter() }.toSortedMap()) {
            context("$chapter ${chapter.title()}") {
                for (case in ofChapter) {
                    test(case.toString()) { suite.show(case) }
                }
            }
        }
        afterSpec { ReportFiles.write(suite, "Kotest") }
    }

private fun Suite.show(case: ConformanceCase) {
    val result = run(case)
    result.throwIfFailed()
    if (result.verdict() == Verdict.INCONCLUSIVE || result.verdict() == Verdict.UNTESTED) {
        throw TestAbortedException("${result.verdict()}: ${result.detail()}")
    }
}
