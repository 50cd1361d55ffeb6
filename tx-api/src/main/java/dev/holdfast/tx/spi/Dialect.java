package dev.holdfast.tx.spi;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.TxUnsupportedException;
import java.sql.SQLException;
import java.util.Optional;

/** One family of databases. Implementations have a public constructor without parameters and hold no state. */
public interface Dialect {
    /** The level of this interface; a dialect returns the constant it was compiled with from {@link #spiLevel()}. */
    int SPI_LEVEL = 1;

    /** A short name for errors and reports, such as {@code postgresql}. */
    String name();

    /** {@link #SPI_LEVEL} as it was when the dialect was compiled. */
    int spiLevel();

    /** Whether this dialect is for the database behind a data source. */
    Match accepts(Identity identity);

    /** How {@code Holdfast.connect} should open pools for a JDBC URL; empty if the URL is not this dialect's. */
    default Optional<PoolAdvice> advise(String url) {
        return Optional.empty();
    }

    /** What to ask a database once, when a data source is taken into use. Must provoke no error on any server accepted. */
    Message probe(Identity identity);

    /**
     * What the database is and can do.
     *
     * @param answers what the {@link #probe} read
     */
    Profile profile(Identity identity, Answers answers);

    /** The profile of the newest server with its default settings, for documents and {@code explain} without a server. */
    Profile typicalProfile();

    /**
     * How a transaction begins and ends.
     *
     * @throws TxUnsupportedException if the database cannot do what is wished; it says what to ask for instead
     */
    TxPlan plan(Wish wish, Profile profile) throws TxUnsupportedException;

    /** How savepoints are made. */
    Savepoints savepoints(Profile profile);

    /**
     * How rows are locked.
     *
     * @param inForce the options of the transaction the lock is taken in
     * @throws TxUnsupportedException if the database cannot lock like this; it says what to ask for instead
     */
    LockPlan lock(RowLock lock, Wish inForce, Profile profile) throws TxUnsupportedException;

    /**
     * What an error is, did and means. Reads {@code getNextException} and vendor types; never text that a server
     * translates.
     */
    Failure classify(SQLException error, Moment moment, Profile profile);

    /** What the driver knows by itself, without a packet. */
    default DriverPort port() {
        return DriverPort.NONE;
    }

    /**
     * Asks where a transaction stands after an error of a statement whose effect is {@code ASK}. Sent then, and only if the
     * {@linkplain #port driver} does not know; without it such a transaction counts as doomed.
     */
    default Optional<Standing> standing(Profile profile) {
        return Optional.empty();
    }

    /**
     * How it is found out what became of a transaction whose COMMIT was not answered; empty where it cannot be. It says what
     * a verifiable transaction is planned with: {@link Wish.Carry#TX_ID} or {@link Wish.Carry#MARKER}.
     */
    default Optional<Settlement> settlement(Profile profile) {
        return Optional.empty();
    }

    /**
     * How it is found out that a message of several statements will not be answered; empty where each is. What is empty costs
     * nothing.
     */
    default Optional<LostAnswers> lostAnswers(Profile profile) {
        return Optional.empty();
    }

    /**
     * How servers that follow this one are read from; empty where there are none, or nothing is known of them. Without it
     * replicas are refused.
     */
    default Optional<Replication> replication(Profile profile) {
        return Optional.empty();
    }

    /**
     * Sent in a transaction before the caller gets the driver's own connection, if the port says that none is open there:
     * what a driver holds back until the first statement must be out by then.
     */
    default Message beforeUnwrap(Profile profile) {
        return Message.nothing();
    }

    /**
     * How the schema of a session is put back after {@code Connection.setSchema}; empty where {@code getSchema} tells all
     * that {@code setSchema} changes.
     */
    default Optional<SettingSql> schema(Profile profile) {
        return Optional.empty();
    }

    /**
     * What the text of a caller's statement does to the transaction it is sent in. Asked before every statement, so it should
     * look at the first words and no further.
     */
    default TextEffect effectOf(String sql, Profile profile) {
        return TextEffect.UNTOLD;
    }

    /** What only tests need. */
    default TestHooks testHooks(Profile profile) {
        return TestHooks.NONE;
    }
}
