package dev.holdfast.tx.spi;

import org.jspecify.annotations.Nullable;

/**
 * What only tests need of a server. Immutable; the withers answer new values. Absent ones make tests weaker, not wrong.
 */
public final class TestHooks {
    /** Nothing. */
    public static final TestHooks NONE = new TestHooks(null, null, null, null, null);

    private final @Nullable String sessionId;
    private final @Nullable String isWaiting;
    private final @Nullable String kill;
    private final @Nullable String slow;
    private final @Nullable String idleLimit;

    private TestHooks(
            @Nullable String sessionId,
            @Nullable String isWaiting,
            @Nullable String kill,
            @Nullable String slow,
            @Nullable String idleLimit) {
        this.sessionId = sessionId;
        this.isWaiting = isWaiting;
        this.kill = kill;
        this.slow = slow;
        this.idleLimit = idleLimit;
    }

    /** With a query for the id of the session it runs in. */
    public TestHooks sessionId(String sql) {
        return new TestHooks(sql, isWaiting, kill, slow, idleLimit);
    }

    /** With a query that returns a row if session <code>{session}</code> waits for a lock. */
    public TestHooks isWaiting(String sql) {
        return new TestHooks(sessionId, sql, kill, slow, idleLimit);
    }

    /** With a statement that ends session <code>{session}</code>. */
    public TestHooks kill(String sql) {
        return new TestHooks(sessionId, isWaiting, sql, slow, idleLimit);
    }

    /** With a query that runs for minutes, and can be cancelled. */
    public TestHooks slow(String sql) {
        return new TestHooks(sessionId, isWaiting, kill, sql, idleLimit);
    }

    /** With a statement after which the server soon ends its session, if a transaction is idle in it. */
    public TestHooks idleLimit(String sql) {
        return new TestHooks(sessionId, isWaiting, kill, slow, sql);
    }

    /** A query for the id of the session it runs in; null if there is none. */
    public @Nullable String sessionId() {
        return sessionId;
    }

    /** A query that returns a row if session <code>{session}</code> waits for a lock; null if there is none. */
    public @Nullable String isWaiting() {
        return isWaiting;
    }

    /** A statement that ends session <code>{session}</code>; null if there is none. */
    public @Nullable String kill() {
        return kill;
    }

    /** A query that runs for minutes, and can be cancelled; null if there is none. */
    public @Nullable String slow() {
        return slow;
    }

    /** A statement after which the server soon ends its session, if a transaction is idle in it; null if there is none. */
    public @Nullable String idleLimit() {
        return idleLimit;
    }
}
