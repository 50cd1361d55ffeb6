package dev.holdfast.tx.testkit.kotest

import dev.holdfast.tx.postgres.PostgresUnderTest
import dev.holdfast.tx.sqlite.SqliteUnderTest
import io.kotest.core.spec.style.FunSpec

class SqliteConformanceSpec : FunSpec({ include(dialectConformance(SqliteUnderTest())) })

class NewestPostgresConformanceSpec : FunSpec({ include(dialectConformance(PostgresUnderTest(18))) })

class OldestPostgresConformanceSpec : FunSpec({ include(dialectConformance(PostgresUnderTest(14))) })
