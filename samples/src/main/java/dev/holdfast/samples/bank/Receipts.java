package dev.holdfast.samples.bank;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** What the tellers were told about each order; the books are held against it. */
final class Receipts {
    private final Set<Long> committed = ConcurrentHashMap.newKeySet();
    private final Set<Long> rolledBack = ConcurrentHashMap.newKeySet();
    private final Set<Long> unknown = ConcurrentHashMap.newKeySet();

    void committed(Order order) {
        committed.add(order.id());
    }

    void rolledBack(Order order) {
        rolledBack.add(order.id());
    }

    void unknown(Order order) {
        unknown.add(order.id());
    }

    Set<Long> committed() {
        return Set.copyOf(committed);
    }

    Set<Long> rolledBack() {
        return Set.copyOf(rolledBack);
    }

    Set<Long> unknown() {
        return Set.copyOf(unknown);
    }

    int count() {
        return committed.size() + rolledBack.size() + unknown.size();
    }
}
