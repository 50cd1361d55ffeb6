package dev.holdfast.tx.mysql;

import dev.holdfast.tx.mysql.MysqlUnderTest.Texts;
import dev.holdfast.tx.testkit.DatabaseUnderTest;
import dev.holdfast.tx.testkit.DialectConformance;
import dev.holdfast.tx.testkit.server.TestServer;

class Mariadb114ConformanceTest extends DialectConformance {
    @Override
    protected DatabaseUnderTest database() {
        return new MysqlUnderTest(TestServer.mariadb("11.4"), JdbcDriver.MARIADB, Texts.TOGETHER);
    }
}
