package dev.holdfast.tx.testkit;

import java.util.Objects;
import java.util.function.BiFunction;
import javax.sql.DataSource;

/**
 * Where a server listens, so that a proxy can be put before it.
 *
 * @param host of the server
 * @param port of the server
 * @param sessions opens the same sessions as {@link DatabaseUnderTest#sessions()} at another host and port
 */
public record Network(String host, int port, BiFunction<String, Integer, DataSource> sessions) {
    /** Refuses what is missing. */
    public Network {
        Objects.requireNonNull(host);
        Objects.requireNonNull(sessions);
    }
}
