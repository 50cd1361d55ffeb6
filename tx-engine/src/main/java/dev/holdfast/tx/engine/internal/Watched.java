package dev.holdfast.tx.engine.internal;

import java.lang.ref.Cleaner;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** What is kept of one transaction that is watched. Nothing in it leads to the handle, or that would never be garbage. */
final class Watched {
    /** Its stack trace is the one that opened the transaction. Never thrown. */
    private static final class Opened extends Throwable {
        private static final long serialVersionUID = 1L;

        Opened() {
            super("the transaction was opened here, by thread "
                    + Thread.currentThread().getName());
        }
    }

    final long id;
    final @Nullable String label;
    final Throwable opened = new Opened();

    private final Watch watch;
    private final long since;
    private final AtomicBoolean warned = new AtomicBoolean();
    private volatile String holds = "no connection";
    private volatile boolean over;
    private volatile Cleaner.@Nullable Cleanable handle;

    Watched(Watch watch, long id, @Nullable String label, long since) {
        this.watch = watch;
        this.id = id;
        this.label = label;
        this.since = since;
    }

    Duration open(long now) {
        return Duration.ofNanos(now - since);
    }

    /** What it keeps from others, in words. */
    String holds() {
        return holds;
    }

    void holdsConnectionTo(Server server) {
        holds = "a connection to " + server.profile;
    }

    /** Whether this is the first time that it is to be warned of. */
    boolean isNews() {
        return warned.compareAndSet(false, true);
    }

    /** It can be ended by nobody who has lost this. */
    void handle(Scope scope) {
        handle = Watch.CLEANER.register(scope, this::lost);
    }

    private void lost() {
        if (!over) {
            watch.lost(this);
        }
    }

    /** It is over. */
    void over() {
        over = true;
        watch.forget(this);
        Cleaner.Cleanable known = handle;
        if (known != null) {
            known.clean(); // or much would wait for the garbage collector
        }
    }
}
