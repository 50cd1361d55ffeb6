package dev.holdfast.tx.sqlite;

import static dev.holdfast.tx.sqlite.Database.DIALECT;
import static dev.holdfast.tx.sqlite.Database.session;
import static dev.holdfast.tx.sqlite.Database.state;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.BeginMode;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.spi.DriverState;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;

/** A connection of a pool, in each state in which pools keep theirs, for plans to be carried out on. */
@ParameterizedClass
@CsvSource({"WAL, true", "WAL, false", "DELETE, true", "DELETE, false"})
abstract class PlannedRuns {
    static final TxOptions NONE = TxOptions.none();
    static final Duration LONG = Duration.ofSeconds(7);

    final String journal;
    final boolean autocommit;
    Database database;
    Connection connection;
    DriverState idle;

    PlannedRuns(String journal, boolean autocommit) {
        this.journal = journal;
        this.autocommit = autocommit;
    }

    @BeforeEach
    void open() throws SQLException {
        database = Database.file(journal);
        connection = database.open();
        connection.setAutoCommit(autocommit);
        idle = autocommit ? DriverState.IDLE : DriverState.OPEN;
    }

    @AfterEach
    void close() throws SQLException {
        database.close();
    }

    TxPlan plan(TxOptions options) throws SQLException {
        return DIALECT.plan(Wish.of(options), Database.profile(connection));
    }

    Runner begun(TxPlan plan) throws SQLException {
        Runner runner = new Runner(connection);
        runner.perform(plan.begin());
        return runner;
    }

    /** The connection is as the pool gave it: its settings, and nothing of ours open. */
    void assertAsFound(Map<String, String> before) throws SQLException {
        assertThat(session(connection)).isEqualTo(before);
        assertThat(database.isFree()).as("the write lock is free").isTrue();
        assertThat(state(connection)).isEqualTo(idle);
        if (!autocommit) {
            connection.rollback(); // as a pool does
            assertThat(state(connection)).isEqualTo(DriverState.OPEN);
        }
    }

    static List<TxOptions> kinds() {
        TxOptions lock = NONE.lockTimeout(LONG);
        return List.of(
                NONE,
                TxOptions.of(Isolation.READ_COMMITTED).readWrite(),
                lock,
                NONE.deferConstraints(),
                lock.deferConstraints(),
                NONE.beginMode(BeginMode.DEFERRED),
                lock.beginMode(BeginMode.EXCLUSIVE).deferConstraints(),
                NONE.statementTimeout(Duration.ofMillis(5)),
                NONE.readOnly(),
                lock.readOnly(),
                lock.readOnly().deferConstraints(),
                NONE.readOnlyHint());
    }

    static Stream<TxOptions> writing() {
        return kinds().stream()
                .filter(options -> SqlitePlans.mode(options, SqlitePlansTest.WRITER) != BeginMode.DEFERRED);
    }
}
