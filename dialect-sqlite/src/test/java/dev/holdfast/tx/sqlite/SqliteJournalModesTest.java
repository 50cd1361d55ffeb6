package dev.holdfast.tx.sqlite;

import static dev.holdfast.tx.sqlite.Database.ask;
import static dev.holdfast.tx.sqlite.Database.errorOf;
import static dev.holdfast.tx.sqlite.Database.run;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.CommitFate;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Wish;
import java.sql.Connection;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;

/** What only one of the two journals does. */
class SqliteJournalModesTest {
    private static Failure classify(SQLException error, Phase phase, Connection connection) {
        Moment moment = Moment.of(phase, Wish.of(TxOptions.none())).driverState(Database.state(connection));
        return Database.DIALECT.classify(error, moment, SqlitePlansTest.WRITER);
    }

    @Test
    void in_WAL_mode_a_reader_that_others_have_overtaken_is_doomed() throws SQLException {
        try (Database database = Database.file("WAL")) {
            Connection one = database.open();
            run(one, "BEGIN");
            ask(one, "SELECT count(*) FROM t");
            run(database.open(), "INSERT INTO t VALUES (20, 20)");
            Failure failure = classify(errorOf(one, "INSERT INTO t VALUES (10, 10)"), Phase.STATEMENT, one);
            assertThat(failure.kind()).isEqualTo(FailureKind.SERIALIZATION);
            assertThat(failure.effect()).isEqualTo(FailureEffect.DOOMED);
            Failure again = classify(errorOf(one, "INSERT INTO t VALUES (10, 10)"), Phase.STATEMENT, one);
            assertThat(again.effect()).as("it stays so").isEqualTo(FailureEffect.DOOMED);
            run(one, "ROLLBACK", "BEGIN", "INSERT INTO t VALUES (10, 10)", "COMMIT");
            assertThat(database.committed()).isEqualTo(3);
        }
    }

    @Test
    void with_a_rollback_journal_a_COMMIT_that_a_reader_blocks_is_still_open() throws SQLException {
        try (Database database = Database.file("DELETE")) {
            Connection one = database.open();
            Connection two = database.open();
            run(two, "BEGIN");
            ask(two, "SELECT count(*) FROM t");
            run(one, "BEGIN IMMEDIATE", "INSERT INTO t VALUES (10, 10)");
            Failure failure = classify(errorOf(one, "COMMIT"), Phase.COMMIT, one);
            assertThat(failure.kind()).isEqualTo(FailureKind.LOCK_TIMEOUT);
            assertThat(failure.atCommit()).isEqualTo(CommitFate.STILL_OPEN);
            run(two, "ROLLBACK");
            run(one, "COMMIT");
            assertThat(database.committed()).isEqualTo(2);
        }
    }
}
