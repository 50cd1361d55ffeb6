package dev.holdfast.tx.mssql;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.LockPlan;
import dev.holdfast.tx.spi.Match;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.PoolAdvice;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Replication;
import dev.holdfast.tx.spi.Savepoints;
import dev.holdfast.tx.spi.Settlement;
import dev.holdfast.tx.spi.Standing;
import dev.holdfast.tx.spi.TestHooks;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import java.sql.SQLException;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * SQL Server, Azure SQL Database, Azure SQL Managed Instance.
 *
 * <p>A transaction begins and ends by one batch each, so it costs three round trips with one statement, plain or with any mix
 * of options. Isolation level, lock timeout and {@code XACT_ABORT} belong to the session here: what they were is read in the
 * batch that begins, and put back in the one that ends.
 *
 * <p>A procedure or a trigger may have {@code XACT_ABORT} on, or roll back in a CATCH block and raise the error again. So after
 * an error that elsewhere undoes its statement alone (2627, 547, 515, 1222 and the like) the server is asked whether there
 * still is a transaction, which costs a round trip. If there is none its outcome is {@code Unknown}: a procedure may as well
 * have committed it.
 *
 * <p>What no client can see by itself:
 *
 * <ul>
 *   <li>A procedure that ends the transaction, begins another and raises an error, or none: what follows is done in that
 *       one, and committed with it.
 *   <li>A row lock locks what the select reads. Where a covering index has it all, those are keys of that index, which keep
 *       out nobody who comes by another one. READPAST waits for locks of whole tables.
 * </ul>
 *
 * <p>Stateless, and safe for use by many threads.
 */
public final class MssqlDialect implements Dialect {
    private static final String PRODUCT = "Microsoft SQL Server";
    private static final String URL_PREFIX = "jdbc:sqlserver:";
    private static final Pattern MAJOR = Pattern.compile("^\\D*(\\d+)");

    /** The version that Azure SQL gives itself. */
    private static final int OLDEST_MAJOR = 12;

    /** For {@link java.util.ServiceLoader}, and for naming the dialect to the engine. */
    public MssqlDialect() {}

    @Override
    public String name() {
        return "mssql";
    }

    @Override
    public int spiLevel() {
        return SPI_LEVEL;
    }

    /**
     * {@inheritDoc}
     *
     * <p>Exact for what calls itself {@code Microsoft SQL Server}, from version 12 on: Azure SQL gives itself that one. What
     * only speaks the protocol is told apart when it is probed, and refused.
     */
    @Override
    public Match accepts(Identity identity) {
        Matcher major = MAJOR.matcher(identity.productVersion());
        if (major.find() && Integer.parseInt(major.group(1)) < OLDEST_MAJOR) {
            return Match.NO;
        }
        if (identity.product().equals(PRODUCT)) {
            return Match.EXACT;
        }
        return identity.url().startsWith(URL_PREFIX) ? Match.FAMILY : Match.NO;
    }

    /**
     * {@inheritDoc}
     *
     * <p>For {@code jdbc:sqlserver:} URLs: ten connections on autocommit. The driver must not replace a broken connection by
     * itself ({@code connectRetryCount=0}): the pool does, and nothing of a transaction is left behind then. Where the URL names
     * a listener of an availability group, by {@code multiSubnetFailover=true}, there is a second pool with
     * {@code ApplicationIntent=ReadOnly} for what is read-only or says {@code READ_ONLY_HINT};
     * the latter goes to the primary for some time after a commit.
     */
    @Override
    public Optional<PoolAdvice> advise(String url) {
        if (!url.regionMatches(true, 0, URL_PREFIX, 0, URL_PREFIX.length())) {
            return Optional.empty();
        }
        PoolAdvice pool = PoolAdvice.ofSize(10).property("connectRetryCount", "0");
        String lower = url.toLowerCase(Locale.ROOT).replace(" ", "");
        boolean group = lower.contains(";multisubnetfailover=true") && !lower.contains(";applicationintent=");
        return Optional.of(group ? pool.readers(pool.property("applicationIntent", "ReadOnly")) : pool);
    }

    @Override
    public Message probe(Identity identity) {
        return MssqlProfiles.probe();
    }

    /**
     * {@inheritDoc}
     *
     * @throws TxUnsupportedException if it is no SQL Server but speaks like one: Azure Synapse, Babelfish; or is older than
     *     2016
     */
    @Override
    public Profile profile(Identity identity, Answers answers) {
        return MssqlProfiles.of(identity, answers);
    }

    @Override
    public Profile typicalProfile() {
        return MssqlProfiles.typical();
    }

    /**
     * {@inheritDoc}
     *
     * <p>Sources: T-SQL reference, SET TRANSACTION ISOLATION LEVEL, SET LOCK_TIMEOUT, SET XACT_ABORT, XACT_STATE.
     */
    @Override
    public TxPlan plan(Wish wish, Profile profile) throws TxUnsupportedException {
        return MssqlPlans.plan(wish, profile);
    }

    /** {@inheritDoc} They cannot be released: that sends nothing. */
    @Override
    public Savepoints savepoints(Profile profile) {
        return MssqlPlans.savepoints();
    }

    /** {@inheritDoc} By a marker row. Sources: T-SQL reference, Table Hints, QUOTENAME. */
    @Override
    public Optional<Settlement> settlement(Profile profile) {
        return profile.has(Feature.VERIFIABLE) ? Optional.of(MssqlMarkers.settlement(profile)) : Optional.empty();
    }

    /** {@inheritDoc} Source: T-SQL reference, Table Hints. */
    @Override
    public LockPlan lock(RowLock lock, Wish inForce, Profile profile) throws TxUnsupportedException {
        return MssqlLocks.plan(lock, inForce, profile);
    }

    @Override
    public Failure classify(SQLException error, Moment moment, Profile profile) {
        return MssqlFailures.classify(error, moment, profile);
    }

    /** {@inheritDoc} Sources: T-SQL reference, @@TRANCOUNT, XACT_STATE. */
    @Override
    public Optional<Standing> standing(Profile profile) {
        return Optional.of(MssqlPlans.STANDING);
    }

    /**
     * {@inheritDoc}
     *
     * <p>Readable secondaries, by their databases' being READ_ONLY (T-SQL reference, DATABASEPROPERTYEX). What they have seen is not
     * told, so reads after a commit are sticky.
     */
    @Override
    public Optional<Replication> replication(Profile profile) {
        return profile.has(Feature.REPLICAS) ? Optional.of(MssqlPlans.REPLICATION) : Optional.empty();
    }

    /** {@inheritDoc} A user needs the permission to see other sessions, and to end them. */
    @Override
    public TestHooks testHooks(Profile profile) {
        return TestHooks.NONE
                .slow("waitfor delay '00:10:00' select 1")
                .sessionId("SELECT @@SPID")
                .isWaiting(
                        "SELECT 1 FROM sys.dm_exec_requests WHERE session_id = {session} AND blocking_session_id <> 0")
                .kill("KILL {session}");
    }
}
