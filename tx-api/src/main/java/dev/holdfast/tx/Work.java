package dev.holdfast.tx;

import org.jspecify.annotations.Nullable;

/**
 * Work whose surrounding is chosen by the call that runs it.
 *
 * @param <T> its result
 */
@FunctionalInterface
public interface Work<T extends @Nullable Object> {
    /**
     * Does the work.
     *
     * @throws Exception anything; it reaches the caller as it is
     */
    T perform() throws Exception;
}
