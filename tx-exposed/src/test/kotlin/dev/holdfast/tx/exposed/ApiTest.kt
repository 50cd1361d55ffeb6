package dev.holdfast.tx.exposed

import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldNotBeBlank
import org.jetbrains.kotlin.abi.tools.AbiFilters
import org.jetbrains.kotlin.abi.tools.AbiTools
import org.junit.jupiter.api.Test
import java.io.File

/** What this module promises to code that was compiled before: `-Dapi.write=true` writes it down anew. */
internal class ApiTest {
    @Test
    fun `the public signatures are those of the committed dump`() {
        val now = StringBuilder()
        val classes = File("target/classes").walk().filter { it.extension == "class" }
        AbiTools.getInstance().printJvmDump(now, classes.sorted().asIterable(), AbiFilters.EMPTY)
        val committed = File("api/tx-exposed.api")
        if (System.getProperty("api.write").toBoolean()) {
            committed.parentFile.mkdirs()
            committed.writeText(now.toString())
        }
        now.toString().shouldNotBeBlank()
        now.toString() shouldBe committed.readText()
    }
}
