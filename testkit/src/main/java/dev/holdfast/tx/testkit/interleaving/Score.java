package dev.holdfast.tx.testkit.interleaving;

import dev.holdfast.tx.testkit.Timeline;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The order in which things happened in all sessions, and the lines that tell of it. */
final class Score {
    private record Line(String session, String text) {}

    private final Timeline timeline;
    private final List<Line> held = new ArrayList<>();
    private int ending;
    private long last;

    Score(Timeline timeline) {
        this.timeline = timeline;
    }

    /** Something happens; it is told its place in the order. */
    synchronized void tell(LongConsumer event) {
        event.accept(++last);
    }

    synchronized <T extends @Nullable Object> T read(Supplier<T> what) {
        return what.get();
    }

    synchronized void line(String session, String text) {
        timeline.add(session, text);
    }

    /** A session goes on: told after the end that let it go on, whose answer may come later. */
    synchronized void lineOfOneThatWaited(String session, String text) {
        if (ending > 0) {
            held.add(new Line(session, text));
        } else {
            line(session, text);
        }
    }

    /** A session begins to end its transaction. */
    synchronized void ending() {
        ending++;
    }

    /** It has, or has failed to; its line is written. */
    synchronized void ended() {
        ending--;
        if (ending == 0) {
            held.forEach(line -> line(line.session(), line.text()));
            held.clear();
        }
    }
}
