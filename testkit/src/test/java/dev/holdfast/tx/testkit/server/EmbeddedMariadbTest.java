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
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class EmbeddedMariadbTest {
    @Test
    void the_server_is_the_one_of_the_jar_and_takes_connections() throws SQLException {
        assertThat(ask("select version()", start())).startsWith(EmbeddedMariadb.VERSION + "-MariaDB");
    }

    @Test
    void users_have_the_rights_they_are_given_and_no_others() throws SQLException {
        String url = start();
        ask("create or replace user nobody@localhost identified by 'x'", url);

        String nobody = url.replace("user=test&password=test", "user=nobody&password=x");
        assertThat(ask("select current_user()", nobody)).isEqualTo("nobody@localhost");
        assertThatThrownBy(() -> ask("create database x", nobody)).hasMessageContaining("Access denied");
    }

    @Test
    void a_jvm_has_one_server() {
        assertThat(start()).isEqualTo(start());
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
        Path pidFile = Path.of("");
        try (BufferedReader output = jvm.inputReader(UTF_8)) {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                if (line.startsWith("pid file: ")) {
                    pidFile = Path.of(line.substring("pid file: ".length()));
                    break;
                }
            }
        }
        jvm.destroyForcibly().waitFor();
        long pid = Long.parseLong(Files.readString(pidFile).trim());
        ProcessHandle server = ProcessHandle.of(pid).orElseThrow();
        assertThat(server.isAlive()).isTrue();

        ServerFolder.create("another").close();

        assertThat(server.isAlive()).isFalse();
        assertThat(pidFile.getParent()).doesNotExist();
    }

    private static String start() {
        return EmbeddedMariadb.way(List.of()).go().url();
    }

    private static String ask(String sql, String url) throws SQLException {
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement()) {
            if (!statement.execute(sql)) {
                return "";
            }
            try (ResultSet rows = statement.getResultSet()) {
                rows.next();
                return rows.getString(1);
            }
        }
    }

    /** A program that starts a server, says where its pid is, and does not end. */
    static final class StartAndStay {
        private StartAndStay() {}

        public static void main(String[] args) throws Exception {
            try {
                System.out.println("pid file: " + ask("select @@pid_file", start()));
                new CountDownLatch(1).await(); // until it is killed
            } finally {
                Runtime.getRuntime().halt(1); // what else runs must not keep it
            }
        }
    }
}
