package dev.holdfast.tx.sqlite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.holdfast.tx.CommitFate;
import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureEffect;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.Moment.Cancelled;
import dev.holdfast.tx.spi.Moment.Phase;
import dev.holdfast.tx.spi.Wish;
import java.io.IOException;
import java.io.InputStream;
import java.sql.BatchUpdateException;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLTransientConnectionException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** If a row fails, look at the table in SqliteFailures. */
class SqliteFailuresTest {
    private static SQLiteException error(SQLiteErrorCode code) {
        return new SQLiteException("[" + code.name() + "] said SQLite", code);
    }

    private static Moment at(Phase phase, DriverState state) {
        return Moment.of(phase, Wish.of(TxOptions.none())).driverState(state);
    }

    private static Failure classify(SQLException error, Moment moment) {
        return new SqliteDialect().classify(error, moment, SqlitePlansTest.WRITER);
    }

    static Stream<Arguments> rows() {
        return Stream.of(
                arguments(SQLiteErrorCode.SQLITE_ERROR, FailureKind.SYNTAX, FailureEffect.NONE),
                arguments(SQLiteErrorCode.SQLITE_INTERNAL, FailureKind.OTHER, FailureEffect.ASK),
                arguments(SQLiteErrorCode.SQLITE_PERM, FailureKind.PERMISSION, FailureEffect.NONE),
                arguments(SQLiteErrorCode.SQLITE_ABORT, FailureKind.TX_ABORTED, FailureEffect.ASK),
                arguments(SQLiteErrorCode.SQLITE_ABORT_ROLLBACK, FailureKind.TX_ABORTED, FailureEffect.ASK),
                arguments(SQLiteErrorCode.SQLITE_BUSY, FailureKind.LOCK_TIMEOUT, FailureEffect.ASK),
                arguments(SQLiteErrorCode.SQLITE_BUSY_RECOVERY, FailureKind.LOCK_TIMEOUT, FailureEffect.ASK),
                arguments(SQLiteErrorCode.SQLITE_BUSY_SNAPSHOT, FailureKind.SERIALIZATION, FailureEffect.DOOMED),
                arguments(SQLiteErrorCode.SQLITE_LOCKED, FailureKind.LOCK_TIMEOUT, FailureEffect.ASK),
                arguments(SQLiteErrorCode.SQLITE_LOCKED_SHAREDCACHE, FailureKind.LOCK_TIMEOUT, FailureEffect.ASK),
                arguments(SQLiteErrorCode.SQLITE_NOMEM, FailureKind.RESOURCES, FailureEffect.ASK),
                arguments(SQLiteErrorCode.SQLITE_READONLY, FailureKind.READ_ONLY, FailureEffect.NONE),
                arguments(SQLiteErrorCode.SQLITE_READONLY_DBMOVED, FailureKind.READ_ONLY, FailureEffect.NONE),
                arguments(SQLiteErrorCode.SQLITE_INTERRUPT, FailureKind.CANCELLED, FailureEffect.ASK),
                arguments(SQLiteErrorCode.SQLITE_IOERR, FailureKind.RESOURCES, FailureEffect.ASK),
                arguments(SQLiteErrorCode.SQLITE_IOERR_FSYNC, FailureKind.RESOURCES, FailureEffect.ASK),
                arguments(SQLiteErrorCode.SQLITE_CORRUPT, FailureKind.OTHER, FailureEffect.ASK),
                arguments(SQLiteErrorCode.SQLITE_FULL, FailureKind.RESOURCES, FailureEffect.ASK),
                arguments(SQLiteErrorCode.SQLITE_CANTOPEN, FailureKind.OTHER, FailureEffect.ASK),
                arguments(SQLiteErrorCode.SQLITE_PROTOCOL, FailureKind.LOCK_TIMEOUT, FailureEffect.ASK),
                arguments(SQLiteErrorCode.SQLITE_SCHEMA, FailureKind.SERIALIZATION, FailureEffect.ASK),
                arguments(SQLiteErrorCode.SQLITE_TOOBIG, FailureKind.DATA, FailureEffect.NONE),
                arguments(SQLiteErrorCode.SQLITE_CONSTRAINT, FailureKind.OTHER, FailureEffect.ASK),
                arguments(SQLiteErrorCode.SQLITE_CONSTRAINT_CHECK, FailureKind.CHECK, FailureEffect.ASK),
                arguments(SQLiteErrorCode.SQLITE_CONSTRAINT_FOREIGNKEY, FailureKind.FOREIGN_KEY, FailureEffect.ASK),
                arguments(SQLiteErrorCode.SQLITE_CONSTRAINT_NOTNULL, FailureKind.NOT_NULL, FailureEffect.ASK),
                arguments(SQLiteErrorCode.SQLITE_CONSTRAINT_PRIMARYKEY, FailureKind.UNIQUE, FailureEffect.ASK),
                arguments(SQLiteErrorCode.SQLITE_CONSTRAINT_UNIQUE, FailureKind.UNIQUE, FailureEffect.ASK),
                arguments(SQLiteErrorCode.SQLITE_CONSTRAINT_ROWID, FailureKind.UNIQUE, FailureEffect.ASK),
                arguments(SQLiteErrorCode.SQLITE_CONSTRAINT_TRIGGER, FailureKind.OTHER, FailureEffect.ASK),
                arguments(SQLiteErrorCode.SQLITE_CONSTRAINT_VTAB, FailureKind.OTHER, FailureEffect.ASK),
                arguments(SQLiteErrorCode.SQLITE_CONSTRAINT_DATATYPE, FailureKind.DATA, FailureEffect.ASK),
                arguments(SQLiteErrorCode.SQLITE_MISMATCH, FailureKind.DATA, FailureEffect.NONE),
                arguments(SQLiteErrorCode.SQLITE_NOLFS, FailureKind.UNSUPPORTED, FailureEffect.NONE),
                arguments(SQLiteErrorCode.SQLITE_AUTH, FailureKind.PERMISSION, FailureEffect.NONE),
                arguments(SQLiteErrorCode.SQLITE_RANGE, FailureKind.SYNTAX, FailureEffect.NONE),
                arguments(SQLiteErrorCode.SQLITE_NOTADB, FailureKind.OTHER, FailureEffect.ASK),
                arguments(SQLiteErrorCode.UNKNOWN_ERROR, FailureKind.OTHER, FailureEffect.ASK));
    }

    @ParameterizedTest
    @MethodSource("rows")
    void a_code_has_its_kind_and_where_the_driver_is_silent_its_effect(
            SQLiteErrorCode code, FailureKind kind, FailureEffect effect) {
        Failure failure = classify(error(code), at(Phase.STATEMENT, DriverState.UNKNOWN));
        assertThat(failure.kind()).isEqualTo(kind);
        assertThat(failure.effect()).isEqualTo(effect);
    }

    @ParameterizedTest
    @EnumSource(SQLiteErrorCode.class)
    void where_the_driver_reports_no_transaction_every_error_has_ended_it(SQLiteErrorCode code) {
        assertThat(classify(error(code), at(Phase.STATEMENT, DriverState.IDLE)).effect())
                .isEqualTo(FailureEffect.ENDED);
    }

    @ParameterizedTest
    @EnumSource(SQLiteErrorCode.class)
    void where_the_driver_reports_one_open_only_a_stale_snapshot_has_doomed_it(SQLiteErrorCode code) {
        assertThat(classify(error(code), at(Phase.STATEMENT, DriverState.OPEN)).effect())
                .isEqualTo(code == SQLiteErrorCode.SQLITE_BUSY_SNAPSHOT ? FailureEffect.DOOMED : FailureEffect.NONE);
    }

    @ParameterizedTest
    @EnumSource(
            value = Phase.class,
            names = {"ACQUIRE", "BEGIN", "ABORT", "OUTSIDE"})
    void outside_a_transaction_there_is_nothing_to_have_an_effect_on(Phase phase) {
        assertThat(classify(error(SQLiteErrorCode.SQLITE_BUSY), at(phase, DriverState.IDLE))
                        .effect())
                .isEqualTo(FailureEffect.NONE);
    }

    @ParameterizedTest
    @CsvSource({
        "SQLITE_BUSY,                  OPEN,    STILL_OPEN",
        "SQLITE_BUSY,                  UNKNOWN, STILL_OPEN",
        "SQLITE_CONSTRAINT_FOREIGNKEY, OPEN,    STILL_OPEN",
        "SQLITE_CONSTRAINT_FOREIGNKEY, UNKNOWN, STILL_OPEN",
        "SQLITE_CONSTRAINT_FOREIGNKEY, IDLE,    ROLLED_BACK",
        "SQLITE_FULL,                  IDLE,    ROLLED_BACK",
        "SQLITE_FULL,                  OPEN,    STILL_OPEN",
        "SQLITE_FULL,                  UNKNOWN, UNKNOWN",
        "SQLITE_CORRUPT,               IDLE,    ROLLED_BACK",
        "SQLITE_READONLY,              OPEN,    STILL_OPEN",
        "SQLITE_IOERR_FSYNC,           IDLE,    UNKNOWN",
        "SQLITE_IOERR_DIR_FSYNC,       IDLE,    UNKNOWN",
        "SQLITE_NOMEM,                 IDLE,    UNKNOWN",
        "SQLITE_INTERRUPT,             OPEN,    UNKNOWN",
        "SQLITE_INTERRUPT,             UNKNOWN, UNKNOWN",
        "UNKNOWN_ERROR,                UNKNOWN, UNKNOWN",
    })
    void an_error_that_answers_COMMIT_says_what_became_of_it(SQLiteErrorCode code, DriverState state, CommitFate fate) {
        assertThat(classify(error(code), at(Phase.COMMIT, state)).atCommit()).isEqualTo(fate);
    }

    @Test
    void a_COMMIT_of_what_nobody_saw_end_settles_nothing() {
        SQLException error = new SQLiteException(
                "[SQLITE_ERROR] SQL error (cannot commit - no transaction is active)", SQLiteErrorCode.SQLITE_ERROR);
        Failure failure = classify(error, at(Phase.COMMIT, DriverState.IDLE));
        assertThat(failure.kind()).isEqualTo(FailureKind.TX_STATE);
        assertThat(failure.atCommit()).isEqualTo(CommitFate.UNKNOWN);
    }

    @ParameterizedTest
    @CsvSource({"NOT, CANCELLED", "BY_CALLER, CANCELLED", "BY_LIMIT, STATEMENT_TIMEOUT"})
    void an_interrupt_is_what_it_was_done_for(Cancelled cancelled, FailureKind kind) {
        Moment moment = at(Phase.STATEMENT, DriverState.OPEN).cancelled(cancelled);
        assertThat(classify(error(SQLiteErrorCode.SQLITE_INTERRUPT), moment).kind())
                .isEqualTo(kind);
    }

    @Test
    void the_error_of_a_batch_is_found_behind_it() {
        SQLException batch = new BatchUpdateException(
                "batch entry 0", null, 0, new int[0], error(SQLiteErrorCode.SQLITE_CONSTRAINT_UNIQUE));
        Failure failure = classify(batch, at(Phase.STATEMENT, DriverState.OPEN));
        assertThat(failure.kind()).isEqualTo(FailureKind.UNIQUE);
        assertThat((Object) failure.error()).isSameAs(batch);
    }

    @Test
    void an_error_is_found_in_the_chain_of_another() {
        SQLException first = new SQLException("wrapped");
        first.setNextException(new SQLException("again", error(SQLiteErrorCode.SQLITE_BUSY_SNAPSHOT)));
        assertThat(classify(first, at(Phase.STATEMENT, DriverState.OPEN)).kind())
                .isEqualTo(FailureKind.SERIALIZATION);
    }

    @Test
    void a_chain_that_bites_its_tail_ends() {
        SQLException first = new SQLException("first");
        SQLException second = new SQLException("second", first);
        first.setNextException(second);
        assertThat(classify(first, at(Phase.STATEMENT, DriverState.OPEN)).kind())
                .isEqualTo(FailureKind.OTHER);
    }

    @Test
    void a_pool_that_has_no_connection_to_give_says_so() {
        SQLException timeout = new SQLTransientConnectionException("Connection is not available");
        assertThat(classify(timeout, at(Phase.ACQUIRE, DriverState.UNKNOWN)).kind())
                .isEqualTo(FailureKind.TOO_MANY_CONNECTIONS);
    }

    @ParameterizedTest
    @CsvSource({"SQLITE_CANTOPEN, CONNECTION_LOST", "SQLITE_BUSY, LOCK_TIMEOUT", "SQLITE_NOTADB, OTHER"})
    void a_pool_that_could_not_open_one_has_the_error_behind_it_decide(SQLiteErrorCode code, FailureKind kind) {
        SQLException timeout = new SQLTransientConnectionException("Connection is not available", error(code));
        assertThat(classify(timeout, at(Phase.ACQUIRE, DriverState.UNKNOWN)).kind())
                .isEqualTo(kind);
    }

    @Test
    void what_the_driver_cannot_do_is_unsupported() {
        Failure failure = classify(new SQLFeatureNotSupportedException(), at(Phase.STATEMENT, DriverState.UNKNOWN));
        assertThat(failure.kind()).isEqualTo(FailureKind.UNSUPPORTED);
        assertThat(failure.effect()).isEqualTo(FailureEffect.NONE);
    }

    @ParameterizedTest
    @MethodSource("lost")
    void a_connection_that_is_gone_is_lost_and_settles_no_COMMIT(SQLException error) {
        Failure failure = classify(error, at(Phase.COMMIT, DriverState.UNKNOWN));
        assertThat(failure.kind()).isEqualTo(FailureKind.CONNECTION_LOST);
        assertThat(failure.effect()).isEqualTo(FailureEffect.LOST);
        assertThat(failure.atCommit()).isEqualTo(CommitFate.UNKNOWN);
    }

    static Stream<SQLException> lost() {
        return Stream.of(
                new SQLException("database connection closed"),
                new SQLException("The database has been closed"),
                new SQLException("gone", "08003"),
                new SQLNonTransientConnectionException("gone"),
                new SQLTransientConnectionException("gone"));
    }

    @Test
    void what_says_nothing_is_asked_about() {
        Failure failure = classify(new SQLException(), at(Phase.STATEMENT, DriverState.UNKNOWN));
        assertThat(failure.kind()).isEqualTo(FailureKind.OTHER);
        assertThat(failure.effect()).isEqualTo(FailureEffect.ASK);
    }

    @ParameterizedTest
    @CsvSource({"5, LOCK_TIMEOUT", "19, OTHER", "9, CANCELLED"})
    void without_the_drivers_own_exception_the_primary_code_decides(int code, FailureKind kind) {
        SQLException error = new SQLException("wrapped by something", null, code);
        assertThat(classify(error, at(Phase.STATEMENT, DriverState.OPEN)).kind())
                .isEqualTo(kind);
    }

    @Test
    void the_dialect_works_where_sqlite_jdbc_is_absent() throws Exception {
        Dialect dialect = (Dialect) new WithoutDriver()
                .loadClass(SqliteDialect.class.getName())
                .getConstructor()
                .newInstance();
        SQLException error = new SQLException("wrapped by something", null, 5);
        Failure failure = dialect.classify(error, at(Phase.STATEMENT, DriverState.OPEN), SqlitePlansTest.WRITER);
        assertThat(failure.kind()).isEqualTo(FailureKind.LOCK_TIMEOUT);
        assertThat(dialect.plan(Wish.of(TxOptions.none()), dialect.typicalProfile())
                        .begin()
                        .statements())
                .containsExactly("BEGIN IMMEDIATE");
    }

    /** Loads the dialect anew, and nothing of the driver. */
    private static final class WithoutDriver extends ClassLoader {
        WithoutDriver() {
            super(SqliteFailuresTest.class.getClassLoader());
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            if (name.startsWith("org.sqlite.")) {
                throw new ClassNotFoundException(name);
            }
            if (!name.startsWith("dev.holdfast.tx.sqlite.")) {
                return super.loadClass(name, resolve);
            }
            Class<?> loaded = findLoadedClass(name);
            if (loaded != null) {
                return loaded;
            }
            try (InputStream bytes = getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
                if (bytes == null) {
                    throw new ClassNotFoundException(name);
                }
                byte[] all = bytes.readAllBytes();
                return defineClass(name, all, 0, all.length);
            } catch (IOException e) {
                throw new ClassNotFoundException(name, e);
            }
        }
    }
}
