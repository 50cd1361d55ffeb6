package dev.holdfast.tx.testkit;

import java.time.LocalDate;
import java.util.Objects;

/**
 * A case that is known to fail. Its failure is reported as {@link Verdict#WAIVED}, with the reason, and costs the report its
 * {@code CONFORMANT}; a pass, or a day after the last one, makes the waiver itself a failure.
 *
 * @param id of the case, such as {@code LCK-07}
 * @param reason why it fails
 * @param issue where this is followed up: an address
 * @param until the last day on which it counts
 */
public record Waiver(String id, String reason, String issue, LocalDate until) {
    /** Refuses a waiver that says nothing. */
    public Waiver {
        Objects.requireNonNull(id);
        Objects.requireNonNull(until);
        if (reason.isBlank() || issue.isBlank()) {
            throw new IllegalArgumentException("The waiver of " + id + " needs a reason and an issue");
        }
    }
}
