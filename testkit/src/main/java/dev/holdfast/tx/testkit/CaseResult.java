package dev.holdfast.tx.testkit;

import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What became of a case.
 *
 * @param conformanceCase that was run
 * @param verdict on it
 * @param detail why, in a few words; for a failure all there is to say; empty for a plain pass
 * @param notes what the case wrote down for the report, in order
 * @param attempts how often it was run until the verdict
 * @param lasted all of them
 * @param thrown what a failure threw; null for none
 */
public record CaseResult(
        ConformanceCase conformanceCase,
        Verdict verdict,
        String detail,
        Map<String, String> notes,
        int attempts,
        Duration lasted,
        @Nullable Throwable thrown) {
    /** Copies the notes. */
    public CaseResult {
        Objects.requireNonNull(conformanceCase);
        Objects.requireNonNull(verdict);
        notes = Collections.unmodifiableMap(new LinkedHashMap<>(notes));
    }

    /**
     * Throws what a test framework shows, if the case failed.
     *
     * @throws AssertionError with the detail as its message and what the case threw as its cause
     */
    public void throwIfFailed() {
        if (verdict == Verdict.FAIL) {
            throw new AssertionError(detail, thrown);
        }
    }
}
