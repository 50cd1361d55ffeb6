package dev.holdfast.tx.exposed

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import org.junit.jupiter.api.Test

internal class LockPlacesTest {
    private fun places(source: String) = LockPlaces.inSelect("SELECT 1 FROM $source", source)

    @Test
    fun `a table has a place behind it`() {
        places("users") shouldBe "SELECT 1 FROM users{table-lock:users} {row-lock}"
    }

    @Test
    fun `a table with an alias has it behind that`() {
        places("users u") shouldBe "SELECT 1 FROM users u{table-lock:u} {row-lock}"
    }

    @Test
    fun `quoted names keep their quotes`() {
        places("\"order\"") shouldBe "SELECT 1 FROM \"order\"{table-lock:order} {row-lock}"
        places("`order` `o`") shouldBe "SELECT 1 FROM `order` `o`{table-lock:o} {row-lock}"
        places("[order]") shouldBe "SELECT 1 FROM [order]{table-lock:order} {row-lock}"
        places("\"two words\"") shouldBe "SELECT 1 FROM \"two words\"{table-lock} {row-lock}"
    }

    @Test
    fun `a table in a schema is known by its own name`() {
        places("shop.users") shouldBe "SELECT 1 FROM shop.users{table-lock:users} {row-lock}"
        places("\"Shop\".\"Users\"") shouldBe "SELECT 1 FROM \"Shop\".\"Users\"{table-lock:Users} {row-lock}"
    }

    @Test
    fun `each table of a join has its place`() {
        places("users INNER JOIN items i ON users.id = i.id CROSS JOIN other") shouldBe
            "SELECT 1 FROM users{table-lock:users} INNER JOIN items i{table-lock:i} ON users.id = i.id" +
            " CROSS JOIN other{table-lock:other} {row-lock}"
    }

    @Test
    fun `a join in brackets is looked into`() {
        places("a LEFT JOIN (b INNER JOIN c ON b.x = c.x) ON a.x = (b.x)") shouldBe
            "SELECT 1 FROM a{table-lock:a} LEFT JOIN (b{table-lock:b} INNER JOIN c{table-lock:c} ON b.x = c.x) ON a.x = (b.x) {row-lock}"
    }

    @Test
    fun `a select in brackets is left alone`() {
        places("a INNER JOIN (SELECT x FROM b INNER JOIN c ON b.x = c.x) q ON a.x = q.x") shouldBe
            "SELECT 1 FROM a{table-lock:a} INNER JOIN (SELECT x FROM b INNER JOIN c ON b.x = c.x) q ON a.x = q.x {row-lock}"
    }

    @Test
    fun `what stands in strings is no join`() {
        places("a INNER JOIN b ON a.x = ' INNER JOIN c (' AND b.y = 1") shouldBe
            "SELECT 1 FROM a{table-lock:a} INNER JOIN b{table-lock:b} ON a.x = ' INNER JOIN c (' AND b.y = 1 {row-lock}"
    }

    @Test
    fun `the select of a column is not taken for the statement`() {
        val text = "SELECT (SELECT x FROM a), ' FROM a' FROM a WHERE a.x IN (SELECT x FROM a) ORDER BY x LIMIT 1"
        LockPlaces.inSelect(text, "a") shouldBe
            "SELECT (SELECT x FROM a), ' FROM a' FROM a{table-lock:a} WHERE a.x IN (SELECT x FROM a) ORDER BY x LIMIT 1 {row-lock}"
    }

    @Test
    fun `a select of no table is refused`() {
        shouldThrow<IllegalArgumentException> { places("(SELECT x FROM a) q") }
        shouldThrow<IllegalArgumentException> { LockPlaces.inSelect("SELECT 1", "") }
    }
}
