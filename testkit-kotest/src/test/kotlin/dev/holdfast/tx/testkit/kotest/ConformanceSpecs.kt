package dev.holdfast.tx.testkit.kotest

import dev.holdfast.tx.mssql.MssqlUnderTest
import dev.holdfast.tx.mysql.JdbcDriver
import dev.holdfast.tx.mysql.MysqlUnderTest
import dev.holdfast.tx.postgres.PostgresUnderTest
import dev.holdfast.tx.sqlite.SqliteUnderTest
import dev.holdfast.tx.testkit.DatabaseUnderTest
import dev.holdfast.tx.testkit.server.TestServer
import io.kotest.core.annotation.Condition
import io.kotest.core.annotation.EnabledIf
import io.kotest.core.spec.Spec
import io.kotest.core.spec.style.FunSpec
import kotlin.reflect.KClass

class SqliteConformanceSpec : FunSpec({ include(dialectConformance(SqliteUnderTest())) })

class NewestPostgresConformanceSpec : FunSpec({ include(dialectConformance(PostgresUnderTest(18))) })

class OldestPostgresConformanceSpec : FunSpec({ include(dialectConformance(PostgresUnderTest(14))) })

class Mysql9ConformanceSpec : FunSpec({ include(dialectConformance(mysql("9"))) })

@EnabledIf(AllCombinations::class)
class Mysql80ConformanceSpec :
    FunSpec({
        include(dialectConformance(MysqlUnderTest.only(TestServer.mysql("8.0"), JdbcDriver.CONNECTOR_J)))
    })

class Mariadb114ConformanceSpec :
    FunSpec({
        val server = TestServer.mariadb("11.4")
        include(dialectConformance(MysqlUnderTest(server, JdbcDriver.MARIADB, MysqlUnderTest.Texts.TOGETHER)))
    })

@EnabledIf(AllCombinations::class)
class Mariadb114ByMysqlDriverConformanceSpec :
    FunSpec({
        val server = TestServer.mariadb("11.4")
        include(dialectConformance(MysqlUnderTest(server, JdbcDriver.CONNECTOR_J, MysqlUnderTest.Texts.TOGETHER)))
    })

class MssqlConformanceSpec :
    FunSpec({
        include(dialectConformance(MssqlUnderTest.newest(MssqlUnderTest.Reads.LOCKED)))
    })

class SuspendingSqliteConformanceSpec : FunSpec({ include(suspendingConformance(SqliteUnderTest())) })

class SuspendingPostgresConformanceSpec : FunSpec({ include(suspendingConformance(PostgresUnderTest(18))) })

@EnabledIf(AllCombinations::class)
class SuspendingMysqlConformanceSpec : FunSpec({ include(suspendingConformance(mysql("9"))) })

@EnabledIf(AllCombinations::class)
class SuspendingMariadbConformanceSpec :
    FunSpec({
        val server = TestServer.mariadb("11.4")
        include(suspendingConformance(MysqlUnderTest(server, JdbcDriver.MARIADB, MysqlUnderTest.Texts.TOGETHER)))
    })

/** The suite through the suspending calls of Kotlin. */
private fun suspendingConformance(database: DatabaseUnderTest) =
    dialectConformance(SuspendingUnderTest(database), suspendingCases())

private fun mysql(version: String) =
    MysqlUnderTest(TestServer.mysql(version), JdbcDriver.CONNECTOR_J, MysqlUnderTest.Texts.TOGETHER)

class AllCombinations : Condition {
    override fun evaluate(kclass: KClass<out Spec>): Boolean = System.getProperty("holdfast.combinations") == "all"
}
