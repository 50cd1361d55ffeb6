package dev.holdfast.samples.joined;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Transactor;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Objects;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What holds for every library that runs its statements on a connection of ours. A client's test says how the library
 * is given that connection, and adds what is true of this library alone.
 */
@ParameterizedClass
@EnumSource(JoinedDatabase.class)
abstract class JoinContract {
    @Parameter
    JoinedDatabase database;

    Transactor db;

    @BeforeEach
    void connect() {
        db = database.connect();
        db.execute(tx -> {
            send(tx.connection(), "drop table if exists item");
            send(tx.connection(), "create table item (id bigint primary key, name varchar(40) not null unique)");
        });
    }

    @AfterEach
    void disconnect() {
        db.close();
    }

    // ---- the client's small program

    /** Writes one row, with a session of the client's that is closed again. */
    abstract void insert(DataSource source, long id, String name) throws Exception;

    /** Counts the rows, with a session of the client's that is closed again. */
    abstract long count(DataSource source) throws Exception;

    /** Writes one row in what the client takes for a transaction of its own, and commits that. */
    abstract void insertAndCommit(DataSource source, long id, String name) throws Exception;

    /** Writes one row in what the client takes for a transaction of its own, and rolls that back. */
    abstract void insertAndRollBack(DataSource source, long id, String name) throws Exception;

    /** What the client makes of the violation of a unique constraint; of both databases. */
    abstract Class<? extends Exception> uniqueViolation();

    // ---- what holds for all of them

    @Test
    void whatItWrites_isCommittedWithTheScope() throws Exception {
        db.execute(tx -> insert(tx.asDataSource(), 1, "anchor"));

        assertThat(rows()).isEqualTo(1);
        assertThat(count(db.asDataSource())).isEqualTo(1);
    }

    @Test
    void whatItWrites_isNotCommittedBeforeTheScopeEnds() {
        db.execute(tx -> {
            insert(tx.asDataSource(), 1, "anchor");

            assertThat(rows()).isZero();
        });
    }

    @Test
    void whatItWrites_isUndoneWhenTheScopeFails() throws Exception {
        assertThatThrownBy(() -> db.execute(tx -> {
                    insert(tx.asDataSource(), 1, "anchor");
                    throw new OutOfStock();
                }))
                .isInstanceOf(OutOfStock.class);

        assertThat(rows()).isZero();
    }

    @Test
    void itSeesWhatTheScopeHasWritten() {
        db.execute(tx -> {
            send(tx.connection(), "insert into item (id, name) values (1, 'anchor')");

            assertThat(count(tx.asDataSource())).isEqualTo(1);
        });
    }

    @Test
    void theScopeSeesWhatItHasWritten() {
        db.execute(tx -> {
            insert(tx.asDataSource(), 1, "anchor");

            assertThat(rows(tx.connection())).isEqualTo(1);
        });
    }

    @Test
    void whenItIsGivenTheTransactor_itJoinsWhateverRuns() throws Exception {
        DataSource always = db.asDataSource();
        insert(always, 1, "anchor");
        assertThatThrownBy(() -> db.execute(tx -> {
                    insert(always, 2, "buoy");
                    assertThat(count(always)).isEqualTo(2);
                    throw new OutOfStock();
                }))
                .isInstanceOf(OutOfStock.class);

        assertThat(count(always)).isEqualTo(1);
    }

    @Test
    void closingItsSession_leavesTheTransactionOpen() throws Exception {
        db.execute(tx -> {
            Connection ours = tx.connection();
            insert(tx.asDataSource(), 1, "anchor");

            assertThat(ours.isClosed()).isFalse();
            assertThat(tx.isActive()).isTrue();
            send(ours, "insert into item (id, name) values (2, 'buoy')");
        });

        assertThat(rows()).isEqualTo(2);
    }

    @Test
    void aNestedScopeThatFails_undoesItsPartOnly() throws Exception {
        db.execute(tx -> {
            insert(tx.asDataSource(), 1, "anchor");
            assertThatThrownBy(() -> tx.executeNested(sp -> {
                        insert(sp.asDataSource(), 2, "buoy");
                        throw new OutOfStock();
                    }))
                    .isInstanceOf(OutOfStock.class);
            insert(tx.asDataSource(), 3, "chain");
        });

        assertThat(rows()).isEqualTo(2);
    }

    @Test
    void itsError_isTheOneItThrowsWithoutHoldfast() throws Exception {
        insert(database.withoutHoldfast(), 1, "anchor");
        Throwable alone = catchThrowable(() -> insert(database.withoutHoldfast(), 2, "anchor"));
        Throwable joined = catchThrowable(() -> db.execute(tx -> insert(tx.asDataSource(), 2, "anchor")));

        assertThat(joined).isInstanceOf(uniqueViolation()).hasSameClassAs(alone);
    }

    @Test
    void itsError_isClassifiedAllTheSame() throws Exception {
        insert(db.asDataSource(), 1, "anchor");
        Throwable joined = catchThrowable(() -> db.execute(tx -> insert(tx.asDataSource(), 2, "anchor")));

        Failure failure = Objects.requireNonNull(db.classify(joined));
        assertThat(failure.kind()).isEqualTo(FailureKind.UNIQUE);
    }

    @Test
    void itsError_inANestedScope_isSurvived() throws Exception {
        db.execute(tx -> {
            insert(tx.asDataSource(), 1, "anchor");
            assertThatThrownBy(() -> tx.executeNested(sp -> insert(sp.asDataSource(), 2, "anchor")))
                    .isInstanceOf(uniqueViolation());
            insert(tx.asDataSource(), 3, "chain");
        });

        assertThat(rows()).isEqualTo(2);
    }

    @Test
    void itsOwnCommit_isRefused_andNothingIsCommitted() throws Exception {
        assertThatThrownBy(() -> db.execute(tx -> insertAndCommit(tx.asDataSource(), 1, "anchor")))
                .hasStackTraceContaining("commit() on a connection of Holdfast was refused; return from the scope");

        assertThat(rows()).isZero();
    }

    @Test
    void itsOwnRollback_endsNothing() throws Exception {
        db.execute(tx -> {
            insert(tx.asDataSource(), 1, "anchor");
            assertThatThrownBy(() -> insertAndRollBack(tx.asDataSource(), 2, "buoy"))
                    .hasStackTraceContaining(
                            "rollback() on a connection of Holdfast was refused; throw from the scope");

            assertThat(tx.isActive()).isTrue();
        });

        assertThat(rows()).isEqualTo(2);
    }

    // ---- without the client

    /** What others see. */
    long rows() throws SQLException {
        try (Connection other = database.withoutHoldfast().getConnection()) {
            return rows(other);
        }
    }

    private static long rows(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("select count(*) from item")) {
            rows.next();
            return rows.getLong(1);
        }
    }

    static void send(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** Fails a scope. */
    static final class OutOfStock extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }
}
