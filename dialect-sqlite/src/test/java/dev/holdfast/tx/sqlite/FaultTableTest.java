package dev.holdfast.tx.sqlite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.tx.testkit.ConformanceCase;
import dev.holdfast.tx.testkit.Facts;
import dev.holdfast.tx.testkit.FaultScenario;
import dev.holdfast.tx.testkit.FaultTable;
import dev.holdfast.tx.testkit.Sql;
import dev.holdfast.tx.testkit.Suite;
import java.sql.Connection;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The fault table is of use only if it sees what is wrong: each of these is, in one way. */
class FaultTableTest {
    private static void play(FaultScenario.Body body) throws Exception {
        ConformanceCase one = ConformanceCase.of("FLT-00", "TX-401", "one scenario", run -> {
            String line = FaultTable.play(run, List.of(FaultScenario.of("scenario", body)));
            assertThat(line).startsWith("fault table: SQLite");
        });
        Suite.of(new SqliteUnderTest(), List.of(one)).run(one).throwIfFailed();
    }

    private static void assertSeen(String complaint, FaultScenario.Body body) {
        assertThatThrownBy(() -> play(body)).isInstanceOf(AssertionError.class).hasMessageContaining(complaint);
    }

    private static void insert(FaultScenario.Stage stage, int id) {
        stage.db().execute(tx -> Sql.insert(tx, stage.table(), id));
    }

    @Test
    void what_is_right_passes() throws Exception {
        play(stage -> insert(stage, 1));
    }

    @Test
    void a_connection_that_is_not_given_back_is_seen() {
        assertSeen("throws SQLState HY000 at 2 c1 setAutoCommit true: connection 1 leaked", stage -> {
            Connection connection = stage.source().getConnection();
            connection.setAutoCommit(true);
            connection.close();
        });
    }

    @Test
    void a_session_that_is_given_back_with_another_setting_is_seen() {
        assertSeen(
                "given back dirty: [PRAGMA query_only: 0 became 1]",
                stage -> stage.db()
                        .withConnection(
                                connection -> connection.createStatement().execute("PRAGMA query_only=ON")));
    }

    @Test
    void a_session_that_is_given_back_in_a_transaction_is_seen() {
        assertSeen("transaction: IDLE became OPEN", stage -> {
            try (Connection connection = stage.source().getConnection()) {
                connection.createStatement().execute("BEGIN");
            }
        });
    }

    @Test
    void a_return_without_the_rows_is_seen() {
        assertSeen("it returned, and the rows are [] instead of [1]", stage -> Facts.thrownBy(() -> insert(stage, 1)));
    }

    @Test
    void an_error_with_a_part_of_the_rows_is_seen() {
        assertSeen(", and the rows are [1]", stage -> {
            insert(stage, 1);
            insert(stage, 2);
        });
    }

    @Test
    void an_error_that_is_not_about_the_fault_is_seen() {
        assertSeen("neither the fault nor what the scenario threw is what the caller sees", stage -> {
            if (Facts.thrownBy(() -> insert(stage, 1)) != null) {
                throw new IllegalArgumentException("something else");
            }
        });
    }
}
