package dev.holdfast.tx;

/** The body of a transaction, without a result. */
@FunctionalInterface
public interface TxAction {
    /**
     * Does the work.
     *
     * @param tx the handle of this scope, good until this returns
     * @throws Exception anything; the scope is rolled back and the caller gets the same object
     */
    void apply(Tx tx) throws Exception;
}
