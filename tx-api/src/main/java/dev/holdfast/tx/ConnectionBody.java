package dev.holdfast.tx;

import java.sql.Connection;
import org.jspecify.annotations.Nullable;

/**
 * Work with a connection.
 *
 * @param <T> its result
 */
@FunctionalInterface
public interface ConnectionBody<T extends @Nullable Object> {
    /**
     * Does the work.
     *
     * @param connection a guarded view, good until this returns
     * @throws Exception anything; it reaches the caller as it is
     */
    T apply(Connection connection) throws Exception;
}
