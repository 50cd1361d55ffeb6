package dev.holdfast.tx.testkit.kotest

import dev.holdfast.tx.Transactor
import dev.holdfast.tx.TxRejectedException
import dev.holdfast.tx.TxStateException
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.DescribeSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.collections.shouldHaveSize
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import java.util.concurrent.Executors
import kotlin.concurrent.thread

/** A fixture around each test, whatever the test does with its threads. */
abstract class RollbackContract(
    db: () -> Transactor,
) : DescribeSpec({
        val rollback = extension(RollbackExtension(db))
        val shelf = Shelf(rollback.transactor)

        beforeEach { shelf.put(1) }

        // each test begins with this one number, so none sees what another did
        afterEach { shelf.numbers().first { it == 1 } }

        afterSpec { db().numbers().shouldBeEmpty() }

        it("a test sees what it did, and what was done before it") {
            shelf.put(2)
            shelf.numbers().shouldContainExactly(1, 2)
            shelf.told.clear()
        }

        it("the next test sees nothing of that") {
            shelf.numbers().shouldContainExactly(1)
        }

        describe("a container") {
            shouldThrow<TxStateException> { shelf.put(3) }

            it("has tests with a fixture each") {
                shelf.put(3)
                shelf.numbers().shouldContainExactly(1, 3)
            }

            describe("in a container") {
                it("has, too") {
                    shelf.numbers().shouldContainExactly(1)
                }
            }
        }

        it("the fixture follows the coroutine to another thread, and to its children") {
            withContext(Dispatchers.IO) { shelf.put(2) }
            coroutineScope {
                launch(Dispatchers.Default) { shelf.put(3) }
                launch(Dispatchers.IO) { shelf.put(4) }
            }
            shelf.numbers().shouldContainExactly(1, 2, 3, 4)
        }

        it("a thread that the application starts works in the fixture of the only test that runs") {
            thread { shelf.put(2) }.join()
            val pool = Executors.newSingleThreadExecutor()
            try {
                pool.submit { shelf.put(3) }.get()
            } finally {
                pool.shutdown()
            }
            shelf.numbers().shouldContainExactly(1, 2, 3)
        }

        it("hooks fire, and can be looked at") {
            shelf.told.clear()
            shelf.put(2)
            shelf.told.shouldContainExactly(2)
            rollback.fixture.hooks() shouldHaveSize 2
        }

        it("begin is refused") {
            shouldThrow<TxRejectedException> { rollback.transactor.begin() }
        }
    })

class SqliteRollbackSpec : RollbackContract({ Databases.sqlite })

class PostgresRollbackSpec : RollbackContract({ Databases.postgres })
