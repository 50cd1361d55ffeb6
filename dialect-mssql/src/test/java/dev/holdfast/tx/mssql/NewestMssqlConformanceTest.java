package dev.holdfast.tx.mssql;

import dev.holdfast.tx.mssql.MssqlUnderTest.Reads;
import dev.holdfast.tx.testkit.DatabaseUnderTest;
import dev.holdfast.tx.testkit.DialectConformance;

class NewestMssqlConformanceTest extends DialectConformance {
    @Override
    protected DatabaseUnderTest database() {
        return MssqlUnderTest.newest(Reads.LOCKED);
    }
}
