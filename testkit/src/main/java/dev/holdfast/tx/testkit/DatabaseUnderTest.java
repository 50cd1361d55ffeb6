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
     * A pool over the given sessions; closed by the test if it is closeable.
     *
     * @param sessions where its connections come from
     * @param size how many connections at the most
     * @param autocommit how connections come from it
     */
    DataSource pool(DataSource sessions, int size, Identity.Autocommit autocommit);

    /** The engine to prove, on a data source and with the dialect; closed by the test. */
    Transactor transactor(EngineSetup setup);

    /** What a transaction may change of a session and JDBC does not tell of: queries, each with an answer of one row. */
    default List<String> sessionQueries() {
        return List.of();
    }

    /** Where the server listens; empty where driver and database share a process. */
    default Optional<Network> network() {
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
