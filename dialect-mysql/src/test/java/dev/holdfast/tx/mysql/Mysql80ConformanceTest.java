package dev.holdfast.tx.mysql;

import dev.holdfast.tx.testkit.DatabaseUnderTest;
import dev.holdfast.tx.testkit.DialectConformance;
import dev.holdfast.tx.testkit.server.TestServer;

class Mysql80ConformanceTest extends DialectConformance {
    @Override
    protected DatabaseUnderTest database() {
        return MysqlUnderTest.only(TestServer.mysql("8.0"), JdbcDriver.CONNECTOR_J);
    }
}
