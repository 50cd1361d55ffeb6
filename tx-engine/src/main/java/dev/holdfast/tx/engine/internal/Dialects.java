package dev.holdfast.tx.engine.internal;

import dev.holdfast.tx.TxException;
import dev.holdfast.tx.TxUnsupportedException;
import dev.holdfast.tx.spi.Dialect;
import dev.holdfast.tx.spi.Identity;
import dev.holdfast.tx.spi.Match;
import dev.holdfast.tx.spi.PoolAdvice;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.stream.Collectors;

/** Finds the dialect for a database among those on the class or module path. */
public final class Dialects {
    /** What to add for a database whose dialect is missing, by a word of its product or URL. */
    private static final Map<String, String> ARTIFACTS = Map.of(
            "postgresql", "dialect-postgres",
            "mysql", "dialect-mysql",
            "mariadb", "dialect-mysql",
            "sql server", "dialect-mssql",
            "sqlserver", "dialect-mssql",
            "sqlite", "dialect-sqlite");

    private Dialects() {}

    /**
     * All dialects there are.
     *
     * @throws TxException if one cannot be loaded, or was compiled for a later level of the SPI
     */
    public static List<Dialect> all() {
        List<Dialect> found = new ArrayList<>();
        try {
            ServiceLoader.load(Dialect.class, Dialects.class.getClassLoader()).forEach(found::add);
        } catch (ServiceConfigurationError e) {
            throw new TxException("A dialect on the class path cannot be loaded: " + e.getMessage(), null, null, e);
        }
        found.forEach(Dialects::requireLevel);
        return found;
    }

    static void requireLevel(Dialect dialect) {
        if (dialect.spiLevel() > Dialect.SPI_LEVEL || dialect.spiLevel() < 1) {
            throw new TxException(
                    "Dialect " + dialect.name() + " is made for level " + dialect.spiLevel()
                            + " of the dialect interface, and this engine has level " + Dialect.SPI_LEVEL + "; upgrade "
                            + (dialect.spiLevel() < 1 ? "the dialect" : "tx-engine"),
                    null,
                    null,
                    null);
        }
    }

    /**
     * The best match for a database.
     *
     * @throws TxUnsupportedException if none fits
     * @throws TxException if two fit equally well
     */
    static Dialect find(Identity identity) {
        return best(all(), identity);
    }

    /** The choice itself, from a given list. */
    static Dialect best(List<Dialect> dialects, Identity identity) {
        Match best = Match.NO;
        List<Dialect> fitting = new ArrayList<>();
        for (Dialect dialect : dialects) {
            Match match = dialect.accepts(identity);
            if (match.compareTo(best) > 0) {
                best = match;
                fitting.clear();
            }
            if (match != Match.NO && match == best) {
                fitting.add(dialect);
            }
        }
        if (fitting.isEmpty()) {
            throw missing("No dialect on the class path fits " + identity, identity.product());
        }
        if (fitting.size() > 1) {
            throw new TxException(
                    "Two dialects fit " + identity + " equally well: " + names(fitting)
                            + "; remove one, or choose with Holdfast.builder(dataSource).dialect(…)",
                    null,
                    null,
                    null);
        }
        return fitting.get(0);
    }

    /** A dialect that the caller chose, if it fits. */
    static Dialect checked(Dialect chosen, Identity identity) {
        requireLevel(chosen);
        if (chosen.accepts(identity) == Match.NO) {
            throw new TxUnsupportedException("Dialect " + chosen.name() + " was chosen but does not fit " + identity
                    + "; leave it out to have one" + " looked for");
        }
        return chosen;
    }

    /**
     * How to open a pool for a URL, by the dialect that knows it.
     *
     * @throws TxUnsupportedException if none knows it
     */
    public static PoolAdvice advise(String url) {
        List<Dialect> dialects = all();
        for (Dialect dialect : dialects) {
            Optional<PoolAdvice> advice = dialect.advise(url);
            if (advice.isPresent()) {
                return advice.get();
            }
        }
        throw missing("No dialect on the class path knows the URL " + Identity.withoutSecrets(url), url);
    }

    private static TxUnsupportedException missing(String what, String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        String artifact = ARTIFACTS.entrySet().stream()
                .filter(entry -> lower.contains(entry.getKey()))
                .map(entry -> "add the artifact dev.holdfast:" + entry.getValue())
                .findFirst()
                .orElse("add the artifact of its dialect, or write one (docs/guide/writing-a-dialect.md)");
        return new TxUnsupportedException(what + "; " + artifact + "; found: " + names(all()));
    }

    private static String names(List<Dialect> dialects) {
        return dialects.isEmpty()
                ? "none"
                : dialects.stream()
                        .map(dialect ->
                                dialect.name() + " (" + dialect.getClass().getName() + ")")
                        .collect(Collectors.joining(", "));
    }
}
