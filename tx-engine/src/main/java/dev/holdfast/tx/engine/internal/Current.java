package dev.holdfast.tx.engine.internal;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What is running on the calling thread: the only place that knows the thread. Where a call goes on in another thread, as
 * coroutines do, its frame is moved there.
 */
public final class Current {
    /** One entry of an immutable chain. */
    public static final class Frame {
        private final Engine engine;
        private final @Nullable Scope scope;
        private final boolean ambient;
        private final @Nullable Loan lent;
        private final @Nullable Frame outer;

        /**
         * A frame.
         *
         * @param engine whose scope it is
         * @param scope the scope; null where work was called outside every transaction
         * @param ambient whether scopes look for it
         * @param lent the connection that was lent to the work; null if none was
         * @param outer what was running before
         */
        private Frame(
                Engine engine, @Nullable Scope scope, boolean ambient, @Nullable Loan lent, @Nullable Frame outer) {
            this.engine = engine;
            this.scope = scope;
            this.ambient = ambient;
            this.lent = lent;
            this.outer = outer;
        }

        @Nullable
        Scope scope() {
            return scope;
        }

        @Nullable
        Loan lent() {
            return lent;
        }

        @Nullable
        Frame outer() {
            return outer;
        }

        /** Whether this is a frame, or was entered inside it. */
        public boolean isInside(Frame around) {
            for (Frame frame = this; frame != null; frame = frame.outer) {
                if (frame == around) {
                    return true;
                }
            }
            return false;
        }
    }

    /** A library that opens scopes and binds them to threads, and to what moves between threads, by means of its own. */
    @FunctionalInterface
    public interface Guest {
        /** The frame of the innermost scope that it has bound to the calling thread; null if there is none. */
        @Nullable
        Frame innermost();
    }

    private static final ThreadLocal<@Nullable Frame> FRAME = new ThreadLocal<>();
    private static final ThreadLocal<@Nullable Caller> CALLER = new ThreadLocal<>();

    /** Null in most programs. */
    private static volatile @Nullable Guest guest;

    private Current() {}

    /** Asks this library too what is running; there is one place for one. */
    public static void receive(Guest library) {
        guest = library;
    }

    /** The innermost frame, of the thread or of a guest in it. */
    public static @Nullable Frame innermost() {
        Frame frame = FRAME.get();
        Guest library = guest;
        if (library == null) {
            return frame;
        }
        Frame its = library.innermost();
        return its != null && (frame == null || its.isInside(frame)) ? its : frame;
    }

    /** The innermost frame of the thread, whatever engine it belongs to, without those of a guest. */
    public static @Nullable Frame frame() {
        return FRAME.get();
    }

    /** Who makes the calls of the thread; null if nobody can cancel them. */
    public static @Nullable Caller caller() {
        return CALLER.get();
    }

    /** Whether what the thread does is done for a caller who is cancelled. */
    static boolean isCallerCancelled() {
        Caller caller = CALLER.get();
        return caller != null && caller.isCancelled();
    }

    /** Keeps an interrupt for later, unless it was that of a {@link CallersWait}, which is to hit nothing after the wait. */
    static void keepInterrupt() {
        if (!isCallerCancelled()) {
            Thread.currentThread().interrupt();
        }
    }

    /** Makes these the thread's: for a call that goes on in another thread than it was begun in. */
    public static void move(@Nullable Frame frame, @Nullable Caller caller) {
        FRAME.set(frame);
        CALLER.set(caller);
    }

    /** Does something with another frame as the thread's. */
    public static <T extends @Nullable Object> T inside(@Nullable Frame frame, Supplier<? extends T> work) {
        Frame before = FRAME.get();
        FRAME.set(frame);
        try {
            return work.get();
        } finally {
            FRAME.set(before);
        }
    }

    /** The scope that a new one of this engine would join; null if there is none. */
    static @Nullable Scope scope(Engine engine) {
        for (Frame frame = innermost(); frame != null; frame = frame.outer) {
            if (frame.engine == engine && frame.ambient) {
                return frame.scope;
            }
        }
        return null;
    }

    /** Whether what runs was called inside a scope of this engine, or with a connection that it lent. */
    static boolean isInsideAny(Engine engine) {
        for (Frame frame = innermost(); frame != null; frame = frame.outer) {
            if (frame.engine == engine && (frame.scope != null || frame.lent != null)) {
                return true;
            }
        }
        return false;
    }

    /** Whether what runs was called inside the scope, or one of the scopes, of a unit. */
    static boolean isInside(Unit unit) {
        for (Frame frame = innermost(); frame != null; frame = frame.outer) {
            if (frame.scope != null && frame.scope.unit.isWithin(unit)) {
                return true;
            }
        }
        return false;
    }

    /** Whether what runs was called in this frame. */
    static boolean isInside(Frame outer) {
        for (Frame frame = innermost(); frame != null; frame = frame.outer) {
            if (frame == outer) {
                return true;
            }
        }
        return false;
    }

    /** A frame inside the thread's, for a scope to be the innermost one; null for no scope. */
    static Frame inner(Engine engine, @Nullable Scope scope, boolean ambient) {
        return new Frame(engine, scope, ambient, null, innermost());
    }

    /** Makes a frame the thread's, and answers the one to {@link #leave leave it for}. */
    static @Nullable Frame enter(Frame inner) {
        Frame outer = FRAME.get();
        FRAME.set(inner);
        return outer;
    }

    /** Makes a scope the innermost one, and answers the frame to {@link #leave leave it for}. */
    static @Nullable Frame enter(Engine engine, @Nullable Scope scope, boolean ambient) {
        return enter(inner(engine, scope, ambient));
    }

    /** Makes work with a lent connection, outside of every transaction, the innermost one. */
    static @Nullable Frame enter(Engine engine, Loan lent) {
        return enter(new Frame(engine, null, true, lent, innermost()));
    }

    /** Puts the frame back in place that {@link #enter} answered. */
    static void leave(@Nullable Frame before) {
        // Not removed where it is null: the thread would make the entry anew for its next transaction.
        FRAME.set(before);
    }
}
