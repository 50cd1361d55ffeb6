package dev.holdfast.tx;

import java.time.Duration;

/** The one check that every limit passes. */
final class Durations {
    /** What a clock of nanoseconds can count to. */
    private static final Duration LONGEST = Duration.ofNanos(Long.MAX_VALUE);

    private Durations() {}

    static Duration requirePositive(String what, Duration duration) {
        if (duration.isNegative() || duration.isZero()) {
            throw new IllegalArgumentException(what + ": a limit must be longer than zero, not " + duration
                    + "; leave the option out for no limit");
        }
        if (duration.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(
                    what + ": " + duration + " is longer than 292 years; leave the option out for no limit");
        }
        return duration;
    }
}
