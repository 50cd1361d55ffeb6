package dev.holdfast.tx.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.holdfast.tx.testkit.Conformance;
import dev.holdfast.tx.testkit.Suite;
import dev.holdfast.tx.testkit.server.ServerUrl;
import dev.holdfast.tx.testkit.server.TestServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;

/** What the author of a dialect is told who has given the conformance suite a URL that leads nowhere. */
class WrongUrlTest {
    private static String told(String url, String user) {
        PostgresUnderTest database =
                new PostgresUnderTest("PostgreSQL of the test", () -> new ServerUrl(url, user, "s3cret"));
        SQLException thrown = catchThrowableOfType(SQLException.class, () -> Suite.of(database, Conformance.cases()));
        assertThat(thrown.getCause())
                .isInstanceOfSatisfying(
                        SQLException.class,
                        drivers -> assertThat(thrown.getSQLState()).isEqualTo(drivers.getSQLState()));
        return String.valueOf(thrown.getMessage());
    }

    private static void namesItAndWhatToCheck(String told, String url) {
        assertThat(told)
                .startsWith("No session of PostgreSQL of the test at " + url + " could be opened: ")
                .endsWith("check that the server runs, and that host, port, database, user and password are right")
                .doesNotContain("s3cret");
    }

    @Test
    void an_unknown_host() {
        namesItAndWhatToCheck(
                told("jdbc:postgresql://nowhere.invalid/test?user=me&password=s3cret", "me"),
                "jdbc:postgresql://nowhere.invalid/test");
    }

    @Test
    void a_port_where_nobody_listens() throws IOException {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        String url = "jdbc:postgresql://localhost:" + port + "/test";
        namesItAndWhatToCheck(told(url + "?password=s3cret", "me"), url);
    }

    @Test
    void a_database_that_is_not_there() {
        ServerUrl right = TestServer.postgres(18).find();
        String server = URI.create(right.url().substring("jdbc:".length())).getAuthority();
        String url = "jdbc:postgresql://" + server + "/nowhere";
        String told = told(url + "?password=s3cret", right.user());
        namesItAndWhatToCheck(told, url);
        assertThat(told).contains("\"nowhere\"");
    }
}
