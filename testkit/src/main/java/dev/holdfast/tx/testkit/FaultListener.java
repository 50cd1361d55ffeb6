package dev.holdfast.tx.testkit;

import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxListener;
import org.jspecify.annotations.Nullable;

/** Remembers how the last transaction ended. */
final class FaultListener implements TxListener {
    private @Nullable Outcome outcome;

    @Override
    public void on(TxEvent event) {
        if (event instanceof TxEvent.Ended ended) {
            outcome = ended.outcome();
        }
    }

    void forget() {
        outcome = null;
    }

    /** Null if none ended. */
    @Nullable
    Outcome outcome() {
        return outcome;
    }
}
