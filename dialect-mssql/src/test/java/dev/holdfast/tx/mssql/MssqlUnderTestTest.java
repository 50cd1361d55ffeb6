package dev.holdfast.tx.mssql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.holdfast.tx.mssql.MssqlUnderTest.Reads;
import dev.holdfast.tx.mssql.tds.Answer;
import dev.holdfast.tx.mssql.tds.Responder;
import dev.holdfast.tx.testkit.Untested;
import dev.holdfast.tx.testkit.server.ServerUrl;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A report names the server that the suite was run on, and none that it was not. */
class MssqlUnderTestTest {
    private static final int STANDARD = 2;
    private static final int AZURE = 5;

    private static Responder server(String version, int edition, int versions) throws Exception {
        return new Responder()
                .probed("version", version)
                .answer(MssqlUnderTest.WHAT_IT_IS, Answer.row(version, edition, versions));
    }

    private static MssqlUnderTest database(Responder responder, boolean anyVersion, Reads reads) {
        return new MssqlUnderTest(
                "SQL Server 2025", anyVersion, () -> new ServerUrl(responder.url(), "test", "test"), reads);
    }

    private static @Nullable String whyNot(MssqlUnderTest database) {
        return catchThrowableOfType(Untested.class, database::sessions).getMessage();
    }

    @Test
    void before_it_is_found_it_is_called_what_is_wanted() throws Exception {
        try (Responder responder = server("16.0.4185.3", STANDARD, 0)) {
            assertThat(database(responder, true, Reads.VERSIONS).name())
                    .isEqualTo("SQL Server 2025 with READ_COMMITTED_SNAPSHOT");
        }
    }

    @Test
    void a_server_of_another_version_is_called_what_it_is() throws Exception {
        try (Responder responder = server("16.0.4185.3", STANDARD, 0)) {
            MssqlUnderTest database = database(responder, true, Reads.LOCKED);
            assertThat(database.sessions()).isNotNull();
            assertThat(database.name()).isEqualTo("SQL Server 2022");
        }
    }

    @Test
    void azure_is_not_called_by_its_version() throws Exception {
        try (Responder responder = server("12.0.2000.8", AZURE, 1)) {
            MssqlUnderTest database = database(responder, true, Reads.VERSIONS);
            assertThat(database.sessions()).isNotNull();
            assertThat(database.name()).isEqualTo("Azure SQL Database with READ_COMMITTED_SNAPSHOT");
        }
    }

    @Test
    void where_one_version_alone_is_wanted_another_is_not_tested() throws Exception {
        try (Responder responder = server("16.0.4185.3", STANDARD, 0)) {
            assertThat(whyNot(database(responder, false, Reads.LOCKED)))
                    .isEqualTo("the server there is a SQL Server 2022, version 16.0.4185.3, and no SQL Server 2025");
        }
    }

    @Test
    void a_database_that_does_not_read_as_wanted_is_not_tested() throws Exception {
        try (Responder responder = server("17.0.1000.7", STANDARD, 0)) {
            assertThat(whyNot(database(responder, true, Reads.VERSIONS)))
                    .isEqualTo("READ_COMMITTED_SNAPSHOT is not ON in the database that the URL names");
        }
        try (Responder responder = server("17.0.1000.7", STANDARD, 1)) {
            assertThat(whyNot(database(responder, true, Reads.LOCKED))).contains("is not OFF");
        }
    }

    @Test
    void where_no_database_can_be_made_nothing_is_tested() throws Exception {
        try (Responder responder = server("17.0.1000.7", STANDARD, 0)) {
            String create = "IF DB_ID('holdfast_versions') IS NULL CREATE DATABASE holdfast_versions";
            responder.answer(create, Answer.error(262, 14, 1, "CREATE DATABASE permission denied"));
            String url = responder.url().replace(";databaseName=test", "");
            MssqlUnderTest database = new MssqlUnderTest(
                    "SQL Server 2025", true, () -> new ServerUrl(url, "test", "test"), Reads.VERSIONS);
            assertThat(whyNot(database))
                    .startsWith("a database with READ_COMMITTED_SNAPSHOT ON could not be made on the server")
                    .contains("permission denied");
            assertThat(database.name()).isEqualTo("SQL Server 2025 with READ_COMMITTED_SNAPSHOT");
        }
    }
}
