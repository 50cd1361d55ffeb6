package dev.holdfast.tx.postgres;

import static dev.holdfast.tx.Isolation.REPEATABLE_READ;
import static dev.holdfast.tx.postgres.Profiles.DIALECT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Wish;
import java.sql.BatchUpdateException;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Errors that a server really raises in a statement: what they are, and that their effect is the one it had. */
class FailuresOnServerTest extends FailureServerTest {
    @BeforeEach
    void createWhatFails() throws SQLException {
        Session session = open();
        session.run("CREATE TABLE child (item int REFERENCES item ON DELETE RESTRICT)");
        session.run("INSERT INTO child VALUES (2)");
        session.run("CREATE TABLE booking (span int4range, EXCLUDE USING gist (span WITH &&))");
        session.run("INSERT INTO booking VALUES ('[1,5)')");
        session.run("CREATE TABLE word (letter varchar(1))");
        session.run("CREATE VIEW small AS SELECT * FROM item WHERE id < 10 WITH CHECK OPTION");
    }

    private static Arguments error(String state, FailureKind kind, String statement) {
        return Arguments.of(state, kind, statement);
    }

    static Stream<Arguments> errors() {
        return Stream.of(
                error("23505", FailureKind.UNIQUE, "INSERT INTO item VALUES (1, 0)"),
                error("23503", FailureKind.FOREIGN_KEY, "INSERT INTO child VALUES (99)"),
                error("23503 or 23001", FailureKind.FOREIGN_KEY, "DELETE FROM item WHERE id = 2"),
                error("23514", FailureKind.CHECK, "INSERT INTO item VALUES (3, -1)"),
                error("44000", FailureKind.CHECK, "INSERT INTO small VALUES (11, 0)"),
                error("23502", FailureKind.NOT_NULL, "INSERT INTO item VALUES (3, null)"),
                error("23P01", FailureKind.EXCLUSION, "INSERT INTO booking VALUES ('[4,9)')"),
                error("22012", FailureKind.DATA, "SELECT 1 / 0"),
                error("22003", FailureKind.DATA, "SELECT 2147483647 + 1"),
                error("22P02", FailureKind.DATA, "SELECT 'x'::int"),
                error("22001", FailureKind.DATA, "INSERT INTO word VALUES ('ab')"),
                error("21000", FailureKind.DATA, "SELECT (SELECT n FROM item)"),
                error("42601", FailureKind.SYNTAX, "SELEKT 1"),
                error("42P01", FailureKind.SYNTAX, "SELECT * FROM nowhere"),
                error("42703", FailureKind.SYNTAX, "SELECT nothing FROM item"),
                error("42501", FailureKind.PERMISSION, "SET LOCAL ROLE pg_monitor; TABLE pg_authid"),
                error("0A000", FailureKind.UNSUPPORTED, "SELECT count(*) FROM item FOR UPDATE"),
                error("3B001", FailureKind.TX_STATE, "ROLLBACK TO SAVEPOINT nowhere"),
                error("25001", FailureKind.TX_STATE, "SELECT 1; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"),
                error("25006", FailureKind.READ_ONLY, "SET TRANSACTION READ ONLY; DELETE FROM booking"),
                error("25006", FailureKind.READ_ONLY, "SET TRANSACTION READ ONLY; SELECT * FROM item FOR SHARE"),
                error("P0001", FailureKind.OTHER, "DO $$ BEGIN RAISE EXCEPTION 'no'; END $$"));
    }

    @ParameterizedTest(name = "{0} {1}: {2}")
    @MethodSource("errors")
    void anErrorIsOfItsKind_andAbortsUntilTheSavepoint(String state, FailureKind kind, String statement)
            throws SQLException {
        Session session = begun();
        SQLException error = session.errorOf(statement);
        Failure failure = classified(error, session);

        assertThat(state).contains(String.valueOf(error.getSQLState()));
        assertThat(failure.kind()).isEqualTo(kind);
        assertThat(failure.effect()).isEqualTo(FailureEffect.SCOPE);
        assertAbortedUntilTheSavepoint(session);
    }

    @ParameterizedTest(name = "{0} {1}: {2}")
    @MethodSource("errors")
    void aDriverThatSaysNothingChangesNothing(String state, FailureKind kind, String statement) throws SQLException {
        Session session = begun();
        SQLException error = session.errorOf(statement);
        Failure failure = DIALECT.classify(error, Moment.of(Phase.STATEMENT, PLAIN), profile());

        assertThat(failure.kind()).isEqualTo(kind);
        assertThat(failure.effect()).isEqualTo(FailureEffect.SCOPE);
    }

    @Test
    void aSerializationFailureAtRepeatableReadIsNotHealedByASavepoint() throws SQLException {
        Wish wish = Wish.of(TxOptions.of(REPEATABLE_READ));
        Session session = begun(wish, "");
        session.run("SELECT * FROM item");
        open().run("UPDATE item SET n = 1 WHERE id = 1");
        Failure failure = classified(session.errorOf("UPDATE item SET n = 2 WHERE id = 1"), session, wish);

        assertThat(failure.kind()).isEqualTo(FailureKind.SERIALIZATION);
        assertThat(failure.effect()).isEqualTo(FailureEffect.DOOMED);
        session.run("ROLLBACK TO SAVEPOINT before_it");
        assertThat(session.errorOf("UPDATE item SET n = 2 WHERE id = 1").getSQLState())
                .isEqualTo("40001");
    }

    @Test
    void aSerializationFailureAtReadCommittedIsHealedByASavepoint() throws Exception {
        Session maker = open();
        maker.run("CREATE TABLE moving (id int, place int) PARTITION BY LIST (place)");
        maker.run("CREATE TABLE moving_1 PARTITION OF moving FOR VALUES IN (1)");
        maker.run("CREATE TABLE moving_2 PARTITION OF moving FOR VALUES IN (2)");
        maker.run("INSERT INTO moving VALUES (1, 1)");
        Session mover = open();
        mover.connection.setAutoCommit(false);
        mover.run("UPDATE moving SET place = 2 WHERE id = 1");
        Session session = begun();
        String pid = String.valueOf(session.ask("SELECT pg_backend_pid()"));
        CompletableFuture<SQLException> error =
                meanwhile(() -> session.errorOf("UPDATE moving SET id = id WHERE id = 1"));
        awaitWaiting(pid);
        mover.connection.commit();
        Failure failure = classified(finished(error), session);

        assertThat(failure.sqlState()).isEqualTo("40001");
        assertThat(failure.kind()).isEqualTo(FailureKind.SERIALIZATION);
        assertThat(failure.effect()).isEqualTo(FailureEffect.SCOPE);
        session.run("ROLLBACK TO SAVEPOINT before_it");
        session.run("UPDATE moving SET id = id WHERE id = 1");
        assertGoesOn(session);
    }

    @Test
    void aStatementWhoseTableWasAlteredSinceItWasPreparedMayBeRunAgain() throws SQLException {
        Session session = open("&prepareThreshold=1");
        try (PreparedStatement prepared = session.connection.prepareStatement("SELECT * FROM item")) {
            prepared.executeQuery();
            open().run("ALTER TABLE item ADD more int");
            session.perform(DIALECT.plan(PLAIN, profile()).begin());
            session.run("SAVEPOINT before_it");
            SQLException error = catchThrowableOfType(SQLException.class, prepared::executeQuery);
            Failure failure = classified(error, session);

            assertThat(failure.sqlState()).isEqualTo("0A000");
            assertThat(failure.kind()).isEqualTo(FailureKind.SERIALIZATION);
            assertThat(failure.effect()).isEqualTo(FailureEffect.SCOPE);
            session.perform(DIALECT.plan(PLAIN, profile()).abort());
            session.perform(DIALECT.plan(PLAIN, profile()).begin());
            prepared.executeQuery(); // the driver prepares it anew
            session.perform(DIALECT.plan(PLAIN, profile()).abort());
        }
    }

    @Test
    void aDriverThatGoesBackToItsOwnSavepointLeavesTheTransactionOpen() throws SQLException {
        Session session = begun(PLAIN, "&autosave=always");
        Failure failure = classified(session.errorOf("INSERT INTO item VALUES (1, 0)"), session);

        assertThat(failure.kind()).isEqualTo(FailureKind.UNIQUE);
        assertThat(failure.effect()).isEqualTo(FailureEffect.NONE);
        assertGoesOn(session);
    }

    @Test
    void anErrorOfTheDriverBeforeAnythingWasSentHasEndedNothing() throws SQLException {
        Session session = open();
        session.perform(DIALECT.plan(PLAIN, profile()).begin());
        SQLException error;
        try (PreparedStatement statement = session.connection.prepareStatement("SELECT ?")) {
            error = catchThrowableOfType(SQLException.class, () -> statement.setInt(7, 1));
        }

        assertThat(session.state()).isEqualTo(DriverState.IDLE);
        assertThat(classified(error, session).effect()).isEqualTo(FailureEffect.NONE);
        session.run("INSERT INTO item VALUES (50, 0)");
        session.perform(DIALECT.plan(PLAIN, profile()).commit().message());
        assertThat(count("id = 50")).isOne();
    }

    @Test
    void anErrorOfTheDriverLeavesTheTransactionOpen() throws SQLException {
        Session session = begun();
        SQLException error;
        try (Statement statement = session.connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT 'x'")) {
            row.next();
            error = catchThrowableOfType(SQLException.class, () -> row.getInt(1));
        }

        assertThat(classified(error, session).effect()).isEqualTo(FailureEffect.NONE);
        assertThat(DIALECT.classify(error, Moment.of(Phase.STATEMENT, PLAIN), profile())
                        .effect())
                .isEqualTo(FailureEffect.NONE);
        assertGoesOn(session);
    }

    @Test
    void theErrorOfABatchIsThatOfItsStatement() throws SQLException {
        Session session = begun();
        SQLException error;
        try (Statement statement = session.connection.createStatement()) {
            statement.addBatch("INSERT INTO item VALUES (3, 0)");
            statement.addBatch("INSERT INTO item VALUES (1, 0)");
            error = catchThrowableOfType(SQLException.class, statement::executeBatch);
        }

        assertThat((Throwable) error).isInstanceOf(BatchUpdateException.class);
        assertThat(classified(error, session).kind()).isEqualTo(FailureKind.UNIQUE);
        assertAbortedUntilTheSavepoint(session);
    }

    @Test
    void anErrorOutsideATransactionLeavesNothingBehind() throws SQLException {
        Session session = open();
        SQLException error = session.errorOf("INSERT INTO item VALUES (1, 0)");
        Moment moment = Moment.of(Phase.OUTSIDE, PLAIN).driverState(session.state());

        assertThat(DIALECT.classify(error, moment, profile()).effect()).isEqualTo(FailureEffect.NONE);
        session.run("INSERT INTO item VALUES (3, 0)");
    }
}
