package dev.holdfast.tx.mysql;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.DriverPort;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.LockPlan;
import dev.holdfast.tx.spi.LostAnswers;
import dev.holdfast.tx.spi.Match;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.PoolAdvice;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Replication;
import dev.holdfast.tx.spi.Savepoints;
import dev.holdfast.tx.spi.Settlement;
import dev.holdfast.tx.spi.TestHooks;
import dev.holdfast.tx.spi.TextEffect;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import java.sql.SQLException;
import java.util.Optional;
import java.util.Set;

/**
 * MySQL and MariaDB, and what speaks their protocol: Amazon Aurora, TiDB, Vitess.
 *
 * <p>What the database receives:
 *
 * <table>
 * <caption>Options and statements</caption>
 * <tr><th>asked for</th><th>given</th></tr>
 * <tr><td>nothing</td><td>{@code START TRANSACTION} where connections idle on autocommit, nothing where they do not; {@code
 *     COMMIT} and {@code ROLLBACK} as SQL</td></tr>
 * <tr><td>an isolation level, READ_ONLY</td><td>{@code SET TRANSACTION}, for the one transaction (MySQL manual, SET
 *     TRANSACTION)</td></tr>
 * <tr><td>SNAPSHOT</td><td>on MariaDB REPEATABLE READ with {@code innodb_snapshot_isolation} (MariaDB manual, InnoDB System
 *     Variables); refused on all others</td></tr>
 * <tr><td>a lock timeout</td><td>{@code innodb_lock_wait_timeout} and {@code lock_wait_timeout}, in whole seconds, put back
 *     before COMMIT in the same message</td></tr>
 * <tr><td>a statement timeout</td><td>{@code max_execution_time}, which holds for SELECT, or MariaDB's
 *     {@code max_statement_time}; put back as well</td></tr>
 * <tr><td>a whole timeout</td><td>{@code wait_timeout}, or MariaDB's {@code idle_transaction_timeout}, a second later, put back as
 *     well: the server ends a transaction whose client has gone. On TiDB and Vitess the client keeps it alone</td></tr>
 * <tr><td>{@link MysqlOptions#CONSISTENT_SNAPSHOT}</td><td>{@code START TRANSACTION WITH CONSISTENT SNAPSHOT}</td></tr>
 * <tr><td>verifiable</td><td>a row of a table, in front of {@code COMMIT} in the same message: see {@code
 *     Holdfast.markerTable}. Refused on TiDB and Vitess, for read-only transactions, and on connections without a
 *     database</td></tr>
 * </table>
 *
 * <p>Refused: deferred constraints, begin modes.
 *
 * <p>On a pool of Holdfast's own a plain transaction costs two round trips, and one with any mix of options three; on a pool
 * with autocommit on each costs three, if the driver has {@code allowMultiQueries=true}. HikariCP, with autocommit off and
 * Connector/J, needs {@code useLocalTransactionState=true} as well, or sends a ROLLBACK after each COMMIT.
 *
 * <p>A statement that commits by itself is told by its text, and makes the outcome of its transaction unknown.
 *
 * <p>What a procedure does inside is not always seen. Where connections idle with autocommit off, as they do in a pool of
 * Holdfast's own, a plain transaction knows of it only by the driver, and only if a transaction was open before the call and
 * none is open after it. A procedure that commits or rolls back and then touches a table opens the next one, and <b>is not
 * seen at all</b>, wherever it stands: the outcome may be told as rolled back though a part is committed, or as committed
 * though a part is gone. The same holds for one that comes first and for blocks of MariaDB's. With options, a savepoint that
 * is released in front of COMMIT, and in front of a rollback after such a call, sees it, but only where statements travel
 * together ({@code allowMultiQueries=true}). Keep COMMIT and ROLLBACK out of procedures.
 *
 * <p>Stateless, and safe for use by many threads.
 */
public final class MysqlDialect implements Dialect {
    private static final Set<String> KNOWN = Set.of("MySQL", "MariaDB");

    /** For {@link java.util.ServiceLoader}, and for naming the dialect to the engine. */
    public MysqlDialect() {}

    @Override
    public String name() {
        return "mysql";
    }

    @Override
    public int spiLevel() {
        return SPI_LEVEL;
    }

    /**
     * {@inheritDoc}
     *
     * <p>Exact for MySQL from version 8.0 on, MariaDB from 10.6 on, and what calls itself MySQL and says more in its version;
     * of the family where another product is reached by a {@code jdbc:mysql:} or {@code jdbc:mariadb:} URL.
     */
    @Override
    public Match accepts(Identity identity) {
        MysqlFlavour flavour = MysqlFlavour.of(identity.productVersion(), false);
        if (!flavour.isRecent(flavour.versionIn(identity.productVersion()))) {
            return Match.NO;
        }
        if (KNOWN.contains(identity.product())) {
            return Match.EXACT;
        }
        return MysqlPools.isUrl(identity.url()) ? Match.FAMILY : Match.NO;
    }

    /**
     * {@inheritDoc}
     *
     * <p>For {@code jdbc:mysql:} and {@code jdbc:mariadb:} URLs: ten connections with autocommit off, so that a plain
     * transaction needs no message to begin. {@code allowMultiQueries=true} lets all options of a transaction travel in one
     * message; who sets it to {@code false} in the URL pays a round trip for each statement that begins or ends one.
     */
    @Override
    public Optional<PoolAdvice> advise(String url) {
        return MysqlPools.advise(url);
    }

    @Override
    public Message probe(Identity identity) {
        return MysqlProfiles.probe();
    }

    @Override
    public Profile profile(Identity identity, Answers answers) {
        return MysqlProfiles.of(identity, answers);
    }

    @Override
    public Profile typicalProfile() {
        return MysqlProfiles.typical();
    }

    @Override
    public TxPlan plan(Wish wish, Profile profile) throws TxUnsupportedException {
        return MysqlPlans.plan(wish, profile);
    }

    @Override
    public Savepoints savepoints(Profile profile) {
        return MysqlPlans.savepoints(profile);
    }

    @Override
    public LockPlan lock(RowLock lock, Wish inForce, Profile profile) throws TxUnsupportedException {
        return MysqlLocks.plan(lock, inForce, profile);
    }

    @Override
    public Failure classify(SQLException error, Moment moment, Profile profile) {
        return MysqlFailures.classify(error, moment, profile);
    }

    /** {@inheritDoc} Knows MySQL Connector/J and MariaDB Connector/J; of another driver it knows nothing. */
    @Override
    public DriverPort port() {
        return MysqlPort.INSTANCE;
    }

    /**
     * {@inheritDoc}
     *
     * <p>Sources: MySQL manual, Statements That Cause an Implicit Commit, and MariaDB manual, of the same name. Strings are
     * read by the {@code sql_mode} that was found when the server was asked what it is: a session that switches
     * {@code NO_BACKSLASH_ESCAPES} is not followed.
     */
    @Override
    public TextEffect effectOf(String sql, Profile profile) {
        return MysqlText.effectOf(sql, MysqlProfiles.escapesByBackslash(profile));
    }

    /** {@inheritDoc} By a marker row, on MySQL, Aurora and MariaDB. */
    @Override
    public Optional<Settlement> settlement(Profile profile) {
        return profile.has(Feature.VERIFIABLE) ? Optional.of(MysqlMarkers.settlement(profile)) : Optional.empty();
    }

    /** {@inheritDoc} On MySQL, Aurora and MariaDB, where several statements travel as one text. */
    @Override
    public Optional<LostAnswers> lostAnswers(Profile profile) {
        MysqlFlavour flavour = MysqlFlavour.of(profile);
        return (flavour.isMysql() || flavour == MysqlFlavour.MARIADB) && MysqlPort.sendsMultiQueries(profile.identity())
                ? Optional.of(MysqlAnswers.LOST)
                : Optional.empty();
    }

    /**
     * {@inheritDoc}
     *
     * <p>Replicas of MySQL and MariaDB, and on Amazon Aurora the readers. A position is a set of transactions: {@code
     * gtid_executed} on MySQL with {@code gtid_mode=ON} (MySQL manual, Replication with Global Transaction Identifiers), {@code
     * gtid_current_pos} on MariaDB with a binary log, held against the replica's {@code gtid_slave_pos}. Whether a
     * server follows another one is told to few users, so {@code read_only} is asked for: one that takes writes now, and took none
     * before, was promoted.
     */
    @Override
    public Optional<Replication> replication(Profile profile) {
        return profile.has(Feature.REPLICAS) ? Optional.of(MysqlPositions.replication(profile)) : Optional.empty();
    }

    /** {@inheritDoc} None on TiDB and Vitess, whose sessions are known to one server of many. */
    @Override
    public TestHooks testHooks(Profile profile) {
        return MysqlProfiles.testHooks(profile);
    }
}
