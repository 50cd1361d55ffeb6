package dev.holdfast.tx.postgres;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.DriverPort;
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
import dev.holdfast.tx.spi.SettingSql;
import dev.holdfast.tx.spi.Settlement;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.TestHooks;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import java.sql.SQLException;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * PostgreSQL, and what speaks its protocol and calls itself by its name: Amazon Aurora, CockroachDB, YugabyteDB.
 *
 * <p>With pgjdbc, a plain transaction costs two round trips and one with any mix of options three: the driver sends
 * {@code BEGIN} in front of the first statement, and all options travel as one string in front of it. Read-only alone costs
 * two, as {@code BEGIN READ ONLY}. Every setting used is one that the server drops at the end of the transaction, so nothing is
 * left behind in the session.
 *
 * <p>Stateless, and safe for use by many threads.
 */
public final class PostgresDialect implements Dialect {
    private static final String URL_PREFIX = "jdbc:postgresql:";
    private static final Set<String> KNOWN = Set.of("PostgreSQL", "CockroachDB", "YugabyteDB");
    private static final Pattern MAJOR = Pattern.compile("^\\D*(\\d+)");

    /** What gives itself an older version is a fork of long ago, such as Redshift. */
    private static final int OLDEST_MAJOR = 10;

    /** For {@link java.util.ServiceLoader}, and for naming the dialect to the engine. */
    public PostgresDialect() {}

    @Override
    public String name() {
        return "postgresql";
    }

    @Override
    public int spiLevel() {
        return SPI_LEVEL;
    }

    /**
     * {@inheritDoc}
     *
     * <p>Exact for the products it knows by name, from version 10 on; of the family where another product is reached by a
     * {@code jdbc:postgresql:} URL.
     */
    @Override
    public Match accepts(Identity identity) {
        Matcher major = MAJOR.matcher(identity.productVersion());
        if (major.find() && Integer.parseInt(major.group(1)) < OLDEST_MAJOR) {
            return Match.NO;
        }
        if (KNOWN.contains(identity.product())) {
            return Match.EXACT;
        }
        return identity.url().startsWith(URL_PREFIX) ? Match.FAMILY : Match.NO;
    }

    /**
     * {@inheritDoc}
     *
     * <p>For {@code jdbc:postgresql:} URLs: ten connections on autocommit, whose sockets are kept alive, so that the death of a
     * server is noticed while waiting for it.
     */
    @Override
    public Optional<PoolAdvice> advise(String url) {
        return url.startsWith(URL_PREFIX)
                ? Optional.of(PoolAdvice.ofSize(10).property("tcpKeepAlive", "true"))
                : Optional.empty();
    }

    @Override
    public Message probe(Identity identity) {
        return PostgresProfiles.probe();
    }

    @Override
    public Profile profile(Identity identity, Answers answers) {
        return PostgresProfiles.of(identity, answers);
    }

    @Override
    public Profile typicalProfile() {
        return PostgresProfiles.typical();
    }

    /**
     * {@inheritDoc}
     *
     * <p>Sources: PostgreSQL manual, SET TRANSACTION, SET CONSTRAINTS, and Client Connection Defaults for the timeouts.
     */
    @Override
    public TxPlan plan(Wish wish, Profile profile) throws TxUnsupportedException {
        return PostgresPlans.plan(wish, profile);
    }

    @Override
    public Savepoints savepoints(Profile profile) {
        return PostgresPlans.savepoints();
    }

    @Override
    public LockPlan lock(RowLock lock, Wish inForce, Profile profile) throws TxUnsupportedException {
        return PostgresLocks.plan(lock, inForce, profile);
    }

    @Override
    public Failure classify(SQLException error, Moment moment, Profile profile) {
        return PostgresFailures.classify(error, moment, profile);
    }

    /** {@inheritDoc} Knows pgjdbc; of another driver it knows nothing. */
    @Override
    public DriverPort port() {
        return PgjdbcPort.INSTANCE;
    }

    /**
     * {@inheritDoc}
     *
     * <p>Asks {@code pg_xact_status} (PostgreSQL manual, Transaction ID and Snapshot Information Functions). A server that was
     * restarted since may have given the id out again: it can only tell that a transaction was not committed. A streaming
     * standby that was promoted can tell both, unless {@code wal_level} is {@code logical}.
     */
    @Override
    public Optional<Settlement> settlement(Profile profile) {
        return profile.has(Feature.VERIFIABLE) ? Optional.of(PostgresPlans.settlement(profile)) : Optional.empty();
    }

    /**
     * {@inheritDoc}
     *
     * <p>Standbys, and on Amazon Aurora the readers. A position is a place in the write-ahead log, with its timeline (PostgreSQL
     * manual, Recovery Information Functions); on Aurora there is none.
     */
    @Override
    public Optional<Replication> replication(Profile profile) {
        return profile.has(Feature.REPLICAS) ? Optional.of(PostgresProfiles.replication(profile)) : Optional.empty();
    }

    /** pgjdbc sends BEGIN with the first statement, and with a COPY it forgets that it was to be READ ONLY. */
    @Override
    public Message beforeUnwrap(Profile profile) {
        return Message.each(Step.query("SELECT 1", "begun"));
    }

    /** {@code setSchema} replaces the whole search path, of which {@code getSchema} tells the first that exists. */
    @Override
    public Optional<SettingSql> schema(Profile profile) {
        return Optional.of(
                new SettingSql("SELECT current_setting('search_path')", "SELECT set_config('search_path', ?, false)"));
    }

    /** {@inheritDoc} None on CockroachDB, which knows no session by a number. */
    @Override
    public TestHooks testHooks(Profile profile) {
        return switch (PostgresFlavour.of(profile)) {
            case COCKROACHDB -> TestHooks.NONE;
            case POSTGRESQL, AURORA, YUGABYTEDB ->
                TestHooks.NONE
                        .slow("select 1 from pg_sleep(600)")
                        .sessionId("SELECT pg_backend_pid()")
                        .isWaiting("SELECT 1 WHERE cardinality(pg_blocking_pids({session})) > 0")
                        .kill("SELECT pg_terminate_backend({session})")
                        .idleLimit("SET LOCAL idle_in_transaction_session_timeout = 50");
        };
    }
}
