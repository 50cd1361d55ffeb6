package dev.holdfast.tx;

import org.jspecify.annotations.Nullable;

/**
 * The body of a transaction that declares what it throws.
 *
 * @param <T> its result
 * @param <X> its checked exception
 */
@FunctionalInterface
public interface CheckedBody<T extends @Nullable Object, X extends Exception> {
    /**
     * Does the work.
     *
     * @param tx the handle of this scope, good until this returns
     * @throws X as declared; the scope is rolled back and the caller gets the same object
     */
    T apply(Tx tx) throws X;
}
