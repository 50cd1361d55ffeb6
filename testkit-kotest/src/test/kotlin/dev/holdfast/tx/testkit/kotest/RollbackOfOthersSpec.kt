package dev.holdfast.tx.testkit.kotest

import dev.holdfast.tx.TxStateException
import dev.holdfast.tx.testkit.fixture.HookMode
import io.kotest.common.KotestInternal
import io.kotest.core.spec.Spec
import io.kotest.core.spec.SpecRef
import io.kotest.core.spec.style.FunSpec
import io.kotest.core.spec.style.StringSpec
import io.kotest.engine.TestEngineLauncher
import io.kotest.engine.concurrency.TestExecutionMode
import io.kotest.engine.listener.CollectingTestEngineListener
import io.kotest.engine.test.TestResult
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.nulls.shouldNotBeNull
import io.kotest.matchers.shouldBe
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import java.util.concurrent.CompletableFuture
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.atomic.AtomicReference
import kotlin.concurrent.thread
import kotlin.reflect.KClass
import kotlin.time.Duration.Companion.seconds

/** What becomes of tests that fail, run at the same time, keep hooks, or use two databases. */
class RollbackOfOthersSpec :
    StringSpec({
        "a test that fails is rolled back, and told as what it is" {
            val results = run(FailingTests::class)
            results
                .getValue("puts and fails")
                .errorOrNull
                .shouldNotBeNull()
                .message shouldBe "planned by the test"
            results.getValue("sees nothing of that").errorOrNull.shouldBeNull()
            Databases.sqlite.numbers().shouldBeEmpty()
        }

        "tests that run at the same time have a fixture each, and unknown threads are refused" {
            val results = run(ConcurrentTests::class)
            results.keys.shouldContainExactly("first", "second")
            results.values.forEach { it.errorOrNull.shouldBeNull() }
            Databases.postgres.numbers().shouldBeEmpty()
        }

        "hooks are kept where that is asked for" {
            run(KeepingTests::class).getValue("keeps").errorOrNull.shouldBeNull()
        }

        "a test may be in fixtures of two databases" {
            run(TwoDatabases::class).getValue("puts into both").errorOrNull.shouldBeNull()
            Databases.sqlite.numbers().shouldBeEmpty()
            Databases.otherSqlite.numbers().shouldBeEmpty()
        }
    })

@OptIn(KotestInternal::class)
private suspend fun run(tests: KClass<out Spec>): Map<String, TestResult> {
    val listener = CollectingTestEngineListener()
    TestEngineLauncher()
        .withListener(listener)
        .withSpecRefs(SpecRef.Reference(tests))
        .execute()
    return listener.tests.mapKeys { it.key.name.name }.toSortedMap()
}

internal class FailingTests :
    FunSpec({
        val shelf = Shelf(extension(RollbackExtension(Databases.sqlite)).transactor)

        test("puts and fails") {
            shelf.put(1)
            error("planned by the test")
        }

        test("sees nothing of that") {
            shelf.numbers().shouldBeEmpty()
        }
    })

internal class ConcurrentTests :
    FunSpec({
        val rollback = extension(RollbackExtension(Databases.postgres))
        val shelf = Shelf(rollback.transactor)
        testExecutionMode = TestExecutionMode.Concurrent
        val both = CompletableDeferred<Unit>()
        val open = AtomicInteger()
        val done = CompletableDeferred<Unit>()

        suspend fun worksAlone(number: Int) {
            shelf.put(number)
            if (open.incrementAndGet() == 2) both.complete(Unit)
            withTimeout(30.seconds) { both.await() }
            withContext(Dispatchers.IO) { shelf.numbers().shouldContainExactly(number) }
            val thrown = AtomicReference<Throwable?>()
            thread { thrown.set(runCatching { shelf.put(number + 10) }.exceptionOrNull()) }.join()
            (thrown.get() is TxStateException) shouldBe true
            val own = Shelf(rollback.fixture.transactor())
            thread { own.put(number + 20) }.join()
            shelf.numbers().shouldContainExactly(number, number + 20)
            if (open.incrementAndGet() == 4) done.complete(Unit)
            withTimeout(30.seconds) { done.await() }
        }

        test("first") { worksAlone(1) }

        test("second") { worksAlone(2) }
    })

internal class KeepingTests :
    FunSpec({
        val rollback = extension(RollbackExtension(Databases.sqlite, hooks = HookMode.KEEP))
        val shelf = Shelf(rollback.transactor)

        test("keeps") {
            shelf.put(1)
            shelf.told.shouldBeEmpty()
            rollback.fixture.runAfterCommitHooks()
            shelf.told.shouldContainExactly(1)
        }
    })

internal class TwoDatabases :
    FunSpec({
        val shelf = Shelf(extension(RollbackExtension(Databases.sqlite)).transactor)
        val other = Shelf(extension(RollbackExtension(Databases.otherSqlite)).transactor)

        test("puts into both") {
            shelf.put(1)
            withContext(Dispatchers.IO) { other.put(2) }
            CompletableFuture.runAsync { other.put(3) }.get()
            shelf.numbers().shouldContainExactly(1)
            other.numbers().shouldContainExactly(2, 3)
        }
    })
