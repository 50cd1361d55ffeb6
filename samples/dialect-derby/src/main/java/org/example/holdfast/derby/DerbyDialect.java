package org.example.holdfast.derby;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.RowLock;
import dev.holdfast.tx.spi.Answers;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.LockPlan;
import dev.holdfast.tx.spi.Match;
import dev.holdfast.tx.spi.Message;
import dev.holdfast.tx.spi.Moment;
import dev.holdfast.tx.spi.PoolAdvice;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Savepoints;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import java.sql.SQLException;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Apache Derby 10, embedded. What it is told to begin and end a transaction is in {@link DerbyPlans}, what its errors mean in
 * {@link DerbyFailures}.
 */
public final class DerbyDialect implements Dialect {
    /** Reads the level of a session, as SET ISOLATION takes it. It is blank where the session follows the system. */
    static final Step.Sql READ_ISOLATION =
            Step.query("VALUES CASE WHEN CURRENT ISOLATION = '' THEN 'RESET' ELSE CURRENT ISOLATION END", "isolation");

    /**
     * The codes that Derby took over from DB2. Its words are not used: with {@code REPEATABLE READ} it means RR, which is
     * serializable.
     */
    private static final Map<String, Isolation> CODES = Map.of(
            "UR", Isolation.READ_UNCOMMITTED,
            "CS", Isolation.READ_COMMITTED,
            "RS", Isolation.REPEATABLE_READ,
            "RR", Isolation.SERIALIZABLE);

    private static final Pattern VERSION = Pattern.compile("(\\d+)\\.(\\d+).*");
    private static final String URL_PREFIX = "jdbc:derby:";

    /** Called by {@link java.util.ServiceLoader}. */
    public DerbyDialect() {}

    @Override
    public String name() {
        return "derby";
    }

    @Override
    public int spiLevel() {
        return SPI_LEVEL;
    }

    @Override
    public Match accepts(Identity identity) {
        return identity.product().equals("Apache Derby") && identity.driver().contains("Embedded")
                ? Match.EXACT
                : Match.NO;
    }

    /** With two slashes it is the URL of the network client. */
    @Override
    public Optional<PoolAdvice> advise(String url) {
        return url.startsWith(URL_PREFIX) && !url.startsWith(URL_PREFIX + "//")
                ? Optional.of(PoolAdvice.ofSize(10))
                : Optional.empty();
    }

    @Override
    public Message probe(Identity identity) {
        return Message.each(READ_ISOLATION);
    }

    @Override
    public Profile profile(Identity identity, Answers answers) {
        Matcher version = VERSION.matcher(identity.productVersion());
        boolean known = version.matches();
        return Profile.of(identity, "Derby")
                .version(known ? Integer.parseInt(version.group(1)) : 0, known ? Integer.parseInt(version.group(2)) : 0)
                .level(Isolation.READ_UNCOMMITTED, "UR", IsolationModel.RU)
                .level(Isolation.READ_COMMITTED, "CS", IsolationModel.RC)
                .level(Isolation.REPEATABLE_READ, "RS", IsolationModel.RR_LOCKING)
                .level(Isolation.SNAPSHOT, "RR", IsolationModel.SER)
                .level(Isolation.SERIALIZABLE, "RR", IsolationModel.SER)
                .defaultIsolation(
                        CODES.getOrDefault(answers.get("isolation", "").strip(), Isolation.READ_COMMITTED))
                .features(
                        Feature.SAVEPOINTS,
                        Feature.SAVEPOINT_RELEASE,
                        Feature.READ_ONLY,
                        Feature.DEFERRED_CONSTRAINTS,
                        Feature.IMMEDIATE_CONSTRAINTS,
                        Feature.NAMED_CONSTRAINTS,
                        Feature.LOCK_UPDATE,
                        Feature.LOCK_SHARE,
                        Feature.TRANSACTIONAL_DDL)
                .build();
    }

    @Override
    public Profile typicalProfile() {
        return profile(
                new Identity(
                        "Apache Derby",
                        "10.16.1.1",
                        "Apache Derby Embedded JDBC Driver",
                        "10.16.1.1",
                        "jdbc:derby:memory:example",
                        Identity.Autocommit.ON),
                Answers.none());
    }

    @Override
    public TxPlan plan(Wish wish, Profile profile) {
        return DerbyPlans.plan(wish, profile);
    }

    /** In SQL Derby has no savepoint inside another; through JDBC it has. */
    @Override
    public Savepoints savepoints(Profile profile) {
        return Savepoints.ofDriver(true);
    }

    @Override
    public LockPlan lock(RowLock lock, Wish inForce, Profile profile) {
        return DerbyPlans.lock(lock, inForce, profile);
    }

    @Override
    public Failure classify(SQLException error, Moment moment, Profile profile) {
        return DerbyFailures.classify(error, moment);
    }
}
