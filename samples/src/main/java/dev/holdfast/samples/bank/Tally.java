package dev.holdfast.samples.bank;

import dev.holdfast.tx.FailureKind;
import dev.holdfast.tx.Outcome;
import dev.holdfast.tx.TxEvent;
import dev.holdfast.tx.TxListener;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/** Counts: what Holdfast tells as events, and what the tellers' hooks report. */
final class Tally implements TxListener {
    final LongAdder runs = new LongAdder();
    final LongAdder runsRolledBack = new LongAdder();
    final LongAdder retries = new LongAdder();
    final LongAdder connectionsEvicted = new LongAdder();
    final LongAdder savepoints = new LongAdder();
    final LongAdder savepointsSurvived = new LongAdder();
    final LongAdder afterCommitHooks = new LongAdder();
    final LongAdder afterRollbackHooks = new LongAdder();
    private final Map<FailureKind, LongAdder> retriedFor = new ConcurrentHashMap<>();

    @Override
    public void on(TxEvent event) {
        if (event instanceof TxEvent.Evicted) {
            connectionsEvicted.increment();
        } else if (event instanceof TxEvent.Ended ended && Teller.LABEL.equals(event.label())) {
            runs.increment();
            if (ended.outcome() instanceof Outcome.RolledBack) {
                runsRolledBack.increment();
            }
        }
    }

    void retried(FailureKind kind) {
        retries.increment();
        retriedFor.computeIfAbsent(kind, unseen -> new LongAdder()).increment();
    }

    /** How many retries there were for each kind of failure. */
    SortedMap<FailureKind, Long> retriedFor() {
        SortedMap<FailureKind, Long> sums = new TreeMap<>();
        retriedFor.forEach((kind, count) -> sums.put(kind, count.sum()));
        return sums;
    }

    /** Each run must have fired the hook for its own end, once. */
    List<String> complaints(Receipts receipts) {
        List<String> complaints = new ArrayList<>();
        long committed = receipts.committed().size();
        if (afterCommitHooks.sum() != committed) {
            complaints.add(afterCommitHooks + " hooks fired after " + committed + " commits");
        }
        if (afterRollbackHooks.sum() != runsRolledBack.sum()) {
            complaints.add(afterRollbackHooks + " hooks fired after " + runsRolledBack + " rollbacks");
        }
        return complaints;
    }
}
