package dev.holdfast.tx.faults;

import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxListener;
import java.util.concurrent.atomic.AtomicInteger;

/** Counts the commits whose answer was lost, by what was found out about them. */
final class Settlements implements TxListener {
    private final AtomicInteger done = new AtomicInteger();
    private final AtomicInteger notDone = new AtomicInteger();
    private final AtomicInteger unknown = new AtomicInteger();

    @Override
    public void on(TxEvent event) {
        if (event instanceof TxEvent.Settled settled) {
            Outcome outcome = settled.outcome();
            (outcome instanceof Outcome.Committed ? done : outcome instanceof Outcome.RolledBack ? notDone : unknown)
                    .incrementAndGet();
        }
    }

    @Override
    public String toString() {
        return "lost commits that were settled: " + done + " done, " + notDone + " not done; not settled: " + unknown;
    }
}
