package dev.holdfast.tx;

/** Runs at a given point of a transaction's end, once. */
@FunctionalInterface
public interface Hook {
    /**
     * Does what the hook is for.
     *
     * @throws Exception anything; what becomes of it is said where the hook is registered
     */
    void fire() throws Exception;
}
