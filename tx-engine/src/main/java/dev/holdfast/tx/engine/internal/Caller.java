package dev.holdfast.tx.engine.internal;

/** Who makes the calls of a thread, where that can be cancelled: a coroutine. */
public interface Caller {
    /** Whether it was cancelled: nothing that it begins now would be kept. */
    boolean isCancelled();

    /**
     * Has something done when the caller is cancelled; at once, if it was before.
     *
     * @param action is done at most once, by any thread, and returns at once
     * @return to be closed when there is nothing left to do; the action may be done all the same if it was due by then
     */
    Watch whenCancelled(Runnable action);

    /** That something is done when a caller is cancelled. */
    @FunctionalInterface
    interface Watch {
        /** Ends it. */
        void close();
    }
}
