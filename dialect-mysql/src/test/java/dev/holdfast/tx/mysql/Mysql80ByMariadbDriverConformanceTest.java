package dev.holdfast.tx.mysql;

import dev.holdfast.tx.testkit.DatabaseUnderTest;
import dev.holdfast.tx.testkit.DialectConformance;
import dev.holdfast.tx.testkit.server.TestServer;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

@EnabledIfSystemProperty(named = "holdfast.combinations", matches = "all")
class Mysql80ByMariadbDriverConformanceTest extends DialectConformance {
    @Override
    protected DatabaseUnderTest database() {
        return MysqlUnderTest.only(TestServer.mysql("8.0"), JdbcDriver.MARIADB);
    }
}
