package dev.holdfast.samples.jobs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.testkit.Untested;
import dev.holdfast.tx.testkit.server.TestServer;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class JobDemoTest {
    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
    private final PrintStream out = new PrintStream(printed, true, UTF_8);

    static Stream<Named<TestServer>> servers() {
        return Stream.of(TestServer.postgres(18), TestServer.mysql("9"), TestServer.mariadb("11.4"))
                .map(server -> Named.of(server.name(), server));
    }

    private static String url(TestServer server) {
        try {
            return server.find().url();
        } catch (Untested e) {
            return Assumptions.abort(String.valueOf(e.getMessage()));
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("servers")
    void eight_workers_do_ten_thousand_jobs_once_each_though_some_crash(TestServer server) throws SQLException {
        String url = url(server);
        Set<String> before = tables(url);

        assertThat(JobDemo.run(url, out)).as(printed.toString(UTF_8)).isZero();

        assertThat(printed.toString(UTF_8))
                .contains("10,000 jobs in ", "10 workers crashed", "Each job was done exactly once.");
        assertThat(tables(url)).isEqualTo(before);
    }

    @Test
    void where_locked_rows_cannot_be_skipped_nothing_is_begun(@TempDir Path folder) throws SQLException {
        String url = "jdbc:sqlite:" + folder.resolve("jobs.db");

        assertThat(JobDemo.run(url, out)).isEqualTo(2);

        assertThat(printed.toString(UTF_8))
                .startsWith("Workers cannot share a queue here: ")
                .contains("SKIP LOCKED");
        assertThat(tables(url)).isEmpty();
    }

    @Test
    void it_says_what_it_needs() {
        assertThat(JobDemo.run("", out)).isEqualTo(2);
        assertThat(printed.toString(UTF_8)).contains("-Durl=jdbc:postgresql://");
    }

    /** What is checked here does not depend on the database. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "update job_done set worker = 3 where job = 4   |                                                    ",
                "insert into job_done (job, worker) values (2, 9) | Job 2 was done 2 times                            ",
                "delete from job_done where job = 3               | Job 3 was done 0 times                            ",
                "update job_done set worker = 7 where job = 5     | Job 5 is told as done by worker 7, who crashed over it"
            })
    void a_job_that_was_not_done_once_is_found(String accident, @Nullable String complaint, @TempDir Path folder)
            throws SQLException {
        try (Connection plain = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("jobs.db"));
                Backlog backlog = new Backlog(plain, 5);
                Statement statement = plain.createStatement()) {
            statement.executeUpdate("insert into job_done (job, worker) values (1, 1), (2, 1), (3, 2), (4, 2), (5, 2)");
            statement.executeUpdate(accident);

            List<String> expected = complaint == null ? List.of() : List.of(complaint);
            assertThat(backlog.complaints(List.of(new Crew.Undone(7, Set.of(5)))))
                    .isEqualTo(expected);
        }
    }

    private static Set<String> tables(String url) throws SQLException {
        Set<String> names = new TreeSet<>();
        try (Connection connection = DriverManager.getConnection(url);
                ResultSet tables = connection
                        .getMetaData()
                        .getTables(connection.getCatalog(), null, "job%", new String[] {"TABLE"})) {
            while (tables.next()) {
                names.add(tables.getString("TABLE_NAME"));
            }
        }
        return names;
    }
}
