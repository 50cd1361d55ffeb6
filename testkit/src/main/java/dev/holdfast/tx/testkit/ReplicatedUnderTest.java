package dev.holdfast.tx.testkit;

import java.sql.SQLException;
import javax.sql.DataSource;

/** A primary and a replica of the database under test, and how far the one is behind the other, as a test wants it. */
public interface ReplicatedUnderTest {
    /** Fresh sessions of the one that takes writes. */
    DataSource primary();

    /** Fresh sessions of the one that follows it. */
    DataSource replica();

    /** The replica applies nothing from now on; what was applied before stays. */
    void pause() throws SQLException;

    /** The replica applies again what has come. */
    void resume() throws SQLException;
}
