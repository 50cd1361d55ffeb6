package dev.holdfast.tx.engine.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.holdfast.tx.TxStateException;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TurnTest {
    private static final Duration SHORT = Duration.ofMillis(1);
    private static final Duration LONG = Duration.ofMinutes(5);

    private final CountDownLatch release = new CountDownLatch(1);
    private @Nullable Thread other;

    @AfterEach
    void letGo() throws InterruptedException {
        release.countDown();
        if (other != null) {
            other.join();
        }
    }

    /** Has another thread take the turn and keep it until it is let go. */
    private void keptByAnother(Turn turn) throws InterruptedException {
        CountDownLatch taken = new CountDownLatch(1);
        other = new Thread(
                () -> {
                    turn.take();
                    taken.countDown();
                    keepIt();
                    turn.giveBack();
                },
                "the other");
        other.start();
        taken.await();
    }

    private void keepIt() {
        try {
            release.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void a_thread_that_has_it_takes_it_again() {
        Turn turn = new Turn(SHORT);
        turn.take();
        turn.take();
        turn.giveBack();
        turn.giveBack();
        assertThat(turn.tryTake()).isTrue();
    }

    @Test
    void a_thread_that_waits_too_long_is_told_who_keeps_it_and_shown_both_stacks() throws Exception {
        Turn turn = new Turn(SHORT);
        keptByAnother(turn);
        TxStateException refused = catchThrowableOfType(TxStateException.class, turn::take);
        assertThat(refused)
                .hasMessageContainingAll(
                        "'the other'", "'" + Thread.currentThread().getName() + "'", "waited PT0.001S");
        assertThat(methods(refused))
                .contains("a_thread_that_waits_too_long_is_told_who_keeps_it_and_shown_both_stacks");
        assertThat(refused.getSuppressed()).hasSize(1);
        assertThat(methods(refused.getSuppressed()[0])).contains("keepIt");
    }

    private static String[] methods(Throwable thrown) {
        return Arrays.stream(thrown.getStackTrace())
                .map(StackTraceElement::getMethodName)
                .toArray(String[]::new);
    }

    @Test
    void one_that_is_kept_too_long_cannot_be_had() throws Exception {
        Turn turn = new Turn(SHORT);
        keptByAnother(turn);
        assertThat(turn.tryTake()).isFalse();
    }

    @Test
    void a_thread_that_waits_gets_it_when_it_is_given_back() throws Exception {
        Turn turn = new Turn(LONG);
        keptByAnother(turn);
        AtomicReference<@Nullable Throwable> refused = new AtomicReference<>();
        Thread waiting = new Thread(() -> {
            refused.set(catchThrowable(turn::take));
            turn.giveBack();
        });
        waiting.start();
        release.countDown();
        waiting.join();
        assertThat(refused.get()).isNull();
    }

    @Test
    void an_interrupt_ends_the_wait_and_the_flag_is_kept() throws Exception {
        Turn turn = new Turn(LONG);
        keptByAnother(turn);
        Thread.currentThread().interrupt();
        TxStateException refused = catchThrowableOfType(TxStateException.class, turn::take);
        assertThat(Thread.interrupted()).isTrue();
        assertThat(refused).hasMessageContaining("was interrupted while it waited for its turn");
    }

    @Test
    void one_that_is_free_is_had_by_a_thread_whose_interrupt_flag_is_set() {
        Turn turn = new Turn(SHORT);
        Thread.currentThread().interrupt();
        turn.take();
        assertThat(Thread.interrupted()).isTrue();
        turn.giveBack();
    }
}
