package dev.holdfast.tx.mysql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Phase;
import java.sql.BatchUpdateException;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Errors that undo their statement alone: what they are, and that the transaction goes on. */
class StatementErrorsOnServerTest extends RealServerTest {
    @BeforeEach
    void createWhatFails() throws SQLException {
        open().run(
                        "INSERT INTO child VALUES (2)",
                        "CREATE TABLE IF NOT EXISTS word (letter varchar(1), n int, d date)",
                        "CREATE OR REPLACE VIEW small AS SELECT * FROM item WHERE id < 10 WITH CHECK OPTION");
    }

    private static Arguments error(FailureKind kind, String codes, String statement) {
        return Arguments.of(kind, codes, statement);
    }

    static Stream<Arguments> errors() {
        return Stream.of(
                error(FailureKind.UNIQUE, "1062", "INSERT INTO item VALUES (1, 0)"),
                error(FailureKind.FOREIGN_KEY, "1452", "INSERT INTO child VALUES (99)"),
                error(FailureKind.FOREIGN_KEY, "1451", "DELETE FROM item WHERE id = 2"),
                error(FailureKind.CHECK, "3819 or 4025", "INSERT INTO item VALUES (3, -1)"),
                error(FailureKind.CHECK, "1369", "INSERT INTO small VALUES (11, 0)"),
                error(FailureKind.NOT_NULL, "1048", "INSERT INTO item VALUES (3, null)"),
                error(FailureKind.NOT_NULL, "1364", "INSERT INTO item (id) VALUES (3)"),
                error(FailureKind.DATA, "1406", "INSERT INTO word VALUES ('ab', 1, null)"),
                error(FailureKind.DATA, "1264", "INSERT INTO word VALUES ('a', 99999999999, null)"),
                error(FailureKind.DATA, "1366", "INSERT INTO word VALUES ('a', 'x', null)"),
                error(FailureKind.DATA, "1292", "INSERT INTO word VALUES ('a', 1, 'never')"),
                error(FailureKind.DATA, "1365", "INSERT INTO word VALUES ('a', 1/0, null)"),
                error(FailureKind.DATA, "1690", "SELECT 9223372036854775807 + 1"),
                error(FailureKind.DATA, "1242", "SELECT (SELECT id FROM item)"),
                error(FailureKind.SYNTAX, "1064", "SELEKT 1"),
                error(FailureKind.SYNTAX, "1146", "SELECT * FROM nowhere"),
                error(FailureKind.SYNTAX, "1054", "SELECT nothing FROM item"),
                error(FailureKind.SYNTAX, "1136", "INSERT INTO item VALUES (3)"),
                error(FailureKind.SYNTAX, "1305", "SELECT nowhere(1)"),
                error(FailureKind.SYNTAX, "1193", "SET nothing = 1"),
                error(FailureKind.TX_STATE, "1568", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"),
                error(FailureKind.TX_STATE, "1400", "XA START 'x'"),
                error(FailureKind.OTHER, "1644", "SIGNAL SQLSTATE '45000'"));
    }

    @ParameterizedTest(name = "{1} {0}: {2}")
    @MethodSource("errors")
    void theTransactionGoesOn(FailureKind kind, String codes, String statement) throws SQLException {
        assumeTrue(!codes.contains("3819") || isSince(8, 0, 16), "before 8.0.16 checks are read, and not kept");
        RawSession session = begun();
        SQLException error = session.errorOf(statement);

        assertThat(codes).contains(String.valueOf(error.getErrorCode()));
        assertIs(inStatement(error), kind, FailureEffect.NONE);
        assertGoesOn(session);
    }

    @Test
    void whatASessionIsTooWeakForIsAMatterOfPermission() throws SQLException {
        RawSession maker = open();
        maker.run(
                "CREATE USER " + accounts(database(), " IDENTIFIED BY 'x'"),
                "GRANT SELECT ON " + database() + ".* TO " + accounts(database(), ""));
        try {
            RawSession session = open(database(), "x");
            SQLException error = session.errorOf("INSERT INTO item VALUES (3, 0)");

            assertThat(error.getErrorCode()).isEqualTo(1142);
            assertIs(inStatement(error), FailureKind.PERMISSION, FailureEffect.NONE);
        } finally {
            maker.run("DROP USER " + accounts(database(), ""));
        }
    }

    @Test
    void aWriteInAReadOnlyTransactionIsRefused_andNothingElse() throws SQLException {
        RawSession session = open();
        session.run("START TRANSACTION READ ONLY", "SAVEPOINT before_it");
        for (String refused : new String[] {
            "INSERT INTO item VALUES (50, 0)", "SELECT * FROM item FOR UPDATE", "CREATE TEMPORARY TABLE t (n int)"
        }) {
            SQLException error = session.errorOf(refused);

            assertThat(error.getErrorCode()).isEqualTo(1792);
            assertIs(inStatement(error), FailureKind.READ_ONLY, FailureEffect.NONE);
        }
        assertThat(session.ask("SELECT id FROM item WHERE id = 1 LOCK IN SHARE MODE"))
                .isEqualTo("1");
        assertThat(session.hasSavepoint("before_it")).isTrue();
    }

    /** The server does not refuse it: it ends the transaction first, which was read-only. */
    @Test
    void aReadOnlyTransactionDoesNotKeepTablesFromBeingMade() throws SQLException {
        RawSession session = open();
        session.run("START TRANSACTION READ ONLY", "SAVEPOINT before_it", "CREATE TABLE made (n int)");

        assertThat(session.hasSavepoint("before_it")).isFalse();
        assertThat(session.ask("SELECT COUNT(*) FROM made")).isEqualTo("0");
        session.run("DROP TABLE made");
    }

    @Test
    void theErrorOfABatchIsThatOfItsStatement() throws SQLException {
        RawSession session = begun();
        SQLException error;
        try (Statement statement = session.connection.createStatement()) {
            statement.addBatch("INSERT INTO item VALUES (3, 0)");
            statement.addBatch("INSERT INTO item VALUES (1, 0)");
            error = catchThrowableOfType(SQLException.class, statement::executeBatch);
        }

        assertThat((Throwable) error).isInstanceOf(BatchUpdateException.class);
        assertIs(inStatement(error), FailureKind.UNIQUE, FailureEffect.NONE);
        assertGoesOn(session);
    }

    @Test
    void anErrorOfTheDriversOwnIsNothingToTheTransaction() throws SQLException {
        RawSession session = begun();
        SQLException error;
        try (PreparedStatement statement = session.connection.prepareStatement("SELECT ?")) {
            error = catchThrowableOfType(SQLException.class, () -> statement.setObject(7, 1, 99_999));
        }

        assertThat(inStatement(error).effect()).as("%s", error).isEqualTo(FailureEffect.NONE);
        assertGoesOn(session);
    }

    @Test
    void anErrorOutsideATransactionLeavesNothingBehind() throws SQLException {
        RawSession session = open();
        Failure failure =
                classified(session.errorOf("INSERT INTO item VALUES (1, 0)"), Moment.of(Phase.OUTSIDE, PLAIN));

        assertIs(failure, FailureKind.UNIQUE, FailureEffect.NONE);
        session.run("INSERT INTO item VALUES (3, 0)");
    }

    /** A user may give any number to an error of his own; the worst that is said for it is what the number says. */
    @Test
    void aNumberThatAUserHasMadeUpIsBelieved() throws SQLException {
        RawSession session = begun();
        SQLException error = session.errorOf("SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 1213");

        assertIs(inStatement(error), FailureKind.DEADLOCK, FailureEffect.ENDED);
        assertGoesOn(session);
    }
}
