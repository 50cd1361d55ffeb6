package dev.holdfast.tx.mysql;

import dev.holdfast.tx.testkit.server.TestServer;

/**
 * The servers that the tests of this dialect run on, where no version is named: MySQL 9 and MariaDB 10.11, or what the system
 * properties {@code holdfast.mysql} and {@code holdfast.mariadb} say, such as 8.0 and 11.4.
 */
final class Servers {
    private Servers() {}

    static TestServer mysql(String... options) {
        return TestServer.mysql(System.getProperty("holdfast.mysql", "9"), options);
    }

    static TestServer mariadb(String... options) {
        return TestServer.mariadb(System.getProperty("holdfast.mariadb", "10.11"), options);
    }
}
