package dev.holdfast.tx.testkit;

import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Work on a thread of its own: the common pool may have one thread only, and work that waits for other work needs two. */
public final class Threads {
    private Threads() {}

    /** Does this on another thread. */
    public static <T extends @Nullable Object> CompletableFuture<T> supply(Callable<T> work) {
        CompletableFuture<T> result = new CompletableFuture<>();
        Thread thread = new Thread(
                () -> {
                    try {
                        result.complete(work.call());
                    } catch (Throwable e) {
                        result.completeExceptionally(e);
                    }
                },
                "a case's own");
        thread.setDaemon(true);
        thread.start();
        return result;
    }

    /** Does this on another thread. */
    public static CompletableFuture<@Nullable Void> run(Facts.Attempt work) {
        return Threads.<@Nullable Void>supply(() -> {
            try {
                work.run();
            } catch (Throwable e) {
                throw Facts.sneaky(e);
            }
            return null;
        });
    }
}
