package dev.holdfast.tx.engine.internal;

import org.jspecify.annotations.Nullable;

/** What is running on the calling thread: the only place that knows the thread. */
final class Current {
    /**
     * One entry of an immutable chain.
     *
     * @param engine whose scope it is
     * @param scope the scope; null where work was called outside every transaction
     * @param ambient whether scopes look for it
     * @param lent the connection that was lent to the work; null if none was
     * @param outer what was running before
     */
    record Frame(
            Engine engine,
            @Nullable Scope scope,
            boolean ambient,
            @Nullable Loan lent,
            @Nullable Frame outer) {}

    private static final ThreadLocal<@Nullable Frame> FRAME = new ThreadLocal<>();

    private Current() {}

    /** The innermost frame of the thread, whatever engine it belongs to. */
    static @Nullable Frame frame() {
        return FRAME.get();
    }

    /** The scope that a new one of this engine would join; null if there is none. */
    static @Nullable Scope scope(Engine engine) {
        for (Frame frame = FRAME.get(); frame != null; frame = frame.outer()) {
            if (frame.engine() == engine && frame.ambient()) {
                return frame.scope();
            }
        }
        return null;
    }

    /** Makes a scope the innermost one, and answers the frame to {@link #leave leave it for}. */
    static @Nullable Frame enter(Engine engine, @Nullable Scope scope, boolean ambient) {
        Frame outer = FRAME.get();
        FRAME.set(new Frame(engine, scope, ambient, null, outer));
        return outer;
    }

    /** Makes work with a lent connection, outside of every transaction, the innermost one. */
    static @Nullable Frame enter(Engine engine, Loan lent) {
        Frame outer = FRAME.get();
        FRAME.set(new Frame(engine, null, true, lent, outer));
        return outer;
    }

    /** Puts the frame back in place that {@link #enter} answered. */
    static void leave(@Nullable Frame before) {
        // Not removed where it is null: the thread would make the entry anew for its next transaction.
        FRAME.set(before);
    }
}
