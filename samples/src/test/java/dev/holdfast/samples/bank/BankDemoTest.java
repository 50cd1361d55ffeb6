package dev.holdfast.samples.bank;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxListener;
import dev.holdfast.tx.testkit.server.TestServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BankDemoTest {
    private static final int ORDERS = 200;

    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
    private final PrintStream out = new PrintStream(printed, true, UTF_8);

    @Test
    void on_sqlite_not_a_cent_is_missing() throws Exception {
        Set<Path> before = temporaryFolders();
        int code;
        try (Vault vault = Vault.of("")) {
            code = BankDemo.run(vault, ORDERS, out);
        }
        assertThat(code).as(printed.toString(UTF_8)).isZero();
        assertThat(printed.toString(UTF_8))
                .contains("Not a cent is missing.", "failed, and were survived", "Refused, instead of waiting")
                .contains("BEGIN IMMEDIATE", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE");
        assertThat(temporaryFolders()).isEqualTo(before);
    }

    @Test
    void on_postgres_not_a_cent_is_missing() throws Exception {
        String url = TestServer.postgres(18).find().url();
        List<String> before = schemas(url);
        int code;
        try (Vault vault = Vault.of(url)) {
            code = BankDemo.run(vault, ORDERS, out);
        }
        assertThat(code).as(printed.toString(UTF_8)).isZero();
        assertThat(printed.toString(UTF_8)).contains("Not a cent is missing.", "the audit has 1 note of it");
        assertThat(schemas(url)).isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "update account set cents = cents - 1 where id = 3 | There were 25,000.00 and there are 24,999.99: -0.01",
                "update account set cents = cents + 1 where id = 3 | Account 3 has",
                "insert into ledger select * from ledger where order_id = (select min(order_id) from ledger) | in the ledger 2 times",
                "delete from ledger where order_id = (select min(order_id) from ledger) | told as committed and is in the ledger 0 times",
                "insert into ledger values (4711, 'transfer', 1, 1, 5) | Order 4711 was not told as committed",
            })
    void corrupted_books_are_found_and_the_exit_code_says_so(String corruption, String complaint) throws Exception {
        try (Vault vault = new CorruptedVault(corruption)) {
            assertThat(BankDemo.run(vault, 20, out)).isEqualTo(1);
        }
        assertThat(printed.toString(UTF_8))
                .contains("THE BOOKS ARE WRONG.", complaint)
                .doesNotContain("Not a cent is missing.");
    }

    @Test
    void a_database_it_cannot_run_on_is_told_in_one_line() {
        assertThat(BankDemo.run("jdbc:h2:mem:bank?password=secret", out)).isEqualTo(2);
        assertThat(printed.toString(UTF_8))
                .contains("jdbc:postgresql://", "jdbc:h2:mem:bank")
                .doesNotContain("secret");
    }

    private static Set<Path> temporaryFolders() throws IOException {
        try (Stream<Path> all = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
            return all.filter(path -> path.getFileName().toString().startsWith("holdfast-bank"))
                    .collect(Collectors.toSet());
        }
    }

    private static List<String> schemas(String url) throws SQLException {
        try (Connection connection = DriverManager.getConnection(url)) {
            return Sql.query(
                    connection,
                    "select nspname from pg_namespace where nspname like 'holdfast_bank%' order by 1",
                    row -> row.getString(1));
        }
    }

    /** Someone changes the books once the tellers have gone: between the opening and the check. */
    private static final class CorruptedVault implements Vault {
        private final Vault vault = new SqliteVault();
        private final String corruption;
        private int connections;

        CorruptedVault(String corruption) throws IOException {
            this.corruption = corruption;
        }

        @Override
        public String name() {
            return vault.name();
        }

        @Override
        public Transactor open(Bank.Manner manner, TxListener listener) {
            return vault.open(manner, listener);
        }

        @Override
        public Connection plainConnection() throws SQLException {
            Connection connection = vault.plainConnection();
            if (++connections == 2) {
                Sql.update(connection, corruption);
            }
            return connection;
        }

        @Override
        public void cutConnection(Tx tx) throws SQLException {
            vault.cutConnection(tx);
        }

        @Override
        public void close() throws IOException, SQLException {
            vault.close();
        }
    }
}
