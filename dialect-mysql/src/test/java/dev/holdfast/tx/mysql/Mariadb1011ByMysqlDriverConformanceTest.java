package dev.holdfast.tx.mysql;

import dev.holdfast.tx.testkit.DatabaseUnderTest;
import dev.holdfast.tx.testkit.DialectConformance;
import dev.holdfast.tx.testkit.server.TestServer;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

@EnabledIfSystemProperty(named = "holdfast.combinations", matches = "all")
class Mariadb1011ByMysqlDriverConformanceTest extends DialectConformance {
    @Override
    protected DatabaseUnderTest database() {
        return MysqlUnderTest.only(TestServer.mariadb("10.11"), JdbcDriver.CONNECTOR_J);
    }
}
