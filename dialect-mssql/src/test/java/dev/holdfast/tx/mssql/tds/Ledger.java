package dev.holdfast.tx.mssql.tds;

import java.util.ArrayList;
import java.util.List;

/** What all sessions have committed. */
final class Ledger {
    private final List<String> committed = new ArrayList<>();
    private final List<String> outside = new ArrayList<>();
    private long transactions;

    synchronized long nextTransaction() {
        return ++transactions;
    }

    synchronized void committed(List<String> changes) {
        committed.addAll(changes);
    }

    /** A change that no transaction held: it is committed by itself. */
    synchronized void outside(String change) {
        committed.add(change);
        outside.add(change);
    }

    synchronized List<String> committed() {
        return List.copyOf(committed);
    }

    synchronized List<String> outside() {
        return List.copyOf(outside);
    }
}
