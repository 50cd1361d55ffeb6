package dev.holdfast.tx.spi;

import dev.holdfast.tx.Isolation;
import dev.holdfast.tx.TxOption;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What one database is and can do, made once per data source by its dialect. Immutable. */
public final class Profile {
    private final Identity identity;
    private final String flavour;
    private final int major;
    private final int minor;
    private final Map<Isolation, Level> levels;
    private final Isolation defaultIsolation;
    private final Set<Feature> features;
    private final Set<TxOption<?>> options;
    private final Map<String, String> facts;

    private Profile(Builder from) {
        this.identity = from.identity;
        this.flavour = from.flavour;
        this.major = from.major;
        this.minor = from.minor;
        this.levels = Collections.unmodifiableMap(new EnumMap<>(from.levels));
        this.defaultIsolation = from.defaultIsolation;
        this.features = Collections.unmodifiableSet(EnumSet.copyOf(from.features));
        this.options = Collections.unmodifiableSet(new LinkedHashSet<>(from.options));
        this.facts = Collections.unmodifiableMap(new LinkedHashMap<>(from.facts));
        if (!levels.containsKey(defaultIsolation)) {
            throw new IllegalArgumentException("The default level " + defaultIsolation + " is not among " + levels);
        }
    }

    /**
     * Starts a profile.
     *
     * @param identity of the database
     * @param flavour the product in one word, such as {@code PostgreSQL} or {@code CockroachDB}
     */
    public static Builder of(Identity identity, String flavour) {
        return new Builder(identity, flavour);
    }

    /** What JDBC says of the database. */
    public Identity identity() {
        return identity;
    }

    /** The product in one word. */
    public String flavour() {
        return flavour;
    }

    /** The first number of the version. */
    public int major() {
        return major;
    }

    /** The second number of the version. */
    public int minor() {
        return minor;
    }

    /** What the database makes of each level it takes; one that is absent is refused. */
    public Map<Isolation, Level> levels() {
        return levels;
    }

    /** The level of a transaction that asks for none. */
    public Isolation defaultIsolation() {
        return defaultIsolation;
    }

    /** What an isolation level, or the default where null, really is; null if it is refused. */
    public @Nullable IsolationModel model(@Nullable Isolation isolation) {
        Level level = levels.get(isolation == null ? defaultIsolation : isolation);
        return level == null ? null : level.model();
    }

    /** What it can do. */
    public Set<Feature> features() {
        return features;
    }

    /** Whether it can do this. */
    public boolean has(Feature feature) {
        return features.contains(feature);
    }

    /** The dialect's own options that it takes. */
    public Set<TxOption<?>> options() {
        return options;
    }

    /** Whatever else the dialect wants to remember. */
    public Map<String, String> facts() {
        return facts;
    }

    /** The value of a fact; null if there is none. */
    public @Nullable String fact(String name) {
        return facts.get(name);
    }

    /** Flavour and version, for messages: {@code PostgreSQL 18.6}. */
    public String server() {
        return flavour + " " + major + "." + minor;
    }

    @Override
    public String toString() {
        return server() + " at " + identity.url();
    }

    /** Collects a profile. Not for sharing between threads. */
    public static final class Builder {
        private final Identity identity;
        private final String flavour;
        private int major;
        private int minor;
        private final Map<Isolation, Level> levels = new EnumMap<>(Isolation.class);
        private Isolation defaultIsolation = Isolation.READ_COMMITTED;
        private final Set<Feature> features = EnumSet.noneOf(Feature.class);
        private final Set<TxOption<?>> options = new LinkedHashSet<>();
        private final Map<String, String> facts = new LinkedHashMap<>();

        private Builder(Identity identity, String flavour) {
            this.identity = Objects.requireNonNull(identity);
            this.flavour = Objects.requireNonNull(flavour);
        }

        /** The version. */
        public Builder version(int major, int minor) {
            this.major = major;
            this.minor = minor;
            return this;
        }

        /** What the database makes of a level. */
        public Builder level(Isolation isolation, String nativeName, IsolationModel model) {
            levels.put(isolation, new Level(nativeName, model));
            return this;
        }

        /** The level of a transaction that asks for none. */
        public Builder defaultIsolation(Isolation isolation) {
            this.defaultIsolation = isolation;
            return this;
        }

        /** It can do these. */
        public Builder features(Feature... features) {
            Collections.addAll(this.features, features);
            return this;
        }

        /** It cannot do these after all. */
        public Builder without(Feature... features) {
            for (Feature feature : features) {
                this.features.remove(feature);
            }
            return this;
        }

        /** It takes this option of the dialect's own. */
        public Builder option(TxOption<?> option) {
            options.add(option);
            return this;
        }

        /** Remembers something. */
        public Builder fact(String name, String value) {
            facts.put(name, value);
            return this;
        }

        /**
         * The profile.
         *
         * @throws IllegalArgumentException if the default level is not among the levels
         */
        public Profile build() {
            return new Profile(this);
        }
    }
}
