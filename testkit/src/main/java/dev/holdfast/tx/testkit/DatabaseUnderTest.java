package dev.holdfast.tx.testkit;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.Identity;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import javax.sql.DataSource;

/**
 * A database, a dialect and an engine that are to be proved together: the one type that the author of a dialect writes.
 * Used by one test at a time.
 */
public interface DatabaseUnderTest {
    /** What reports call it, with its version. */
    String name();

    /**
     * What tells this from others under test on the same server, such as its driver, in a word or two: the files of the
     * report are named with it. Empty where nothing has to.
     */
    default String variant() {
        return "";
    }

    /** The dialect to prove. */
    Dialect dialect();

    /**
     * Fresh sessions of the database, without a pool and outside of the engine; all see the same tables.
     *
     * @throws SQLException if the database cannot be reached
     * @throws Untested if there is none on this machine: the tests are not run
     */
    DataSource sessions() throws SQLException;

    /**
     * A pool over the given sessions; closed by the test if it is closeable. One of HikariCP's unless overridden, told to
     * leave it to the engine which errors cost a connection, as {@code Holdfast.connect} tells its own.
     *
     * @param sessions where its connections come from
     * @param size how many connections at the most
     * @param autocommit how connections come from it
     * @throws IllegalStateException if HikariCP is not on the class path
     */
    default DataSource pool(DataSource sessions, int size, Identity.Autocommit autocommit) {
        try {
            return HikariPool.of(sessions, size, autocommit);
        } catch (NoClassDefFoundError e) {
            throw new IllegalStateException(
                    "HikariCP is not on the class path of the tests; add com.zaxxer:HikariCP, or override"
                            + " DatabaseUnderTest.pool",
                    e);
        }
    }

    /** The engine to prove, on a data source and with the dialect; closed by the test. */
    Transactor transactor(EngineSetup setup);

    /** What a transaction may change of a session and JDBC does not tell of: queries, each with an answer of one row. */
    default List<String> sessionQueries() {
        return List.of();
    }

    /**
     * Where no session query tells it: queries for the level of the transaction that is running, each with an answer of one
     * row. They are asked seldom, and may take their time.
     */
    default List<String> levelQueries() {
        return List.of();
    }

    /** Where the server listens; empty where driver and database share a process. */
    default Optional<Network> network() {
        return Optional.empty();
    }

    /** Two servers of this database, one of which follows the other; empty where tests have none. */
    default Optional<ReplicatedUnderTest> replicated() {
        return Optional.empty();
    }

    /** The cases that are known to fail, with the reasons. */
    default List<Waiver> waivers() {
        return List.of();
    }

    /** What is to be played with faults besides what every database plays. */
    default List<FaultScenario> faultScenarios() {
        return List.of();
    }
}
