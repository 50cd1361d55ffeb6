package dev.holdfast.tx.sqlite;

import dev.holdfast.tx.testkit.DatabaseUnderTest;
import dev.holdfast.tx.testkit.DialectConformance;

class SqliteConformanceTest extends DialectConformance {
    @Override
    protected DatabaseUnderTest database() {
        return new SqliteUnderTest();
    }
}
