package dev.holdfast.samples.guide

import dev.holdfast.samples.firstscreen.Accounts
import dev.holdfast.tx.Transactor
import dev.holdfast.tx.engine.Holdfast
import dev.holdfast.tx.testkit.kotest.RollbackExtension
import io.kotest.core.spec.style.DescribeSpec
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import java.nio.file.Files
import java.nio.file.Path

private const val ALICE = 1
private const val BOB = 2

private val db: Transactor by lazy {
    val folder = Files.createDirectories(Path.of("target", "databases"))
    Holdfast
        .connect(
            "jdbc:sqlite:${Files.createTempDirectory(folder, "bank").resolve("bank.db")}",
        ).also(Recipes::createTable)
}

// region kotest
class TransfersSpec :
    DescribeSpec({
        val rollback = extension(RollbackExtension({ db }))
        val told = mutableListOf<Int>()
        val transfers = Transfers(rollback.transactor, told::add)
        val accounts = Accounts(rollback.transactor)

        beforeEach {
            told.clear()
            accounts.open(ALICE, 100)
            accounts.open(BOB, 0)
        }

        describe("a transfer") {
            it("moves money, and tells who got it") {
                withContext(Dispatchers.IO) { transfers.transfer(60, ALICE, BOB) }
                accounts.balance(BOB) shouldBe 60
                told.shouldContainExactly(BOB)
            }
        }
    })
// endregion
