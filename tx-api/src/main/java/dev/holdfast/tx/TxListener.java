package dev.holdfast.tx;

/** Is told of {@link TxEvent events}. */
@FunctionalInterface
public interface TxListener {
    /**
     * Told on the thread that caused the event, in the middle of its work: be quick. Warnings ({@link TxEvent.OpenTooLong},
     * {@link TxEvent.Leaked}) come on a thread of the engine's, those of coroutines on whichever thread runs them. What it throws is logged and
     * changes nothing.
     *
     * @param event what happened
     */
    void on(TxEvent event);
}
