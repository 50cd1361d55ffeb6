package dev.holdfast.tx;

import java.util.List;

/**
 * When deferrable constraints are checked.
 *
 * @param timing at COMMIT, or after each statement
 * @param names the constraints meant, as the catalog spells them, optionally with a schema before a dot; empty for all
 */
public record ConstraintChecking(Timing timing, List<String> names) {
    /** The moment of the check. */
    public enum Timing {
        /** At COMMIT. */
        DEFERRED,
        /** After each statement. */
        IMMEDIATE
    }

    /**
     * Copies the names.
     *
     * @throws IllegalArgumentException if a name is blank or holds a NUL
     */
    public ConstraintChecking {
        names = List.copyOf(names);
        for (String name : names) {
            if (name.isBlank() || name.indexOf('\0') >= 0) {
                throw new IllegalArgumentException("A constraint name is blank or holds a NUL: '" + name + "'");
            }
        }
    }

    /** Whether all deferrable constraints are meant. */
    public boolean isAll() {
        return names.isEmpty();
    }

    @Override
    public String toString() {
        return timing + (isAll() ? "" : names.toString());
    }
}
