package dev.holdfast.tx.sqlite;

import dev.holdfast.tx.Failure;
import dev.holdfast.tx.RowLock;
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
import dev.holdfast.tx.spi.Savepoints;
import dev.holdfast.tx.spi.Settlement;
import dev.holdfast.tx.spi.TestHooks;
import dev.holdfast.tx.spi.TxPlan;
import dev.holdfast.tx.spi.Wish;
import java.sql.SQLException;
import java.util.Optional;

/**
 * SQLite 3.
 *
 * <p>What the database receives. Transactions begin and end by statements, never by calls of the driver, whose
 * {@code commit} and {@code rollback} begin the next transaction at once:
 *
 * <table>
 * <caption>Options and statements</caption>
 * <tr><th>asked for</th><th>given</th></tr>
 * <tr><td>nothing, or READ_WRITE</td><td>{@code BEGIN IMMEDIATE}: the write lock at once, because a transaction that
 *     reads first and then writes cannot wait for it (sqlite.org/lang_transaction.html, rescode.html#busy_snapshot)</td></tr>
 * <tr><td>READ_ONLY</td><td>{@code PRAGMA query_only=ON}, {@code BEGIN DEFERRED}, and the pragma as it was before the
 *     end; the {@code BEGIN} alone where the pragma is on already (pragma.html#pragma_query_only)</td></tr>
 * <tr><td>a begin mode</td><td>{@code BEGIN DEFERRED}, {@code IMMEDIATE} or {@code EXCLUSIVE}</td></tr>
 * <tr><td>an isolation level</td><td>nothing: every transaction is serializable (isolation.html)</td></tr>
 * <tr><td>a lock timeout</td><td>{@code PRAGMA busy_timeout}, put back before COMMIT, which waits as long as the
 *     connection always does (pragma.html#pragma_busy_timeout)</td></tr>
 * <tr><td>deferred constraints</td><td>{@code PRAGMA defer_foreign_keys=ON}: all foreign keys
 *     (pragma.html#pragma_defer_foreign_keys)</td></tr>
 * <tr><td>row locks</td><td>nothing: the write lock is held already; without it they are refused</td></tr>
 * </table>
 *
 * <p>Refused: checking constraints immediately or by name, SKIP LOCKED, a begin mode other than DEFERRED for reading.
 *
 * <p>{@code synchronous} is left alone. Its default, FULL, makes a commit that returned survive a loss of power
 * (pragma.html#pragma_synchronous).
 *
 * <p>SQLite waits for a lock in native code, where no interrupt reaches it, and which keeps a virtual thread on its carrier. So
 * a statement that would have to wait is refused by a busy handler of ours, and executed again after a pause in Java, of at
 * most 50 ms, for as long as {@code busy_timeout} or the lock timeout says, or until it is cancelled, by a limit or its
 * caller; {@code BEGIN} and {@code COMMIT} are as well. {@code COMMIT} waits without a write-ahead log only, and is not
 * executed again for a coroutine that was cancelled. A batch, or a text with a semicolon inside, cannot be executed again;
 * it waits in the handler, on a thread of the platform if its own is virtual. {@code PRAGMA busy_timeout} reads 0 in a
 * transaction (c3ref/busy_handler.html), and is what it was afterwards: what it was when the connection was first met, or was
 * set to since. Where a pool does not unwrap its connections to those of sqlite-jdbc, no wait can be cancelled, and a
 * statement or whole timeout shorter than {@code busy_timeout} is set as that.
 *
 * <p>{@code setQueryTimeout} of a statement is, as ever with sqlite-jdbc, how long that waits for locks. The driver itself gets
 * none to see: after one it would put {@code busy_timeout} back to the value the connection was opened with.
 *
 * <p>Whether a database was opened read-only ({@code mode=ro}) cannot be asked. {@code Holdfast.connect} sees it in the
 * URL; on a data source of one's own, set {@code query_only} as well.
 */
public final class SqliteDialect implements Dialect {
    /** What {@link java.util.ServiceLoader} calls. */
    public SqliteDialect() {}

    @Override
    public String name() {
        return "sqlite";
    }

    @Override
    public int spiLevel() {
        return SPI_LEVEL;
    }

    @Override
    public Match accepts(Identity identity) {
        if (!"SQLite".equalsIgnoreCase(identity.product())) {
            return Match.NO;
        }
        return "SQLite JDBC".equals(identity.driver()) ? Match.EXACT : Match.FAMILY;
    }

    @Override
    public Optional<PoolAdvice> advise(String url) {
        return SqlitePools.advise(url);
    }

    @Override
    public Message probe(Identity identity) {
        return SqliteFacts.probe();
    }

    @Override
    public Profile profile(Identity identity, Answers answers) {
        return SqliteFacts.profile(identity, answers);
    }

    @Override
    public Profile typicalProfile() {
        return SqliteFacts.typical();
    }

    @Override
    public TxPlan plan(Wish wish, Profile profile) {
        return SqlitePlans.plan(wish, profile);
    }

    @Override
    public Savepoints savepoints(Profile profile) {
        return new SqliteSavepoints();
    }

    @Override
    public LockPlan lock(RowLock lock, Wish inForce, Profile profile) {
        return SqliteLocks.lock(lock, inForce, profile);
    }

    @Override
    public Failure classify(SQLException error, Moment moment, Profile profile) {
        return SqliteFailures.classify(error, moment);
    }

    /** Asks SQLite itself, by a {@code BEGIN} that fails inside a transaction: nothing leaves the process. */
    @Override
    public DriverPort port() {
        return SqlitePort.INSTANCE;
    }

    /**
     * {@inheritDoc}
     *
     * <p>By a marker row. COMMIT is a call, and its answer is seldom lost: after an error of the disk, or an interrupt.
     */
    @Override
    public Optional<Settlement> settlement(Profile profile) {
        return profile.has(Feature.VERIFIABLE) ? Optional.of(SqlitePlans.settlement()) : Optional.empty();
    }

    @Override
    public TestHooks testHooks(Profile profile) {
        return TestHooks.NONE.slow(
                "with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000000000)"
                        + " select count(*) from n");
    }
}
