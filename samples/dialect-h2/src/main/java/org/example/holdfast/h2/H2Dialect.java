package org.example.holdfast.h2;

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
import dev.holdfast.tx.spi.PoolAdvice.Lifetime;
import dev.holdfast.tx.spi.Profile;
import dev.holdfast.tx.spi.Savepoints;
import dev.holdfast.tx.spi.Step;
import dev.holdfast.tx.spi.TestHooks;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import java.sql.SQLException;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * H2, from 2.2 on. What it is told to begin and end a transaction is in {@link H2Plans}, what its errors mean in
 * {@link H2Failures}.
 *
 * <p>H2 commits by itself at most statements that define or grant something. The feature TRANSACTIONAL_DDL is not declared,
 * so the engine takes a transaction in which one was executed for ended.
 */
public final class H2Dialect implements Dialect {
    /** Reads the level of a session: it is set for the session and stays. */
    static final Step.Sql READ_ISOLATION = Step.query(
            "SELECT ISOLATION_LEVEL FROM INFORMATION_SCHEMA.SESSIONS WHERE SESSION_ID = SESSION_ID()", "isolation");

    static final Step.Sql READ_LOCK_TIMEOUT = Step.query("CALL LOCK_TIMEOUT()", "lock_timeout");

    private static final Step.Sql READ_QUERY_TIMEOUT = Step.query(
            "SELECT SETTING_VALUE FROM INFORMATION_SCHEMA.SETTINGS WHERE SETTING_NAME = 'QUERY_TIMEOUT'",
            "query_timeout");

    /** What H2 really gives under its own names. Its SERIALIZABLE is snapshot isolation as well. */
    private static final Map<String, Isolation> GIVEN = Map.of(
            "READ UNCOMMITTED", Isolation.READ_UNCOMMITTED,
            "READ COMMITTED", Isolation.READ_COMMITTED,
            "REPEATABLE READ", Isolation.REPEATABLE_READ,
            "SNAPSHOT", Isolation.SNAPSHOT,
            "SERIALIZABLE", Isolation.SNAPSHOT);

    private static final Pattern VERSION = Pattern.compile("(\\d+)\\.(\\d+).*");
    private static final String URL_PREFIX = "jdbc:h2:";

    /** Called by {@link java.util.ServiceLoader}. */
    public H2Dialect() {}

    @Override
    public String name() {
        return "h2";
    }

    @Override
    public int spiLevel() {
        return SPI_LEVEL;
    }

    /** NOWAIT, SKIP LOCKED and WAIT came with 2.2. */
    @Override
    public Match accepts(Identity identity) {
        Matcher version = VERSION.matcher(identity.productVersion());
        return identity.product().equals("H2")
                        && version.matches()
                        && Integer.parseInt(version.group(1)) == 2
                        && Integer.parseInt(version.group(2)) >= 2
                ? Match.EXACT
                : Match.NO;
    }

    /** A database in memory lives as long as a connection to it; one without a name is seen by one connection only. */
    @Override
    public Optional<PoolAdvice> advise(String url) {
        if (!url.startsWith(URL_PREFIX)) {
            return Optional.empty();
        }
        String address = url.substring(URL_PREFIX.length()).replaceFirst(";.*", "");
        if (!address.startsWith("mem:")) {
            return Optional.of(PoolAdvice.ofSize(10));
        }
        return Optional.of(PoolAdvice.ofSize(address.equals("mem:") ? 1 : 10).lifetime(Lifetime.UNTIL_CLOSED));
    }

    @Override
    public Message probe(Identity identity) {
        return Message.each(READ_ISOLATION, READ_LOCK_TIMEOUT, READ_QUERY_TIMEOUT);
    }

    @Override
    public Profile profile(Identity identity, Answers answers) {
        Matcher version = VERSION.matcher(identity.productVersion());
        boolean known = version.matches();
        return Profile.of(identity, "H2")
                .version(known ? Integer.parseInt(version.group(1)) : 0, known ? Integer.parseInt(version.group(2)) : 0)
                .level(Isolation.READ_UNCOMMITTED, "READ UNCOMMITTED", IsolationModel.RU)
                .level(Isolation.READ_COMMITTED, "READ COMMITTED", IsolationModel.RC)
                .level(Isolation.REPEATABLE_READ, "REPEATABLE READ", IsolationModel.SI)
                .level(Isolation.SNAPSHOT, "SNAPSHOT", IsolationModel.SI)
                .defaultIsolation(GIVEN.getOrDefault(answers.get("isolation", ""), Isolation.READ_COMMITTED))
                .features(
                        Feature.SAVEPOINTS,
                        Feature.LOCK_TIMEOUT,
                        Feature.STATEMENT_TIMEOUT,
                        Feature.LOCK_UPDATE,
                        Feature.LOCK_SHARE,
                        Feature.LOCK_OF,
                        Feature.LOCK_NO_WAIT,
                        Feature.LOCK_SKIP_LOCKED,
                        Feature.LOCK_WAIT_AT_MOST)
                .fact(H2Plans.LOCK_TIMEOUT, answers.get("lock_timeout", "2000"))
                .fact(H2Plans.QUERY_TIMEOUT, answers.get("query_timeout", "0"))
                .build();
    }

    @Override
    public Profile typicalProfile() {
        return profile(
                new Identity("H2", "2.5.252", "H2 JDBC Driver", "2.5.252", "jdbc:h2:mem:", Identity.Autocommit.ON),
                Answers.none());
    }

    @Override
    public TxPlan plan(Wish wish, Profile profile) {
        return H2Plans.plan(wish, profile);
    }

    /** RELEASE is read and ignored by H2, so none is sent. The savepoints of a transaction end with it. */
    @Override
    public Savepoints savepoints(Profile profile) {
        return new Savepoints() {
            @Override
            public Message set(String name) {
                return Message.each(Step.sql("SAVEPOINT " + name));
            }

            @Override
            public Message rollbackTo(String name) {
                return Message.each(Step.sql("ROLLBACK TO SAVEPOINT " + name));
            }

            @Override
            public Message release(String name) {
                return Message.nothing();
            }
        };
    }

    @Override
    public LockPlan lock(RowLock lock, Wish inForce, Profile profile) {
        return H2Plans.lock(lock, inForce, profile);
    }

    @Override
    public Failure classify(SQLException error, Moment moment, Profile profile) {
        return H2Failures.classify(error, moment, profile);
    }

    @Override
    public TestHooks testHooks(Profile profile) {
        return TestHooks.NONE
                .sessionId("CALL SESSION_ID()")
                .isWaiting("SELECT 1 FROM INFORMATION_SCHEMA.SESSIONS WHERE SESSION_ID = {session}"
                        + " AND BLOCKER_ID IS NOT NULL")
                .kill("CALL ABORT_SESSION({session})")
                .slow("SELECT COUNT(*) FROM SYSTEM_RANGE(1, 1000000) A, SYSTEM_RANGE(1, 1000000) B"
                        + " WHERE MOD(A.X + B.X, 7) = 9");
    }
}
