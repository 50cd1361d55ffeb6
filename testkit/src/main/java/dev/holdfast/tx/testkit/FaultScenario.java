package dev.holdfast.tx.testkit;

import dev.holdfast.tx.Transactor;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.Identity.Autocommit;
import java.util.Set;
import javax.sql.DataSource;

/**
 * Work that is run again and again, each time with another of its calls of the driver failing. It makes the same calls each
 * time, and lets what is thrown at it pass, unless it is about surviving. Immutable; the withers answer new values.
 *
 * @param name what it does
 * @param needs the features without which it cannot be run
 * @param autocommit how connections come from its pool
 * @param onError what is known of its rows after an error
 * @param body the work
 */
public record FaultScenario(String name, Set<Feature> needs, Autocommit autocommit, OnError onError, Body body) {
    /** What is known of the rows after an error. */
    public enum OnError {
        /** None is there. */
        NOTHING,
        /** They may be there: each statement commits by itself. */
        ANYTHING
    }

    /** The work of a scenario. */
    @FunctionalInterface
    public interface Body {
        /**
         * Does it.
         *
         * @throws Exception what the engine threw, or {@link Planned}
         */
        void work(Stage stage) throws Exception;
    }

    /**
     * What a scenario works with.
     *
     * @param database under test
     * @param source what {@code db} runs on
     * @param db the transactor
     * @param table is empty: {@code (id int primary key, v int)}
     */
    public record Stage(DatabaseUnderTest database, DataSource source, Transactor db, String table) {}

    /** What a scenario throws to have something rolled back. */
    public static final class Planned extends Exception {
        private static final long serialVersionUID = 1L;

        /** One that says so. */
        public Planned() {
            super("planned by the scenario");
        }
    }

    /** Copies the features. */
    public FaultScenario {
        needs = Set.copyOf(needs);
    }

    /** One transaction, or what is made like one, on a pool with autocommit on. */
    public static FaultScenario of(String name, Body body) {
        return new FaultScenario(name, Set.of(), Autocommit.ON, OnError.NOTHING, body);
    }

    /** For databases that can do all of this. */
    public FaultScenario needing(Feature... features) {
        return new FaultScenario(name, Set.of(features), autocommit, onError, body);
    }

    /** The same on a pool with autocommit off. */
    public FaultScenario autocommitOff() {
        return new FaultScenario(name + ", pool with autocommit off", needs, Autocommit.OFF, onError, body);
    }

    /** Without a transaction around it. */
    public FaultScenario outside() {
        return new FaultScenario(name, needs, autocommit, OnError.ANYTHING, body);
    }

    @Override
    public String toString() {
        return name;
    }
}
