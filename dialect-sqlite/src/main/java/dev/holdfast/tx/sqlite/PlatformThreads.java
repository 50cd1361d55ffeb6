package dev.holdfast.tx.sqlite;

import dev.holdfast.tx.spi.DriverPort.Sending;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.sql.SQLException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** Where calls are made that may wait in native code, if their caller's thread is virtual: that leaves its carrier then. */
final class PlatformThreads {
    private static final ExecutorService THREADS = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "holdfast-sqlite");
        thread.setDaemon(true);
        return thread;
    });

    /** Of Java 21 and newer; null before that. */
    private static final @Nullable MethodHandle IS_VIRTUAL = isVirtual();

    private PlatformThreads() {}

    private static @Nullable MethodHandle isVirtual() {
        try {
            return MethodHandles.publicLookup()
                    .findVirtual(Thread.class, "isVirtual", MethodType.methodType(boolean.class));
        } catch (ReflectiveOperationException absent) {
            return null;
        }
    }

    private static boolean isVirtual(Thread thread) {
        try {
            return IS_VIRTUAL != null && (boolean) IS_VIRTUAL.invokeExact(thread);
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /** Makes a call; an interrupt does not end the wait for it. */
    static <T> T send(Sending<T> call) throws SQLException {
        if (!isVirtual(Thread.currentThread())) {
            return call.send();
        }
        Future<T> made = THREADS.submit(call::send);
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return made.get();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } catch (ExecutionException e) {
            throw told(e);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** What the call threw, if nothing else must be thrown. */
    private static SQLException told(ExecutionException failed) {
        Throwable thrown = failed.getCause();
        if (thrown instanceof SQLException error) {
            return error;
        }
        if (thrown instanceof RuntimeException error) {
            throw error;
        }
        if (thrown instanceof Error error) {
            throw error;
        }
        throw new IllegalStateException(thrown);
    }
}
