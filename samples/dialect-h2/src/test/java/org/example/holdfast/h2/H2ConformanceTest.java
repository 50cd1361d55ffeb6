package org.example.holdfast.h2;

import dev.holdfast.tx.testkit.DatabaseUnderTest;
import dev.holdfast.tx.testkit.DialectConformance;

class H2ConformanceTest extends DialectConformance {
    @Override
    protected DatabaseUnderTest database() {
        return new H2UnderTest();
    }
}
