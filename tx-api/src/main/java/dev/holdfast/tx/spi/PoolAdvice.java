package dev.holdfast.tx.spi;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How a pool for a database is opened. Immutable; the withers answer new values. */
public final class PoolAdvice {
    private final int size;
    private final Identity.Autocommit autocommit;
    private final Map<String, String> properties;
    private final @Nullable String initSql;
    private final @Nullable PoolAdvice readers;
    private final Lifetime lifetime;

    /** How long an idle connection is kept. */
    public enum Lifetime {
        /** As long as the pool likes. */
        POOLED,
        /** For ever: the data lives and dies with its connections, as in memory. */
        UNTIL_CLOSED
    }

    private PoolAdvice(
            int size,
            Identity.Autocommit autocommit,
            Map<String, String> properties,
            @Nullable String initSql,
            @Nullable PoolAdvice readers,
            Lifetime lifetime) {
        this.lifetime = lifetime;
        this.size = size;
        this.autocommit = autocommit;
        this.properties = properties;
        this.initSql = initSql;
        this.readers = readers;
    }

    /**
     * A pool on autocommit with the driver's defaults.
     *
     * @param size how many connections at the most
     */
    public static PoolAdvice ofSize(int size) {
        return new PoolAdvice(size, Identity.Autocommit.ON, Map.of(), null, null, Lifetime.POOLED);
    }

    /** With this number of connections. */
    public PoolAdvice size(int size) {
        return new PoolAdvice(size, autocommit, properties, initSql, readers, lifetime);
    }

    /** With autocommit on or off. */
    public PoolAdvice autocommit(Identity.Autocommit autocommit) {
        return new PoolAdvice(size, autocommit, properties, initSql, readers, lifetime);
    }

    /** With a property of the driver; one that the URL sets wins. */
    public PoolAdvice property(String name, String value) {
        Map<String, String> more = new LinkedHashMap<>(properties);
        more.put(name, value);
        return new PoolAdvice(size, autocommit, Collections.unmodifiableMap(more), initSql, readers, lifetime);
    }

    /** With one statement that each new connection runs. */
    public PoolAdvice initSql(String sql) {
        return new PoolAdvice(size, autocommit, properties, sql, readers, lifetime);
    }

    /** With a second pool of connections to the same database that can only read. */
    public PoolAdvice readers(PoolAdvice readers) {
        return new PoolAdvice(size, autocommit, properties, initSql, readers, lifetime);
    }

    /** With connections kept this long. */
    public PoolAdvice lifetime(Lifetime lifetime) {
        return new PoolAdvice(size, autocommit, properties, initSql, readers, lifetime);
    }

    /** How many connections at the most. */
    public int size() {
        return size;
    }

    /** Whether connections idle with autocommit on or off. */
    public Identity.Autocommit autocommit() {
        return autocommit;
    }

    /** Properties of the driver. */
    public Map<String, String> properties() {
        return properties;
    }

    /** One statement that each new connection runs; null for none. */
    public @Nullable String initSql() {
        return initSql;
    }

    /** A second pool of connections that can only read; null for none. */
    public @Nullable PoolAdvice readers() {
        return readers;
    }

    /** How long an idle connection is kept. */
    public Lifetime lifetime() {
        return lifetime;
    }
}
