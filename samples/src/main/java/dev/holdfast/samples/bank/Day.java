package dev.holdfast.samples.bank;

import dev.holdfast.tx.Transactor;
import java.io.PrintStream;
import java.sql.Connection;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** A day at the bank, from opening to the check of the books. */
final class Day {
    private static final int TELLERS_OF_EACH_MANNER = 3;
    private static final int TICK_MILLIS = 100;

    private final Vault vault;
    private final PrintStream out;
    private final boolean terminal;
    private final List<Order> orders;
    private final Tally tally = new Tally();
    private final Receipts receipts = new Receipts();
    private final Saboteur saboteur;

    Day(Vault vault, PrintStream out, boolean terminal, int orders) {
        this.vault = vault;
        this.out = out;
        this.terminal = terminal;
        this.orders = Order.of(orders);
        this.saboteur = new Saboteur(vault);
    }

    Report live() throws Exception {
        try (Connection connection = vault.plainConnection()) {
            Bank.open(connection);
        }
        Progress progress = new Progress(out, terminal, orders.size());
        try (Transactor locking = vault.open(Bank.Manner.LOCKING, tally);
                Transactor optimistic = vault.open(Bank.Manner.OPTIMISTIC, tally)) {
            Queue<Order> queue = new ConcurrentLinkedQueue<>(orders);
            List<Thread> tellers = new ArrayList<>();
            for (int i = 0; i < TELLERS_OF_EACH_MANNER; i++) {
                tellers.add(start(locking, Bank.Manner.LOCKING, queue));
                tellers.add(start(optimistic, Bank.Manner.OPTIMISTIC, queue));
            }
            watch(new ArrayDeque<>(tellers), progress);
            Map<String, String> extras = new Extras(locking).all();
            try (Connection connection = vault.plainConnection()) {
                Books.Findings findings = Books.check(connection, receipts, tally);
                return new Report(receipts, tally, saboteur.connectionsCut(), findings, extras, progress.seconds());
            }
        }
    }

    private Thread start(Transactor db, Bank.Manner manner, Queue<Order> queue) {
        Teller teller = new Teller(db, new Bank(manner), queue, saboteur, receipts, tally);
        Thread thread = new Thread(teller, "teller, " + manner);
        thread.start();
        return thread;
    }

    private void watch(Queue<Thread> tellers, Progress progress) throws InterruptedException {
        while (!tellers.isEmpty()) {
            tellers.element().join(TICK_MILLIS);
            if (!tellers.element().isAlive()) {
                tellers.remove();
            }
            progress.show(receipts.count(), tally, saboteur);
        }
    }
}
