package org.example.holdfast.derby;

import dev.holdfast.tx.testkit.DatabaseUnderTest;
import dev.holdfast.tx.testkit.DialectConformance;
import java.sql.SQLException;

class DerbyConformanceTest extends DialectConformance {
    @Override
    protected DatabaseUnderTest database() {
        try {
            return new DerbyUnderTest();
        } catch (SQLException e) {
            throw new IllegalStateException("There is no Derby to test", e);
        }
    }
}
