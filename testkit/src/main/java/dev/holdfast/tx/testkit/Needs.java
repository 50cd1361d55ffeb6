package dev.holdfast.tx.testkit;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.spi.Feature;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a case needs. A feature or a level that the database does not claim must be refused, and the case shows that
 * instead; means that are not there leave it untested. Immutable; the withers answer new values.
 *
 * @param features the database must claim
 * @param level the isolation level it must take; null for none in particular
 * @param means the test needs
 */
public record Needs(Set<Feature> features, @Nullable Isolation level, Set<Means> means) {
    /** Copies the sets. */
    public Needs {
        features = Set.copyOf(features);
        means = Set.copyOf(means);
    }

    /** Nothing: every database must pass. */
    public static Needs nothing() {
        return new Needs(Set.of(), null, Set.of());
    }

    /** These features. */
    public static Needs of(Feature first, Feature... more) {
        return new Needs(EnumSet.of(first, more), null, Set.of());
    }

    /** This isolation level. */
    public static Needs of(Isolation level) {
        return new Needs(Set.of(), Objects.requireNonNull(level), Set.of());
    }

    /** These means. */
    public static Needs of(Means first, Means... more) {
        return new Needs(Set.of(), null, EnumSet.of(first, more));
    }

    /** This feature too. */
    public Needs and(Feature feature) {
        EnumSet<Feature> all = EnumSet.of(feature);
        all.addAll(features);
        return new Needs(all, level, means);
    }

    /** This level too. */
    public Needs and(Isolation needed) {
        return new Needs(features, needed, means);
    }

    /** These means too. */
    public Needs and(Means needed) {
        EnumSet<Means> all = EnumSet.of(needed);
        all.addAll(means);
        return new Needs(features, level, all);
    }
}
