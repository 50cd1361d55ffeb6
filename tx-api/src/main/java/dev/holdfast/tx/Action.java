package dev.holdfast.tx;

/** Work without a result whose surrounding is chosen by the call that runs it. */
@FunctionalInterface
public interface Action {
    /**
     * Does the work.
     *
     * @throws Exception anything; it reaches the caller as it is
     */
    void perform() throws Exception;
}
