package dev.holdfast.tx.engine.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.TxOptions;
import dev.holdfast.tx.engine.Holdfast;
import dev.holdfast.tx.spi.Match;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A thread waits for a connection, and is interrupted. */
class CallersWaitTest {
    private static final long BOUND_SECONDS = 30;

    private final AtomicBoolean exhausted = new AtomicBoolean();
    private final CountDownLatch waits = new CountDownLatch(1);
    private final CountDownLatch end = new CountDownLatch(1);
    private final Transactor db = Holdfast.builder(driver(DataSource.class))
            .dialect(Made.dialect("made", Match.EXACT))
            .build();

    @AfterEach
    void close() {
        end.countDown();
        db.close();
    }

    private <T> T driver(Class<T> type) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(), new Class<?>[] {type}, (self, method, arguments) -> switch (method.getName()) {
                    case "getConnection" -> {
                        if (exhausted.get()) {
                            waits.countDown();
                            end.await();
                        }
                        yield driver(Connection.class);
                    }
                    case "getMetaData" -> driver(DatabaseMetaData.class);
                    case "createStatement" -> driver(Statement.class);
                    case "getNetworkTimeout" -> 0;
                    case "getAutoCommit" -> true;
                    default -> method.getReturnType() == boolean.class ? Boolean.FALSE : null;
                }));
    }

    /** Can be cancelled once it waits. */
    private static final class Cancelled implements Caller {
        private final AtomicReference<@Nullable Runnable> action = new AtomicReference<>();
        private volatile boolean cancelled;

        @Override
        public boolean isCancelled() {
            return cancelled;
        }

        @Override
        public Watch whenCancelled(Runnable then) {
            action.set(then);
            return () -> {};
        }

        void cancel() {
            cancelled = true;
            Runnable then = action.get();
            assertThat(then).isNotNull();
            then.run();
        }
    }

    /** What came of waiting, and whether the thread was interrupted afterwards. */
    private record Waited(@Nullable Throwable told, boolean interrupted) {}

    private Waited waits(@Nullable Caller caller) {
        Current.move(null, caller);
        Throwable told = catchThrowable(() -> db.execute(
                TxOptions.none().acquireTimeout(Duration.ofMinutes(5)),
                tx -> tx.connection().createStatement().execute("select 1")));
        return new Waited(told, Thread.interrupted());
    }

    private Waited waitsUntil(@Nullable Caller caller, Cut cut) throws Exception {
        exhausted.set(true);
        CompletableFuture<Waited> waited = new CompletableFuture<>();
        Thread thread = new Thread(() -> waited.complete(waits(caller)));
        thread.start();
        assertThat(waits.await(BOUND_SECONDS, TimeUnit.SECONDS)).isTrue();
        cut.of(thread);
        return waited.get(BOUND_SECONDS, TimeUnit.SECONDS);
    }

    /** Ends the wait of a thread. */
    @FunctionalInterface
    private interface Cut {
        void of(Thread waiting);
    }

    /** The thread is another caller's next. */
    @Test
    void theCancelOfACallerInterruptsNothingAfterTheWait() throws Exception {
        Cancelled caller = new Cancelled();
        Waited waited = waitsUntil(caller, waiting -> caller.cancel());
        assertThat(waited.told()).hasStackTraceContaining("Interrupted while waiting for a connection");
        assertThat(waited.interrupted()).isFalse();
    }

    @Test
    void anInterruptByAnybodyElseIsKept() throws Exception {
        Waited waited = waitsUntil(null, Thread::interrupt);
        assertThat(waited.told()).hasStackTraceContaining("Interrupted while waiting for a connection");
        assertThat(waited.interrupted()).isTrue();
    }
}
