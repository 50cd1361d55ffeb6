package dev.holdfast.tx.mutants;

import static dev.holdfast.tx.mutants.EngineMutants.sqlite;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.Tx;
import dev.holdfast.tx.TxBody;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.TxStateException;
import dev.holdfast.tx.testkit.Facts;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Engines that do not get on with threads. */
final class ThreadMutants {
    private ThreadMutants() {}

    static List<Mutant> all() {
        return List.of(
                sqlite(
                        "M85",
                        "a transaction runs on a thread of the engine's own, which knows of no loan",
                        ThreadMutants::elsewhere,
                        "TRP-15",
                        "expected a TxRejectedException"),
                sqlite("M86", "an interrupt is swallowed", ThreadMutants::deaf, "CAN-06", "still interrupted"),
                sqlite(
                        "M88",
                        "a transaction that failed stays on its thread",
                        ThreadMutants::stale,
                        "CCY-03",
                        "of a thread that has begun none"),
                sqlite(
                        "M89",
                        "a transactor belongs to the thread that made it",
                        ThreadMutants::owned,
                        "CCY-06",
                        "The transactor belongs to"),
                sqlite(
                        "M91",
                        "virtual threads are turned away",
                        ThreadMutants::oldFashioned,
                        "CCY-05",
                        "A transaction needs a thread of the platform"));
    }

    private static Transactor elsewhere(Transactor engine) {
        return new BrokenTransactor(engine, ThreadMutants::elsewhere) {
            @Override
            public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                if (good.current() != null) {
                    return super.transact(options, body);
                }
                AtomicReference<@Nullable T> result = new AtomicReference<>();
                AtomicReference<@Nullable Throwable> thrown = new AtomicReference<>();
                Thread own = new Thread(
                        () -> thrown.set(Facts.thrownBy(() -> result.set(super.transact(options, body)))),
                        "the engine's own");
                own.start();
                try {
                    own.join();
                } catch (InterruptedException e) {
                    own.interrupt();
                    throw Facts.<RuntimeException>sneaky(e);
                }
                Throwable failure = thrown.get();
                if (failure != null) {
                    throw Facts.<RuntimeException>sneaky(failure);
                }
                return result.get();
            }
        };
    }

    private static Transactor deaf(Transactor engine) {
        return new BrokenTransactor(engine, ThreadMutants::deaf) {
            @Override
            public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                try {
                    return super.transact(options, body);
                } finally {
                    boolean ignored = Thread.interrupted();
                }
            }
        };
    }

    @SuppressWarnings("ThreadLocalUsage") // each engine forgets on its own
    private static Transactor stale(Transactor engine) {
        ThreadLocal<@Nullable Tx> left = new ThreadLocal<>();
        return new BrokenTransactor(engine, ThreadMutants::stale) {
            @Override
            public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                return super.transact(options, tx -> {
                    left.set(tx);
                    T result = body.apply(tx);
                    left.remove();
                    return result;
                });
            }

            @Override
            public @Nullable Tx current() {
                Tx current = super.current();
                return current == null ? left.get() : current;
            }
        };
    }

    private static Transactor owned(Transactor engine) {
        Thread owner = Thread.currentThread();
        return new BrokenTransactor(engine, ThreadMutants::owned) {
            @Override
            public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                if (Thread.currentThread() != owner) {
                    throw new TxStateException("The transactor belongs to " + owner);
                }
                return super.transact(options, body);
            }
        };
    }

    private static Transactor oldFashioned(Transactor engine) {
        return new BrokenTransactor(engine, ThreadMutants::oldFashioned) {
            @Override
            public <T extends @Nullable Object> T transact(TxOptions options, TxBody<T> body) {
                Thread caller = Thread.currentThread();
                if (caller.getClass().getSimpleName().contains("Virtual")) { // Thread.isVirtual is not in Java 17
                    throw new TxStateException("A transaction needs a thread of the platform");
                }
                return super.transact(options, body);
            }
        };
    }
}
