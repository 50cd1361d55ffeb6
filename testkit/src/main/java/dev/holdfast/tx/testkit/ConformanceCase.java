package dev.holdfast.tx.testkit;

import dev.holdfast.tx.spi.Feature;
import java.util.Objects;

/**
 * One fact that must hold for every database, as data: independent of any test framework. Immutable.
 *
 * @param id stable, such as {@code NST-02}
 * @param rule of the specification that it shows, such as {@code TX-204}
 * @param title the fact, as a sentence
 * @param needs without which it says nothing
 * @param body shows it, or throws
 */
public record ConformanceCase(String id, String rule, String title, Needs needs, Body body) {
    /** Shows a fact. */
    @FunctionalInterface
    public interface Body {
        /**
         * Shows it.
         *
         * @param run the tables, connections and transactors of this run of the case
         * @throws Inconclusive if the run did not come to where it shows anything
         * @throws Untested if something that it needs is not there
         * @throws Exception if it does not hold; an {@link AssertionError} tells what was seen
         */
        void show(CaseRun run) throws Exception;
    }

    /** Refuses what is missing. */
    public ConformanceCase {
        Objects.requireNonNull(id);
        Objects.requireNonNull(rule);
        Objects.requireNonNull(title);
        Objects.requireNonNull(needs);
        Objects.requireNonNull(body);
    }

    /** A case that every database must pass. */
    public static ConformanceCase of(String id, String rule, String title, Body body) {
        return new ConformanceCase(id, rule, title, Needs.nothing(), body);
    }

    /** A case for databases that can do this. */
    public static ConformanceCase of(String id, String rule, String title, Feature needed, Body body) {
        return new ConformanceCase(id, rule, title, Needs.of(needed), body);
    }

    /** A case that needs this. */
    public static ConformanceCase of(String id, String rule, String title, Needs needs, Body body) {
        return new ConformanceCase(id, rule, title, needs, body);
    }

    /** The chapter that it belongs to. */
    public Chapter chapter() {
        return Chapter.of(id);
    }

    /** Id and title, and the level it is shown at if there is one: {@code ISO-08 … [SERIALIZABLE]}. */
    @Override
    public String toString() {
        return id + " " + title + (needs.level() == null ? "" : " [" + needs.level() + "]");
    }
}
