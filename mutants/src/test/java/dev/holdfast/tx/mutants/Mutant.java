package dev.holdfast.tx.mutants;

import java.util.function.Supplier;

/**
 * Something that is broken on purpose, and how the suite must notice.
 *
 * @param id stable, such as {@code M07}
 * @param what is broken, as a sentence
 * @param base the name of what was broken
 * @param database the broken one
 * @param killer the id of the case that must fail
 * @param says what the failure must say
 */
record Mutant(String id, String what, String base, Supplier<Database> database, String killer, String says) {
    @Override
    public String toString() {
        return id + " " + what + " (" + base + "): killed by " + killer;
    }
}
