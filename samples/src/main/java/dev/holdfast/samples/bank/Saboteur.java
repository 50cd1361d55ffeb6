package dev.holdfast.samples.bank;

import dev.holdfast.tx.Tx;
import java.sql.SQLException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Breaks connections in the middle of transfers: each fiftieth order, at its first attempt. */
final class Saboteur {
    private static final int EACH = 50;

    private final Vault vault;
    private final Set<Long> visited = ConcurrentHashMap.newKeySet();

    Saboteur(Vault vault) {
        this.vault = vault;
    }

    void visit(Tx tx, Order order) throws SQLException {
        if (order.id() % EACH == 0 && visited.add(order.id())) {
            vault.cutConnection(tx);
        }
    }

    int connectionsCut() {
        return visited.size();
    }
}
