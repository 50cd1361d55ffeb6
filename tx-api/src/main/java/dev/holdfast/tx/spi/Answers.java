package dev.holdfast.tx.spi;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a message read, by slot.
 *
 * @param values the slots that were read and are not null
 */
public record Answers(Map<String, String> values) {
    /** Copies the values. */
    public Answers {
        values = Map.copyOf(values);
    }

    /** Nothing read. */
    public static Answers none() {
        return new Answers(Map.of());
    }

    /** The value of a slot; null if it was null or not read. */
    public @Nullable String get(String slot) {
        return values.get(slot);
    }

    /** The value of a slot, or this one if it was null or not read. */
    public String get(String slot, String otherwise) {
        return values.getOrDefault(slot, otherwise);
    }
}
