package dev.holdfast.tx.testkit.kotest

import dev.holdfast.tx.Transactor
import dev.holdfast.tx.TxOptions
import dev.holdfast.tx.testkit.fixture.HookMode
import dev.holdfast.tx.testkit.fixture.RollbackFixture
import dev.holdfast.tx.testkit.fixture.RollbackFixtures
import io.kotest.core.extensions.TestCaseExtension
import io.kotest.core.test.TestCase
import io.kotest.core.test.TestType
import io.kotest.engine.test.TestResult
import kotlinx.coroutines.ThreadContextElement
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.withContext
import kotlin.coroutines.CoroutineContext

/**
 * A [RollbackFixture] around each test: opened before its `beforeTest` and `beforeEach` callbacks, rolled back after its
 * `afterEach` and `afterTest` callbacks, whether it passed or failed.
 *
 * ```
 * val rollback = extension(RollbackExtension(db))
 * val shop = Shop(rollback.transactor)
 * ```
 *
 * The fixture follows the coroutine of the test to whatever thread it runs on, and its children too. Threads that the
 * application starts by itself are taken for those of the test as long as only one runs, and refused where several do;
 * `fixture.transactor()` works on all of them.
 *
 * A container is no test: what is done in its body, outside of its tests, is refused. So is what is done in `beforeSpec`.
 *
 * @param db the application's own transactor, asked for before each test
 * @param options of the transaction around each test
 * @param hooks what becomes of the hooks of the application
 */
public class RollbackExtension(
    db: () -> Transactor,
    options: TxOptions = TxOptions.none(),
    hooks: HookMode = HookMode.FIRE,
) : TestCaseExtension {
    private val fixtures = RollbackFixtures(db, options, hooks)

    /** As the other one, with the transactor itself. */
    public constructor(
        db: Transactor,
        options: TxOptions = TxOptions.none(),
        hooks: HookMode = HookMode.FIRE,
    ) : this({ db }, options, hooks)

    /** The transactor for an application that is made once for many tests. */
    public val transactor: Transactor = fixtures.transactor()

    /**
     * The fixture of the test that is running.
     *
     * @throws dev.holdfast.tx.TxStateException if none is, or it cannot be told which
     */
    public val fixture: RollbackFixture
        get() = fixtures.current()

    override suspend fun intercept(
        testCase: TestCase,
        execute: suspend (TestCase) -> TestResult,
    ): TestResult {
        val key = BoundFixture.Key(fixtures)
        if (testCase.type != TestType.Test || currentCoroutineContext()[key] != null) {
            return execute(testCase)
        }
        val fixture = fixtures.open()
        val result =
            try {
                withContext(BoundFixture(key, fixture)) { execute(testCase) }
            } catch (e: Throwable) {
                runCatching { fixtures.close(fixture) }.onFailure(e::addSuppressed)
                throw e
            }
        val failure = runCatching { fixtures.close(fixture) }.exceptionOrNull() ?: return result
        val first = result.errorOrNull ?: throw failure
        first.addSuppressed(failure)
        return result
    }
}

/** Binds each thread that the coroutine runs on to its fixture, for as long as it runs there. */
private class BoundFixture(
    override val key: Key,
    private val fixture: RollbackFixture,
) : ThreadContextElement<RollbackFixture?> {
    /** One for each extension: a test may be in fixtures of several databases. */
    data class Key(
        val fixtures: RollbackFixtures,
    ) : CoroutineContext.Key<BoundFixture>

    override fun updateThreadContext(context: CoroutineContext): RollbackFixture? = key.fixtures.bind(fixture)

    override fun restoreThreadContext(
        context: CoroutineContext,
        oldState: RollbackFixture?,
    ) {
        key.fixtures.bind(oldState)
    }
}
