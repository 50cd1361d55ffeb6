package dev.holdfast.tx.testkit.interleaving;

import dev.holdfast.tx.testkit.Patience;
import java.time.Duration;

/**
 * How it is found out that a step waits. The lock view of the server tells, where there is one and it may be used; else a
 * step that is quiet for long enough is taken to wait, and sooner one whose thread waits inside this JVM, as with embedded
 * databases. Being wrong makes a case weaker, never false. Immutable.
 *
 * @param quiet after which a step counts as waiting, where the lock view does not tell; a repeated case waits four times
 *     as long
 * @param lockView whether the server's lock view is asked
 * @param delay before each step, at the most, chosen at random: to show that wrong timing accuses nobody
 */
public record Pace(Duration quiet, boolean lockView, Duration delay) {
    /** The pace of all cases: the lock view, or else 300 milliseconds, longer on slow machines. */
    public static Pace usual() {
        return new Pace(Patience.of(Duration.ofMillis(300)), true, Duration.ZERO);
    }

    /** Without the lock view, and much too hasty. */
    public static Pace reckless(Duration quiet, Duration delay) {
        return new Pace(quiet, false, delay);
    }
}
