package dev.holdfast.tx.mssql;

import dev.holdfast.tx.mssql.MssqlUnderTest.Reads;
import dev.holdfast.tx.testkit.DatabaseUnderTest;
import dev.holdfast.tx.testkit.DialectConformance;

class OldestMssqlConformanceTest extends DialectConformance {
    @Override
    protected DatabaseUnderTest database() {
        return MssqlUnderTest.ofYear(2017, Reads.LOCKED);
    }
}
