package dev.holdfast.tx.engine.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.lang.reflect.Proxy;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jetbrains.lincheck.Lincheck;
import org.jetbrains.lincheck.LincheckAssertionError;
import org.junit.jupiter.api.Test;

/**
 * What keeps threads apart, in the interleavings of two or three of them, one after the other: a switch of threads is tried
 * at each access to what they share, first one in a run and then more. A deadlock is a failure too.
 */
class InterleavingsTest {
    private static final int RUNS = 500;
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    /** What a thread does to the end, and nothing that it throws is lost. */
    private interface Work {
        void run() throws Exception;
    }

    private static void inEveryOrder(Runnable work) {
        Lincheck.runConcurrentTest(RUNS, work);
    }

    private static void together(Work... works) {
        List<Thread> threads = new ArrayList<>();
        Throwable[] thrown = new Throwable[works.length];
        for (int i = 0; i < works.length; i++) {
            int number = i;
            threads.add(new Thread(() -> {
                try {
                    works[number].run();
                } catch (Throwable e) {
                    thrown[number] = e;
                }
            }));
        }
        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
        for (Throwable each : thrown) {
            if (each != null) {
                throw new AssertionError(each);
            }
        }
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    // ---- the turn

    /** A connection that two must not use at a time. */
    private static final class Used {
        private volatile int users;
        private volatile boolean kept;
        private volatile int uses;

        void byOutsider() {
            require(!kept, "used while a nested scope keeps it");
            by();
        }

        @SuppressWarnings("NonAtomicVolatileUpdate") // that no two do it at a time is what is tested
        void by() {
            require(++users == 1, "two use it");
            uses++;
            users--;
        }
    }

    private static void taking(Turn turn, Used used) {
        turn.takeToUse();
        turn.takeToUse();
        used.by();
        turn.giveBack();
        used.by();
        turn.giveBack();
    }

    @Test
    void a_turn_is_one_threads_at_a_time() {
        inEveryOrder(() -> {
            Turn turn = new Turn(PATIENCE);
            Used used = new Used();
            together(() -> taking(turn, used), () -> taking(turn, used), () -> taking(turn, used));
            require(used.uses == 6, "a use is lost");
        });
    }

    /** A nested scope that suspends: it has no thread between its beginning and its end. */
    private static void keeping(Turn turn, Used used, Unit unit) {
        turn.take();
        Unit before = turn.keepFor(unit);
        used.kept = true;
        turn.giveBack();
        require(turn.tryTake(), "its end does not get the turn");
        used.by();
        used.kept = false;
        turn.keepFor(before);
        turn.giveBack();
    }

    private static void outside(Turn turn, Used used) {
        turn.takeToUse();
        used.byOutsider();
        turn.giveBack();
    }

    @Test
    void what_keeps_the_connection_keeps_others_off_and_then_lets_all_of_them_go_on() {
        inEveryOrder(() -> {
            Turn turn = new Turn(PATIENCE);
            Used used = new Used();
            Unit unit = Unit.root().savepoint("s", false, false);
            together(() -> keeping(turn, used, unit), () -> outside(turn, used), () -> outside(turn, used));
            require(used.uses == 3, "a use is lost");
        });
    }

    // ---- the cancel latch

    /** What is executed on a connection, as those see it who cancel. */
    private static final class Executed {
        private volatile boolean first = true;
        private int cancels;

        void cancel() {
            require(first, "a cancel hits the next statement");
            synchronized (this) {
                cancels++;
                notifyAll();
            }
            require(first, "a cancel hits the next statement on its way");
        }

        synchronized void awaitCancels(int number) throws InterruptedException {
            while (cancels < number) {
                wait();
            }
        }
    }

    @Test
    void no_cancel_of_an_execution_comes_after_it_is_over() {
        inEveryOrder(() -> {
            CancelLatch latch = new CancelLatch();
            Executed executed = new Executed();
            together(
                    () -> {
                        for (int i = 0; i < 2 && latch.begins(); i++) {
                            executed.cancel();
                            latch.ends(0);
                        }
                    },
                    () -> {
                        latch.over();
                        executed.first = false;
                    });
            require(!latch.begins(), "a cancel could be made of what is over");
        });
    }

    /** As with a driver that has sent nothing yet when the first cancel comes: the second one hits. */
    @Test
    void a_cancel_that_hit_nothing_can_be_made_again_until_it_is_over() {
        inEveryOrder(() -> {
            CancelLatch latch = new CancelLatch();
            Executed executed = new Executed();
            together(
                    () -> {
                        for (int i = 0; i < 3 && latch.begins(); i++) {
                            executed.cancel();
                            latch.ends(0);
                        }
                    },
                    () -> {
                        executed.awaitCancels(2);
                        latch.over();
                        executed.first = false;
                    });
        });
    }

    // ---- the statement's own cancel

    private static Statement driver(Executed executed) {
        return (Statement) Proxy.newProxyInstance(
                Statement.class.getClassLoader(), new Class<?>[] {Statement.class}, (self, method, arguments) -> {
                    if (method.getName().equals("cancel")) {
                        executed.cancel();
                    }
                    return switch (method.getName()) {
                        case "equals" -> self == arguments[0];
                        case "hashCode" -> System.identityHashCode(self);
                        default -> null;
                    };
                });
    }

    @Test
    void no_cancel_of_a_statement_by_its_holder_comes_after_its_call() {
        inEveryOrder(() -> {
            Executed executed = new Executed();
            GuardedStatement<Statement> statement =
                    new GuardedStatement<>(new GuardedConnection(cancelling()), driver(executed));
            together(
                    () -> {
                        statement.begins();
                        statement.ends();
                        executed.first = false;
                    },
                    statement::cancel,
                    statement::cancel);
        });
    }

    /** All that a cancel needs. */
    private static ConnectionUse cancelling() {
        return (ConnectionUse) Proxy.newProxyInstance(
                ConnectionUse.class.getClassLoader(),
                new Class<?>[] {ConnectionUse.class},
                (self, method, arguments) -> {
                    switch (method.getName()) {
                        case "cancel" -> ((Statement) arguments[0]).cancel();
                        case "equals" -> {
                            return self == arguments[0];
                        }
                        case "hashCode" -> {
                            return System.identityHashCode(self);
                        }
                        default -> throw new UnsupportedOperationException(method.getName());
                    }
                    return null;
                });
    }

    // ---- the check itself

    /** A latch as it must not be: what is over waits for no cancel that is on its way. */
    private static final class Hasty {
        private boolean over;

        synchronized boolean begins() {
            return !over;
        }

        synchronized void over() {
            over = true;
        }
    }

    @Test
    void a_latch_that_waits_for_no_cancel_is_found_out() {
        Throwable found = catchThrowable(() -> inEveryOrder(() -> {
            Hasty latch = new Hasty();
            Executed executed = new Executed();
            together(
                    () -> {
                        if (latch.begins()) {
                            executed.cancel();
                        }
                    },
                    () -> {
                        latch.over();
                        executed.first = false;
                    });
        }));
        assertThat(found)
                .isInstanceOf(LincheckAssertionError.class)
                .hasMessageContaining("a cancel hits the next statement");
    }
}
