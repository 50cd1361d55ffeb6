package dev.holdfast.tx.mysql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.holdfast.tx.mysql.MysqlUnderTest.Texts;
import dev.holdfast.tx.testkit.Untested;
import dev.holdfast.tx.testkit.server.ServerUrl;
import dev.holdfast.tx.testkit.server.TestServer;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** A report names the server that the suite was run on, and none that it was not, however the server was found. */
class MysqlUnderTestTest {
    private static MysqlUnderTest called(String wanted, boolean anyVersion, TestServer there, JdbcDriver driver) {
        return new MysqlUnderTest(wanted, anyVersion, there::find, driver, Texts.TOGETHER);
    }

    /** By what the server says. */
    private static String versionOf(TestServer server) throws SQLException {
        ServerUrl url = server.find();
        try (Connection connection =
                        DriverManager.getConnection(JdbcDriver.MARIADB.url(url), url.user(), url.password());
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT VERSION()")) {
            row.next();
            String[] numbers = row.getString(1).split("[.-]", 3);
            return numbers[0] + "." + numbers[1];
        }
    }

    private static String whyNot(MysqlUnderTest database) {
        return Objects.requireNonNull(
                catchThrowableOfType(Untested.class, database::server).getMessage());
    }

    @Test
    void before_it_is_found_it_is_called_what_is_wanted() {
        MysqlUnderTest database = called("MySQL 4.1", true, Servers.mysql(), JdbcDriver.CONNECTOR_J);
        assertThat(database.name()).isEqualTo("MySQL 4.1, MySQL Connector/J");
        assertThat(database.variant()).isEmpty();
    }

    @Test
    void what_is_what_is_wanted_keeps_its_name() throws SQLException {
        String version = versionOf(Servers.mysql());
        for (String wanted : new String[] {"MySQL " + version, "MySQL " + version.replaceFirst("\\..*", "")}) {
            MysqlUnderTest database = called(wanted, false, Servers.mysql(), JdbcDriver.CONNECTOR_J);
            assertThat(database.server()).isNotNull();
            assertThat(database.name()).startsWith(wanted + ", ");
        }
    }

    @Test
    void a_server_of_another_version_is_called_what_it_is() throws SQLException {
        for (JdbcDriver driver : JdbcDriver.values()) {
            MysqlUnderTest mysql = called("MySQL 4.1", true, Servers.mysql(), driver);
            assertThat(mysql.server()).isNotNull();
            assertThat(mysql.name()).isEqualTo("MySQL " + versionOf(Servers.mysql()) + ", " + driver);

            MysqlUnderTest mariadb = called("MariaDB 5.1", true, Servers.mariadb(), driver);
            assertThat(mariadb.server()).isNotNull();
            assertThat(mariadb.name()).isEqualTo("MariaDB " + versionOf(Servers.mariadb()) + ", " + driver);
            assertThat(mariadb.variant()).isEqualTo(driver == JdbcDriver.MARIADB ? "" : "MySQL Connector/J");
        }
    }

    @Test
    void where_one_version_alone_is_wanted_another_is_not_tested() throws SQLException {
        MysqlUnderTest database = called("MySQL 4.1", false, Servers.mysql(), JdbcDriver.CONNECTOR_J);
        assertThat(whyNot(database))
                .startsWith("the server there is a MySQL " + versionOf(Servers.mysql()) + ", version ")
                .endsWith(", and no MySQL 4.1");
        assertThat(database.name()).startsWith("MySQL 4.1, ");
    }

    @Test
    void the_number_of_one_version_does_not_begin_another() throws SQLException {
        String wanted = "MySQL " + versionOf(Servers.mysql()).replaceFirst("\\d$", "");
        assertThat(whyNot(called(wanted, false, Servers.mysql(), JdbcDriver.CONNECTOR_J)))
                .endsWith(", and no " + wanted);
    }

    @Test
    void a_mariadb_is_not_called_mysql() {
        assertThat(whyNot(called("MySQL 9", true, Servers.mariadb(), JdbcDriver.CONNECTOR_J)))
                .startsWith("the server there is a MariaDB ")
                .endsWith(", and no MySQL");
        assertThat(whyNot(called("MariaDB 10.11", true, Servers.mysql(), JdbcDriver.MARIADB)))
                .startsWith("the server there is a MySQL ")
                .endsWith(", and no MariaDB");
    }
}
