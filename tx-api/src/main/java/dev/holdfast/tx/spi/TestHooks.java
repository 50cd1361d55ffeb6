package dev.holdfast.tx.spi;

import org.jspecify.annotations.Nullable;

/**
 * What only tests need of a server. Immutable; the withers answer new values. Absent ones make tests weaker, not wrong.
 */
public final class TestHooks {
    /** Nothing. */
    public static final TestHooks NONE = new TestHooks(null, null, null);

    private final @Nullable String sessionId;
    private final @Nullable String isWaiting;
    private final @Nullable String kill;

    private TestHooks(@Nullable String sessionId, @Nullable String isWaiting, @Nullable String kill) {
        this.sessionId = sessionId;
        this.isWaiting = isWaiting;
        this.kill = kill;
    }

    /** With a query for the id of the session it runs in. */
    public TestHooks sessionId(String sql) {
        return new TestHooks(sql, isWaiting, kill);
    }

    /** With a query that returns a row if session <code>{session}</code> waits for a lock. */
    public TestHooks isWaiting(String sql) {
        return new TestHooks(sessionId, sql, kill);
    }

    /** With a statement that ends session <code>{session}</code>. */
    public TestHooks kill(String sql) {
        return new TestHooks(sessionId, isWaiting, sql);
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
}
