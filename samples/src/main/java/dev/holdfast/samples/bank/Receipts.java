package dev.holdfast.samples.bank;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** What the tellers were told about each order; the books are held against it. */
final class Receipts {
    private final Set<Long> committed = ConcurrentHashMap.newKeySet();
    private final Set<Long> rolledBack = ConcurrentHashMap.newKeySet();
    private final Map<Long, Exception> gaveUp = new ConcurrentHashMap<>();
    private final Set<Long> unknown = ConcurrentHashMap.newKeySet();

    void committed(Order order) {
        committed.add(order.id());
    }

    void rolledBack(Order order) {
        rolledBack.add(order.id());
    }

    void gaveUp(Order order, Exception why) {
        gaveUp.put(order.id(), why);
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

    Map<Long, Exception> gaveUp() {
        return Map.copyOf(gaveUp);
    }

    Set<Long> unknown() {
        return Set.copyOf(unknown);
    }

    int count() {
        return committed.size() + rolledBack.size() + gaveUp.size() + unknown.size();
    }
}
