package dev.holdfast.tx.testkit;

import java.time.Duration;

/**
 * How long tests wait for what must come. Nothing is shown by waiting; a bound only ends what hangs. Slow machines set
 * {@code -Dholdfast.time.multiplier} or {@code HOLDFAST_TIME_MULTIPLIER}.
 */
public final class Patience {
    private static final double MULTIPLIER = multiplier();

    private Patience() {}

    private static double multiplier() {
        String set = System.getProperty("holdfast.time.multiplier", System.getenv("HOLDFAST_TIME_MULTIPLIER"));
        if (set == null) {
            return 1;
        }
        try {
            double value = Double.parseDouble(set);
            if (value > 0 && value <= 1_000) {
                return value;
            }
        } catch (NumberFormatException e) {
            // told below
        }
        throw new IllegalArgumentException("The time multiplier '" + set + "' is no number above 0 and at most 1000");
    }

    /** What all bounds are multiplied with. */
    public static double factor() {
        return MULTIPLIER;
    }

    /** This long, on a slow machine longer. */
    public static Duration of(Duration duration) {
        return Duration.ofMillis((long) (duration.toMillis() * MULTIPLIER));
    }

    /** How long one step of a case may take: 30 seconds. */
    public static Duration step() {
        return of(Duration.ofSeconds(30));
    }

    /** How long a whole case may take: 3 minutes. */
    public static Duration wholeCase() {
        return of(Duration.ofMinutes(3));
    }
}
