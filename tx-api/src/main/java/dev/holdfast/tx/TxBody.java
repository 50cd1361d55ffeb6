package dev.holdfast.tx;

import org.jspecify.annotations.Nullable;

/**
 * The body of a transaction, with a result.
 *
 * @param <T> its result
 */
@FunctionalInterface
public interface TxBody<T extends @Nullable Object> {
    /**
     * Does the work.
     *
     * @param tx the handle of this scope, good until this returns
     * @throws Exception anything; the scope is rolled back and the caller gets the same object
     */
    T apply(Tx tx) throws Exception;
}
