package dev.holdfast.tx.testkit.server;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNoException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LocalServerTest {
    @ParameterizedTest
    @CsvSource({"mysql, 8.0", "mysql, 9", "mariadb, 10.11"})
    void the_server_is_of_the_version_that_was_asked_for(String family, String version) throws SQLException {
        String url = start(family, version, List.of());

        assertThat(ask("select version()", url)).startsWith(version + ".");
        assertThat(ask("select @@innodb_deadlock_detect", url)).isEqualTo("1");
    }

    @ParameterizedTest
    @CsvSource({"mysql, 8.0", "mariadb, 10.11"})
    void an_option_takes_effect_on_a_server_of_its_own(String family, String version) throws SQLException {
        String setting = "select @@innodb_rollback_on_timeout";
        String plain = start(family, version, List.of());
        String other = start(family, version, List.of("--innodb-rollback-on-timeout=ON"));

        assertThat(ask(setting, plain)).isEqualTo("0");
        assertThat(ask(setting, other)).isEqualTo("1");
    }

    @Test
    void the_user_may_do_all() throws SQLException {
        String url = start("mysql", "8.0", List.of());

        ask("create database if not exists more", url);
        assertThat(ask("select count(*) from performance_schema.data_locks", url))
                .isEqualTo("0");
    }

    @Test
    void a_jvm_has_one_server_of_a_version() {
        assertThat(start("mysql", "8.0", List.of())).isEqualTo(start("mysql", "8.0", List.of()));
    }

    @Test
    void a_server_that_refuses_an_option_shows_its_log() {
        assertThatThrownBy(() -> start("mysql", "8.0", List.of("--such-an-option=1")))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("mysql-8.0 does not start")
                .hasMessageContaining("unknown variable 'such-an-option=1'");
    }

    @Test
    void other_versions_are_left_to_containers() {
        assertThat(LocalServer.mysql("8.4", List.of()).obstacle())
                .isEqualTo("MySQL 8.4 is not one of those that run without a container");
    }

    @ParameterizedTest
    @CsvSource({"mysql, 8.0", "mariadb, 10.11"})
    void a_server_whose_jvm_was_killed_is_ended_by_the_next_start(String family, String version) throws Exception {
        start(family, version, List.of()); // brings the programs
        Process jvm = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElseThrow(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        StartAndStay.class.getName(),
                        family,
                        version)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        Path pidFile;
        try (BufferedReader output = jvm.inputReader(UTF_8)) {
            pidFile = Path.of(output.readLine());
        }
        jvm.destroyForcibly().waitFor();
        long pid = Long.parseLong(Files.readString(pidFile).trim());
        ProcessHandle server = ProcessHandle.of(pid).orElseThrow();
        assertThat(server.isAlive()).isTrue();

        ServerFolder.create("another").close();

        assertThat(server.isAlive()).isFalse();
        assertThat(pidFile.getParent()).doesNotExist();
    }

    @Test
    void a_record_that_is_gone_when_it_is_looked_at_keeps_nobody_from_starting() throws Exception {
        Path records = Objects.requireNonNull(ServerFolder.programs().getParent());
        Path gone = Files.createSymbolicLink(
                records.resolve("gone-" + UUID.randomUUID() + ".record"), records.resolve("none"));
        try {
            assertThatNoException()
                    .isThrownBy(() -> ServerFolder.create("another").close());
        } finally {
            Files.delete(gone);
        }
    }

    private static String start(String family, String version, List<String> options) {
        Way way = way(family, version, options);
        String obstacle = way.obstacle();
        assumeTrue(obstacle == null, obstacle);
        return way.go().url();
    }

    private static Way way(String family, String version, List<String> options) {
        return family.equals("mysql") ? LocalServer.mysql(version, options) : LocalServer.mariadb(version, options);
    }

    private static String ask(String sql, String url) throws SQLException {
        // both speak the same protocol
        String mariadb = url.replace("jdbc:mysql:", "jdbc:mariadb:").replace("sslMode=DISABLED", "sslMode=disable");
        try (Connection connection = DriverManager.getConnection(mariadb);
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
                String url = way(args[0], args[1], List.of()).go().url();
                System.out.println(ask("select @@pid_file", url));
                new CountDownLatch(1).await(); // until it is killed
            } finally {
                Runtime.getRuntime().halt(1); // what else runs must not keep it
            }
        }
    }
}
