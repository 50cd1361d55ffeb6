package dev.holdfast.tx.engine.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.tx.TxEvent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The watch without its timer: the test says what time it is. */
class WatchTest {
    private static final long SECOND = Duration.ofSeconds(1).toNanos();

    private final List<TxEvent> told = new ArrayList<>();
    private final Watch watch = new Watch(Duration.ofSeconds(30), told::add);

    @Test
    void what_is_open_for_less_than_the_limit_is_not_told() {
        watch.opened(7, "report", 0);
        watch.look(30 * SECOND - 1);
        assertThat(told).isEmpty();
    }

    @Test
    void what_is_open_for_longer_is_told_once_with_its_label_and_the_stack_that_opened_it() {
        watch.opened(7, "report", 5 * SECOND);
        watch.look(36 * SECOND);
        watch.look(90 * SECOND);
        assertThat(told).singleElement().isInstanceOfSatisfying(TxEvent.OpenTooLong.class, warning -> {
            assertThat(warning.transaction()).isEqualTo(7);
            assertThat(warning.label()).isEqualTo("report");
            assertThat(warning.open()).isEqualTo(Duration.ofSeconds(31));
            assertThat(warning.holds()).isEqualTo("no connection");
            assertThat(warning.opened().getStackTrace())
                    .anyMatch(frame -> frame.getClassName().equals(WatchTest.class.getName()));
        });
    }

    @Test
    void what_it_holds_is_told() {
        watch.opened(7, null, 0).holdsConnectionTo(Made.server());
        watch.look(31 * SECOND);
        assertThat(told)
                .singleElement()
                .isInstanceOfSatisfying(
                        TxEvent.OpenTooLong.class,
                        warning -> assertThat(warning.holds()).startsWith("a connection to Made 1.0"));
    }

    @Test
    void what_is_over_is_not_told() {
        watch.opened(7, null, 0).over();
        watch.look(31 * SECOND);
        assertThat(told).isEmpty();
    }
}
