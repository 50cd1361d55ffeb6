package dev.holdfast.tx.sqlite;

import dev.holdfast.tx.spi.PoolAdvice;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * How pools are opened. A file has one writer, because SQLite has, and readers beside it, because WAL lets them read
 * meanwhile (sqlite.org/wal.html). What lives in memory, or in a cache that connections share, has one connection: a
 * second one would see another database, or fail at locks on which it cannot wait (sqlite.org/sharedcache.html).
 */
final class SqlitePools {
    private static final String PREFIX = "jdbc:sqlite:";

    private SqlitePools() {}

    private enum Place {
        FILE,
        READ_ONLY_FILE,
        ONE_CONNECTION
    }

    static Optional<PoolAdvice> advise(String url) {
        if (!url.regionMatches(true, 0, PREFIX, 0, PREFIX.length())) {
            return Optional.empty();
        }
        return Optional.of(
                switch (place(url.substring(PREFIX.length()))) {
                    // The journal mode is kept in the file: readers find it there.
                    case FILE ->
                        connections(1).property(SqliteFacts.JOURNAL_MODE, "WAL").readers(readers());
                    case READ_ONLY_FILE -> readers();
                    case ONE_CONNECTION -> connections(1).lifetime(PoolAdvice.Lifetime.UNTIL_CLOSED);
                });
    }

    private static PoolAdvice readers() {
        return connections(Math.max(4, Runtime.getRuntime().availableProcessors()))
                .initSql("PRAGMA " + SqliteFacts.QUERY_ONLY + "=ON");
    }

    /** The names of sqlite-jdbc's properties are those of the pragmas. */
    private static PoolAdvice connections(int size) {
        return PoolAdvice.ofSize(size)
                .property(SqliteFacts.FOREIGN_KEYS, "true")
                .property(SqliteFacts.BUSY_TIMEOUT, "5000");
    }

    private static Place place(String address) {
        int question = address.indexOf('?');
        String name = question < 0 ? address : address.substring(0, question);
        Map<String, String> parameters = question < 0 ? Map.of() : parameters(address.substring(question + 1));
        boolean uri = name.startsWith("file:");
        String path = uri ? name.substring("file:".length()) : name;
        if (path.isEmpty() || path.equals(":memory:") || path.startsWith(":resource:")) {
            return Place.ONE_CONNECTION;
        }
        if ("1".equals(parameters.get("open_mode"))) {
            return Place.READ_ONLY_FILE;
        }
        if (!uri) {
            return Place.FILE; // the other parameters mean nothing to SQLite here
        }
        if (says(parameters, "mode=memory", "cache=shared", "shared_cache=true", "vfs=memdb")) {
            return Place.ONE_CONNECTION;
        }
        return says(parameters, "mode=ro", "immutable=1") ? Place.READ_ONLY_FILE : Place.FILE;
    }

    private static boolean says(Map<String, String> parameters, String... settings) {
        return Stream.of(settings)
                .map(setting -> setting.split("=", 2))
                .anyMatch(setting -> setting[1].equals(parameters.get(setting[0])));
    }

    private static Map<String, String> parameters(String query) {
        return Stream.of(query.split("&"))
                .map(parameter -> parameter.split("=", 2))
                .collect(Collectors.toMap(
                        pair -> pair[0].trim().toLowerCase(Locale.ROOT),
                        pair -> pair.length < 2 ? "" : pair[1].trim().toLowerCase(Locale.ROOT),
                        (first, last) -> last));
    }
}
