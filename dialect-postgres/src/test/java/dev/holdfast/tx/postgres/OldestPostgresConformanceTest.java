package dev.holdfast.tx.postgres;

import dev.holdfast.tx.testkit.DatabaseUnderTest;
import dev.holdfast.tx.testkit.DialectConformance;

class OldestPostgresConformanceTest extends DialectConformance {
    @Override
    protected DatabaseUnderTest database() {
        return new PostgresUnderTest(14);
    }
}
