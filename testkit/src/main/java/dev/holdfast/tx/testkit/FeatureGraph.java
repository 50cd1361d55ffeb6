package dev.holdfast.tx.testkit;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.spi.Anomaly;
import dev.holdfast.tx.spi.Feature;
import dev.holdfast.tx.spi.IsolationModel;
import dev.holdfast.tx.spi.Profile;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** What follows from what in a declaration. */
final class FeatureGraph {
    /** A feature, and others of which at least one must be there with it. */
    private record Implication(Feature feature, Set<Feature> oneOf) {
        static Implication of(Feature feature, Feature first, Feature... more) {
            return new Implication(feature, EnumSet.of(first, more));
        }

        boolean isBroken(Profile profile) {
            return profile.has(feature) && oneOf.stream().noneMatch(profile::has);
        }

        @Override
        public String toString() {
            return feature + " needs " + (oneOf.size() == 1 ? "" : "one of ")
                    + String.join(
                            ", ", new TreeSet<>(oneOf.stream().map(Enum::name).toList()));
        }
    }

    private static final List<Implication> IMPLICATIONS = List.of(
            Implication.of(Feature.SAVEPOINT_RELEASE, Feature.SAVEPOINTS),
            Implication.of(Feature.READ_ONLY_SAVEPOINT, Feature.SAVEPOINTS),
            Implication.of(Feature.READ_ONLY_SAVEPOINT, Feature.READ_ONLY),
            Implication.of(Feature.NAMED_CONSTRAINTS, Feature.DEFERRED_CONSTRAINTS, Feature.IMMEDIATE_CONSTRAINTS),
            Implication.of(Feature.LOCK_OF, Feature.LOCK_UPDATE),
            Implication.of(Feature.LOCK_NO_WAIT, Feature.LOCK_UPDATE),
            Implication.of(Feature.LOCK_SKIP_LOCKED, Feature.LOCK_UPDATE),
            Implication.of(Feature.LOCK_WAIT_AT_MOST, Feature.LOCK_UPDATE),
            Implication.of(Feature.CAUSAL_READS, Feature.REPLICAS));

    private FeatureGraph() {}

    /** What is declared without what it needs. */
    static List<String> contradictions(Profile profile) {
        return IMPLICATIONS.stream()
                .filter(implication -> implication.isBroken(profile))
                .map(Object::toString)
                .toList();
    }

    /** Levels declared to be less than their names promise to callers. */
    static List<String> brokenPromises(Profile profile) {
        List<String> broken = new ArrayList<>();
        profile.levels().forEach((level, given) -> {
            Set<Anomaly> lacking = EnumSet.noneOf(Anomaly.class);
            lacking.addAll(promised(level));
            lacking.removeAll(given.model().prevented());
            if (!lacking.isEmpty()) {
                broken.add(level + " is given as " + given.nativeName() + ", " + given.model() + ", which lets through "
                        + lacking);
            }
        });
        return broken;
    }

    /** What must not be seen at a level, whatever the server calls it. */
    static Set<Anomaly> promised(Isolation level) {
        return switch (level) {
            case READ_UNCOMMITTED -> IsolationModel.RU.prevented();
            case READ_COMMITTED -> IsolationModel.RC.prevented();
            // servers keep a row as it was read by locks or by snapshots, and only this is common to both
            case REPEATABLE_READ -> common(IsolationModel.RR_LOCKING, IsolationModel.RR_INNODB);
            case SNAPSHOT -> IsolationModel.SI.prevented();
            case SERIALIZABLE -> IsolationModel.SER.prevented();
        };
    }

    private static Set<Anomaly> common(IsolationModel one, IsolationModel other) {
        Set<Anomaly> both = EnumSet.copyOf(one.prevented());
        both.retainAll(other.prevented());
        return both;
    }
}
