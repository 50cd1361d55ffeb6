package dev.holdfast.tx.mysql;

import dev.holdfast.tx.mysql.MysqlUnderTest.Texts;
import dev.holdfast.tx.testkit.DatabaseUnderTest;
import dev.holdfast.tx.testkit.DialectConformance;
import dev.holdfast.tx.testkit.server.TestServer;

class Mysql9ConformanceTest extends DialectConformance {
    @Override
    protected DatabaseUnderTest database() {
        return new MysqlUnderTest(TestServer.mysql("9"), JdbcDriver.CONNECTOR_J, Texts.TOGETHER);
    }
}
