package dev.holdfast.tx.testkit;

import dev.holdfast.tx.spi.Feature;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Set;

/**
 * One fact that must hold for every database, as data: independent of any test framework. Immutable.
 *
 * @param id stable, such as {@code NST-02}
 * @param title the fact, as a sentence
 * @param needs the features without which it says nothing
 * @param body shows it, or throws
 */
public record ConformanceCase(String id, String title, Set<Feature> needs, Body body) {
    /** Shows a fact. */
    @FunctionalInterface
    public interface Body {
        /**
         * Shows it.
         *
         * @param run the tables, connections and transactors of this run of the case
         * @throws Exception if it does not hold; an {@link AssertionError} tells what was seen
         */
        void show(CaseRun run) throws Exception;
    }

    /** Copies the features. */
    public ConformanceCase {
        Objects.requireNonNull(id);
        Objects.requireNonNull(title);
        Objects.requireNonNull(body);
        needs = Set.copyOf(needs);
    }

    /** A case that every database must pass. */
    public static ConformanceCase of(String id, String title, Body body) {
        return new ConformanceCase(id, title, Set.of(), body);
    }

    /** A case for databases that can do this. */
    public static ConformanceCase of(String id, String title, Feature needed, Body body) {
        return new ConformanceCase(id, title, EnumSet.of(needed), body);
    }

    /**
     * Runs it with tables, connections and transactors of its own, which are closed whatever happens.
     *
     * @throws Exception if the fact does not hold
     */
    public void run(DatabaseUnderTest database) throws Exception {
        try (CaseRun run = new CaseRun(database)) {
            body.show(run);
        }
    }

    @Override
    public String toString() {
        return id + " " + title;
    }
}
